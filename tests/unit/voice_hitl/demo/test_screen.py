import io
from pathlib import Path

import pytest
from rich.console import Console

from voice_hitl.call.latency import Stage
from voice_hitl.demo.judging import Check
from voice_hitl.demo.measuring import Content
from voice_hitl.demo.report import CallReport
from voice_hitl.demo.screen import Feed, gauges, show_budgets, show_calls, show_totals
from voice_hitl.demo.watching import Watched
from voice_hitl.demo.wer import WordErrors
from voice_hitl.server import wire
from voice_hitl.simulate.loading import load_scenario

SHIPPED = Path(__file__).parents[4] / "voice_hitl" / "packs" / "banking" / "scenarios"


def console() -> Console:
    return Console(file=io.StringIO(), width=140, color_system=None)


def printed(to: Console) -> str:
    assert isinstance(to.file, io.StringIO)
    return to.file.getvalue()


def report(name: str, *, ok: bool = True) -> CallReport:
    return CallReport(
        scenario=name,
        call_sid="CA1",
        expected="handed_off",
        outcome="handed_off" if ok else "failed",
        reasons=("explicit_request",),
        checks=(Check("outcome", "handed_off", "failed", ok),),
        turns=(),
        handoff=None,
        contents=(Content("to_caller", "Dana's words", 0.91),),
        words=WordErrors(1, 20),
        server=((Stage.ENDPOINT, 340.0), (Stage.RESPONSE, 700.0)),
        ends=((Stage.RESPONSE, 520.0),),
        seconds=12.0,
    )


def entry(role: str, text: str, *, heard: str | None = None, seq: int = 0) -> wire.TranscriptEntry:
    return wire.TranscriptEntry.model_validate(
        {"seq": seq, "role": role, "text": text, "heard": heard, "final": True, "at": 0.0}
    )


def test_the_feed_tells_calls_apart_and_says_a_line_once() -> None:
    shown = console()
    feed = Feed(shown, 10)
    balance = load_scenario(SHIPPED / "balance.yaml")
    feed.begin("CA1", balance)
    watched = Watched("CA1")
    feed.news(watched, entry("caller", "what is my balance"))
    feed.news(watched, entry("caller", "what is my balance"))
    text = printed(shown)
    assert text.count("what is my balance") == 1
    assert all(line.startswith("balance") for line in text.splitlines())


def test_the_feed_shows_confidence_and_risk_moving() -> None:
    shown = console()
    watched = Watched("CA1")
    watched.points = [
        wire.Point(turn=n, at=float(n), confidence=1 - risk, risk=risk, low=0.2, high=0.35)
        for n, risk in enumerate((0.05, 0.5, 0.9))
    ]
    Feed(shown, 10).news(watched, watched.points[-1])
    assert "confidence 0.10 risk 0.90" in printed(shown)
    assert "▁▄▇" in printed(shown)


@pytest.mark.parametrize(("high", "style"), [(0.35, "red"), (0.6, "green"), (None, "green")])
def test_risk_is_red_above_the_mark_that_the_call_is_held_to(
    high: float | None, style: str
) -> None:
    point = wire.Point(turn=1, at=1.0, confidence=0.5, risk=0.5, low=0.2, high=high)
    styles = [str(span.style) for span in gauges([point]).spans]
    assert style in styles


def test_the_feed_says_what_an_interrupted_caller_heard() -> None:
    shown = console()
    feed, watched = Feed(shown, 10), Watched("CA1")
    feed.news(watched, entry("agent", "The branch is open from nine."))
    feed.news(watched, entry("agent", "The branch is open from nine.", heard="The branch"))
    assert "the caller heard “The branch …”" in printed(shown)


def test_partial_words_wait_until_they_are_final() -> None:
    shown = console()
    partial = entry("caller", "what is").model_copy(update={"final": False})
    Feed(shown, 10).news(Watched("CA1"), partial)
    assert printed(shown) == ""


def test_the_end_names_the_outcome() -> None:
    shown = console()
    watched = Watched("CA1", state="ended", outcome="handed_off")
    Feed(shown, 10).news(watched, "ended")
    assert "handed off" in printed(shown)


def test_what_was_not_as_it_should_be_is_explained() -> None:
    shown = console()
    show_calls(shown, [report("person"), report("angry", ok=False)])
    text = printed(shown)
    assert "✗ angry: outcome: expected handed_off, found failed" in text
    assert "failed, not handed off" in text
    assert "✗ person:" not in text


def test_budgets_are_judged_where_somebody_would_notice() -> None:
    shown = console()
    show_budgets(shown, [report("person")])
    line = next(line for line in printed(shown).splitlines() if "first reply audio" in line)
    # 700 ms in the server is over its budget, but the caller waited 520 ms.
    assert "550 / 900" in line and "700 / 700" in line and "520 / 520" in line
    assert line.lstrip().startswith("✓")
    unmeasured = next(line for line in printed(shown).splitlines() if "decision → offer" in line)
    assert unmeasured.lstrip().startswith("–")


def test_totals_count_calls_and_words() -> None:
    shown = console()
    show_totals(shown, [report("person"), report("angry", ok=False)], 30.0)
    text = printed(shown)
    assert "1 of 2 calls as they should be" in text
    assert "word error rate 5 % of 40 words" in text
    assert "worst 0.91" in text
