"""What was learned and what was decided again, as tables that a person reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from handoff.commands import Decision
from handoff.learning import ActsTrial, Contest, Marks, Scores, Shortage, Trial
from handoff.policy import Policy
from handoff.ports import ModelRecord
from voice_hitl.learning.again import Answer
from voice_hitl.learning.study import Lesson

HEAD_WORDS: Mapping[str, str] = {
    "breakdown": "h: the conversation breaks down",
    "error": "q: the next answer or action is wrong",
}
ACTS_WORDS = "h by dialogue acts"
WHENCE = (
    "Labels come from what people decide in the console: verdicts on handoffs, answers to approvals, "
    "blind reviews, audits; see docs/patterns/learning.md."
)


def show_lesson(lesson: Lesson, console: Console) -> None:
    """Label counts, champion beside challenger, marks, and what to do next."""
    _show_labels(lesson, console)
    trials: dict[str, Contest] = {
        HEAD_WORDS[head]: trial for head, trial in lesson.trials.items() if isinstance(trial, Trial)
    }
    if isinstance(lesson.acts, ActsTrial):
        trials[ACTS_WORDS] = lesson.acts
    if trials:
        champion = lesson.champion or "shipped"
        table = Table(title=f"Champion ({champion}) and challenger, on calls not fitted on")
        for name in ("probability", "figure", "champion", "challenger", "difference", "95 %"):
            table.add_column(name, justify="left" if name in ("probability", "figure") else "right")
        for words, trial in trials.items():
            _add_trial(table, words, trial)
        console.print(table)
    for head, found in lesson.trials.items():
        if isinstance(found, Trial):
            console.print(f"{HEAD_WORDS[head]}: {_verdict(found)}", markup=False)
        else:
            console.print(f"{HEAD_WORDS[head]}: not enough data: {_missing(*found)}", markup=False)
    _show_acts(lesson.acts, console)
    _show_marks(lesson.marks, console)
    if lesson.proposal is None:
        console.print("Nothing is proposed.")
        if _lacks(lesson):
            console.print(WHENCE, markup=False, highlight=False)
    else:
        version = lesson.proposal.version
        console.print(
            f"{version} is proposed. To use it for new calls: "
            f"voice-hitl learn approve {version} --by NAME",
            markup=False,
        )


def show_versions(records: list[ModelRecord], console: Console) -> None:
    """All learned versions."""
    table = Table(title="Learned versions")
    for name in ("version", "what", "from", "state", "proposed", "approved by"):
        table.add_column(name)
    if not any(record.state == "active" for record in records):
        table.caption = "The shipped models are active."
    for record in records:
        changed = [
            *record.evidence.get("heads", {}),
            *(["marks"] * bool(record.evidence.get("marks"))),
        ]
        table.add_row(
            record.version,
            ", ".join(changed),
            record.parent or "shipped",
            record.state,
            _day(record.proposed_at),
            record.approved_by or "",
        )
    console.print(table)


def show_answer(answer: Answer, console: Console) -> None:
    """One call, turn by turn: what was decided beside what would be."""
    if answer.compared is None:
        console.print(
            f"{answer.call.call_id}: what it takes to decide it again is not kept, or cannot be read",
            markup=False,
        )
        return
    said = {turn.turn: turn.text for turn in answer.turns}
    table = Table(title=f"Call {answer.call.call_id}")
    for name in ("turn", "caller", "V was", "decided", "V now", "would decide"):
        table.add_column(name, justify="right" if name in ("turn", "V was", "V now") else "left")
    for pair in answer.compared.turns:
        table.add_row(
            str(pair.turn),
            said.get(pair.turn, "").replace("[", "\\["),
            *_cells(pair.old),
            *_cells(pair.new),
            style="bold yellow" if pair.differs else None,
        )
    console.print(table)
    console.print(_legend(answer.policy), markup=False, highlight=False)
    console.print(_summary(answer), markup=False)


def show_differing(answers: list[Answer], console: Console) -> None:
    """Of many calls, those in which a handoff would be made otherwise."""
    replayed = [a.compared for a in answers if a.compared is not None]
    table = Table(title="Calls that differ")
    for name in ("call", "handed off at turn", "would be at turn", "turns that differ"):
        table.add_column(name)
    for answer in answers:
        if answer.compared is not None and answer.compared.differing:
            table.add_row(
                answer.call.call_id,
                _turn(answer.compared.first_old),
                _turn(answer.compared.first_new),
                ", ".join(str(turn) for turn in answer.compared.differing),
            )
    if table.row_count:
        console.print(table)
    was = sum(c.first_old is not None for c in replayed)
    now = sum(c.first_new is not None for c in replayed)
    console.print(
        f"{len(answers)} calls, {len(replayed)} decided again, {table.row_count} differ; "
        f"handed off: {was}, would be: {now}"
    )


def totals(answers: list[Answer]) -> dict[str, int]:
    """The figures of `show_differing`."""
    replayed = [a.compared for a in answers if a.compared is not None]
    return {
        "calls": len(answers),
        "replayed": len(replayed),
        "same": sum(a.exact for a in answers),
        "differ": sum(bool(c.differing) for c in replayed),
        "handed_off_was": sum(c.first_old is not None for c in replayed),
        "handed_off_now": sum(c.first_new is not None for c in replayed),
    }


def lesson_report(lesson: Lesson) -> dict[str, Any]:
    """A lesson as JSON values."""
    return {
        "champion": lesson.champion or "shipped",
        "labels": [
            {"head": head, "source": source, "value": value, "count": count}
            for (head, source, value), count in sorted(lesson.labels.items())
        ],
        "unusable": lesson.unusable,
        "not_enough": {
            head: [{"what": s.what, "have": s.have, "need": s.need} for s in found]
            for head, found in lesson.trials.items()
            if not isinstance(found, Trial)
        },
        "trials": {
            head: found.evidence() | {"wins": found.wins}
            for head, found in lesson.trials.items()
            if isinstance(found, Trial)
        },
        "acts": _acts_report(lesson.acts),
        "marks": asdict(lesson.marks) if isinstance(lesson.marks, Marks) else None,
        "proposal": None if lesson.proposal is None else lesson.proposal.version,
    }


def _acts_report(acts: ActsTrial | tuple[Shortage, ...]) -> dict[str, Any]:
    if isinstance(acts, ActsTrial):
        return acts.evidence() | {"wins": acts.wins}
    return {"not_enough": [asdict(short) for short in acts]}


def _show_acts(acts: ActsTrial | tuple[Shortage, ...], console: Console) -> None:
    if isinstance(acts, ActsTrial):
        console.print(f"{ACTS_WORDS}: {_verdict(acts, 'turns')}", markup=False)
    elif acts:
        console.print(f"{ACTS_WORDS}: not enough data: {_missing(*acts)}", markup=False)


def _show_labels(lesson: Lesson, console: Console) -> None:
    if not lesson.labels:
        console.print("No labels yet.")
        return
    table = Table(title="Labels")
    for name in ("probability", "from", "yes", "no"):
        table.add_column(name, justify="right" if name in ("yes", "no") else "left")
    for head, source in sorted({key[:2] for key in lesson.labels}):
        yes, no = (lesson.labels.get((head, source, value), 0) for value in (True, False))
        table.add_row(HEAD_WORDS[head], source, str(yes), str(no))
    console.print(table)
    if lesson.unusable:
        console.print(
            f"{lesson.unusable} labels cannot be used: what their engine was told, or their policy or "
            "model, is not kept or cannot be read, or the AI did not decide on that turn"
        )


def _add_trial(table: Table, words: str, trial: Contest) -> None:
    def row(name: str, figure: str, difference: str = "", interval: str = "") -> None:
        before, after = (f"{getattr(f, figure):.4f}" for f in (trial.champion, trial.challenger))
        table.add_row(
            "" if figure != "log_loss" else words, name, before, after, difference, interval
        )

    row(
        "log loss", "log_loss", f"{trial.difference:+.4f}", f"{trial.low:+.4f} .. {trial.high:+.4f}"
    )
    row("ECE", "ece", _difference(trial.champion, trial.challenger, "ece"))
    row("Brier", "brier", _difference(trial.champion, trial.challenger, "brier"))
    table.add_section()


def _difference(champion: Scores, challenger: Scores, figure: str) -> str:
    return f"{getattr(challenger, figure) - getattr(champion, figure):+.4f}"


def _verdict(trial: Contest, rows: str = "labels") -> str:
    on = f"{trial.rows} {rows} ({trial.positive} yes) of {trial.calls} calls"
    if trial.wins:
        return f"the challenger wins, on {on}"
    if trial.high >= 0:
        return f"the champion stays: the difference may be chance, on {on}"
    return f"the champion stays: the challenger is worse calibrated, on {on}"


def _show_marks(marks: Marks | Shortage | None, console: Console) -> None:
    match marks:
        case Marks():
            console.print(
                f"Marks: {marks.share_before:.0%} of {marks.calls} calls would be routed; "
                f"high {marks.high:g} and low {marks.low:g} make it {marks.share_after:.0%}"
            )
        case Shortage():
            console.print(f"Marks: not enough data: {_missing(marks)}")
        case None:
            console.print("Marks: they may stay.")


def _lacks(lesson: Lesson) -> bool:
    """Whether a head had too little data to be tried."""
    return any(not isinstance(found, Trial) for found in lesson.trials.values())


def _missing(*shortages: Shortage) -> str:
    return ", ".join(f"{s.have} of {s.need} {s.what}" for s in shortages)


def _cells(decision: Decision | None) -> tuple[str, str]:
    if decision is None:
        return "", "-"
    if not decision.hand_off:
        return f"{decision.value:.2f}", "the AI goes on"
    reasons = "; ".join(reason.words for reason in decision.reasons)
    return f"{decision.value:.2f}", f"a person: {reasons}"


def _legend(policy: Policy) -> str:
    """What the table's V and its turns mean, with the marks of the policy decided under."""
    marks = policy.hysteresis
    rule = (
        "the rule `simple` decides without it"
        if policy.rule == "simple"
        else f"a person comes above {marks.high:g} once, or above {marks.low:g} in "
        f"{marks.low_turns} turns in a row"
    )
    return (
        f"V: the value of handing off now, in the policy's cost units; {rule} (the marks in force), or by a "
        "hard trigger. Later turns follow the recorded course, whatever would have been decided."
    )


def _summary(answer: Answer) -> str:
    compared = answer.compared
    assert compared is not None
    if answer.exact:
        return "Every decision is exactly as it was."
    count = len(compared.differing)
    return (
        f"Handed off at turn {_turn(compared.first_old)}, would be at turn "
        f"{_turn(compared.first_new)}; {count} {'turn differs' if count == 1 else 'turns differ'}."
    )


def _turn(turn: int | None) -> str:
    return "-" if turn is None else str(turn)


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")
