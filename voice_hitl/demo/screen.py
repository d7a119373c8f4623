"""What the demo shows on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from voice_hitl.call.latency import BUDGETS, Stage
from voice_hitl.demo.judging import failures
from voice_hitl.demo.latencies import WORDS, Measured, percentile
from voice_hitl.demo.report import CallReport, figures
from voice_hitl.demo.watching import News, Watched
from voice_hitl.demo.wer import WordErrors, total
from voice_hitl.server import wire
from voice_hitl.simulate.scenario import Scenario

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_FIXED_COLUMNS = 34  # tick, WER, reply and time with the gaps between all columns
_LEAST_WHY = 12  # characters of the reasons that are shown on the narrowest terminal
_CURVE = 12  # turns of the risk curve that are shown
_ROLE_STYLE = {"caller": "bold", "agent": "cyan", "operator": "magenta", "system": "yellow"}
_ROLE_SIGN = {"caller": "caller", "agent": "AI", "operator": "person", "system": "·"}
_STATE_WORDS = {
    "waiting": "a person is being called",
    "bridging": "a person took the call",
    "operator": "a person is talking",
    "ai": "back with the AI",
}
_OUTCOME_STYLE = {
    "automated": "green",
    "handed_off": "magenta",
    "abandoned": "yellow",
    "failed": "red",
}


class Feed:
    """Prints calls line by line as they happen, several at once told apart by name."""

    def __init__(self, console: Console, width: int) -> None:
        self._console = console
        self._width = width
        self._names: dict[str, str] = {}
        self._shown: set[tuple[str, int]] = set()
        self._cut: set[tuple[str, int]] = set()

    def begin(self, call_id: str, scenario: Scenario) -> None:
        """A call is about to be made."""
        self._names[call_id] = scenario.name
        self._line(call_id, Text.assemble(("▶ ", "bold green"), (scenario.description, "italic")))

    def news(self, watched: Watched, news: News) -> None:
        """Something is new in a call."""
        match news:
            case wire.TranscriptEntry():
                self._entry(watched, news)
            case wire.Point():
                self._line(watched.call_id, gauges(watched.points))
            case "ended":
                outcome = watched.outcome or "over"
                style = _OUTCOME_STYLE.get(outcome, "")
                self._line(watched.call_id, Text(f"■ {outcome.replace('_', ' ')}", f"bold {style}"))
            case _:
                words = _STATE_WORDS.get(news, news)
                safe = ", in safe mode" if watched.safe_mode and news == "ai" else ""
                self._line(watched.call_id, Text(f"→ {words}{safe}", "bold yellow"))

    def _entry(self, watched: Watched, entry: wire.TranscriptEntry) -> None:
        key = (watched.call_id, entry.seq)
        if not entry.final or not entry.text:
            return
        if key not in self._shown:
            self._shown.add(key)
            style = _ROLE_STYLE[entry.role]
            text = Text.assemble((f"{_ROLE_SIGN[entry.role]:>6} ", f"dim {style}"))
            text.append(entry.text, style if entry.role != "system" else "dim yellow")
            if entry.asr_confidence is not None:
                text.append(f"  {entry.asr_confidence:.2f}", "dim")
            self._line(watched.call_id, text)
        elif (
            entry.role == "agent"
            and entry.heard is not None
            and entry.heard != entry.text
            and key not in self._cut
        ):
            self._cut.add(key)
            heard = f"“{entry.heard} …”" if entry.heard else "nothing of it"
            self._line(watched.call_id, Text(f"       cut off; the caller heard {heard}", "dim"))

    def _line(self, call_id: str, text: Text) -> None:
        name = self._names.get(call_id, call_id[-8:])
        self._console.print(
            Text.assemble((f"{name:<{self._width}} ", "blue"), text),
            soft_wrap=True,
            highlight=False,
        )


def gauges(points: Sequence[wire.Point]) -> Text:
    """Confidence and risk of the last turn, and the curve of risk so far."""
    last = points[-1]
    curve = "".join(_eighth(point.risk) for point in points[-_CURVE:])
    high = last.high is not None and last.risk > last.high
    return Text.assemble(
        ("       confidence ", "dim"),
        (f"{last.confidence:.2f} ", "green" if last.confidence >= 0.8 else "yellow"),
        ("risk ", "dim"),
        (f"{last.risk:.2f} ", "red" if high else "green"),
        (curve, "red" if high else "dim green"),
    )


def _eighth(share: float) -> str:
    return _EIGHTHS[max(1, min(8, round(share * 8)))]


# --- tables -----------------------------------------------------------------------------------


def show_calls(console: Console, calls: Sequence[CallReport]) -> None:
    """One line a call, and below it whatever was not as it should be."""
    table = Table(title="Calls", title_style="bold", header_style="dim", box=None, pad_edge=False)
    table.add_column("", width=1)
    table.add_column("scenario", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    for name, width in (("WER", 5), ("reply p50", 9), ("time", 5)):
        table.add_column(name, justify="right", no_wrap=True, width=width)
    table.add_column("why a person", no_wrap=True)
    outcomes = [_outcome(call) for call in calls]
    used = max(len(call.scenario) for call in calls) + max(len(outcome) for outcome in outcomes)
    room = max(_LEAST_WHY, console.width - used - _FIXED_COLUMNS)
    for call, outcome in zip(calls, outcomes, strict=True):
        replies = call.responses
        why = Text(", ".join(call.reasons).replace("_", " "), "dim")
        why.truncate(room, overflow="ellipsis")
        table.add_row(
            _tick(call.ok),
            call.scenario,
            outcome,
            _percent(call.words),
            f"{percentile(replies, 0.5):.0f} ms" if replies else "",
            f"{call.seconds:.0f} s",
            why,
        )
    console.print()
    console.print(table)
    for call in calls:
        for check in failures(call.checks):
            console.print(
                Text.assemble(
                    ("✗ ", "red"),
                    (call.scenario, "bold"),
                    f": {check.what}: expected {check.expected}, found {check.found}",
                ),
                soft_wrap=True,
                highlight=False,
            )


def show_budgets(console: Console, calls: Sequence[CallReport]) -> None:
    """Every stage of DESIGN section 6, as measured in these calls."""
    server, ends = figures(calls)
    table = Table(
        title="Latency, ms (p50 / p95)",
        title_style="bold",
        header_style="dim",
        box=None,
        pad_edge=False,
    )
    table.add_column("", width=1)
    table.add_column("stage", no_wrap=True)
    for name in ("budget", "in the server", "at the ends", "n"):
        table.add_column(name, justify="right", no_wrap=True)
    for stage in Stage:
        judged = ends.get(stage) or server.get(stage)
        budget = BUDGETS[stage]
        table.add_row(
            _tick(judged.ok) if judged else Text("–", "dim"),
            WORDS[stage],
            f"{budget.p50:.0f} / {budget.p95:.0f}",
            _pair(server.get(stage)),
            _pair(ends.get(stage)),
            str(judged.n) if judged else "",
        )
    console.print()
    console.print(table)


def show_totals(console: Console, calls: Sequence[CallReport], seconds: float) -> None:
    """The last line."""
    good = sum(call.ok for call in calls)
    words = total(call.words for call in calls)
    scores = [content.score for call in calls for content in call.contents]
    parts = [
        f"{good} of {len(calls)} calls as they should be",
        f"word error rate {_percent(words)} of {words.words} words",
    ]
    if scores:
        parts.append(f"voices found at the other end {len(scores)} times, worst {min(scores):.2f}")
    parts.append(f"{seconds:.0f} s")
    console.print()
    console.print(
        Text(" · ".join(parts), "bold green" if good == len(calls) else "bold red"), soft_wrap=True
    )


def _outcome(call: CallReport) -> Text:
    words = (call.outcome or "never ended").replace("_", " ")
    outcome = Text(words, _OUTCOME_STYLE.get(call.outcome or "", "red"))
    if call.outcome != call.expected:
        outcome.append(f", not {str(call.expected).replace('_', ' ')}", "red")
    return outcome


def _percent(words: WordErrors) -> str:
    return "" if words.rate is None else f"{100 * words.rate:.0f} %"


def _pair(found: Measured | None) -> str:
    return "" if found is None else f"{found.p50:.0f} / {found.p95:.0f}"


def _tick(good: bool) -> Text:
    return Text("✓", "green") if good else Text("✗", "bold red")
