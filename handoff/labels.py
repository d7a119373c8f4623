"""What people decide about the AI's work, as labels that the next model learns from.

One function for each kind of record; each is pure and gives the labels that the record stands for, none when
nobody has judged. The rules, where *turn* is the caller's turn at which the AI decided or proposed:

=================  ======================  =========  =====  ==============================  ========
record             answer                  head       value  turns                           weight
=================  ======================  =========  =====  ==============================  ========
`Disposition`      needed                  breakdown  true   turn                            1
..                 not_needed              breakdown  false  turn                            1
..                 premature               breakdown  false  turn: a later one would do      0.5
..                 too_late                breakdown  true   turn                            1
..                 too_late                breakdown  true   up to two turns before          0.5
`ApprovalAnswer`   approve                 error      false  turn                            1
..                 approve_with_edits      error      true   turn                            1
..                 reject                  error      true   turn                            1
..                 respond                 error      true   turn: told to do otherwise      0.5
..                 expired                 none: nobody has judged
`Comparison`       agreed                  error      false  turn                            0.5 / p
..                 disagreed               error      true   turn: one of the two is wrong   0.5 / p
`AuditAnswer`      right                   error      false  turn                            1 / p
..                 wrong                   error      true   turn                            1 / p
..                 expired                 none: nobody has judged
=================  ======================  =========  =====  ==============================  ========

- *p* is the probability with which the item was sampled: inverse propensity weighting makes the sample speak
  for all items (Horvitz & Thompson 1952), clipped at `CLIP` so that no single answer speaks for too many.
- The weight of a disposition is halved where a hard trigger made the decision: such a call can need a person
  while the conversation itself goes well.
- Two turns before: *h* is the probability of a breakdown within four speaker turns, which are two of the
  caller's, so a handoff that came too late says that the turns before it should have shown it. Which of them
  is a guess, hence the half.
- An id names what its label was drawn from. A person who changes their mind replaces their labels: those that
  no longer hold come back with weight 0, which learning leaves out.
- Time-outs, expiries and withdrawals give none. Exercises have no function here: their answers were known
  before, so they measure the person and not the AI.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from handoff.commands import DecisionKind
from handoff.policy.audit import CLIP

HeadName = Literal["breakdown", "error"]
Source = Literal["disposition", "approval", "disagreement", "audit"]
Verdict = Literal["needed", "premature", "too_late", "not_needed"]
Ending = DecisionKind | Literal["automated", "handed_off", "abandoned", "failed"]
Answer = Literal["approve", "approve_with_edits", "reject", "respond", "expired"]

HORIZON = 4  # what h looks ahead: turns of both speakers
CALLER_TURNS = HORIZON // 2  # the same in turns of the caller, between which the AI speaks once
UNSURE = 0.5  # the weight of an answer that says less than plainly yes or no

_VERDICTS: dict[str, tuple[bool, float]] = {
    "needed": (True, 1.0),
    "not_needed": (False, 1.0),
    "premature": (False, UNSURE),
    "too_late": (True, 1.0),
}
_ANSWERS: dict[str, tuple[bool, float]] = {
    "approve": (False, 1.0),
    "approve_with_edits": (True, 1.0),
    "reject": (True, 1.0),
    "respond": (True, UNSURE),
}


_UNSAID: dict[str, bool] = {"taken_over": True, "abandoned": True, "automated": False}
# Hard triggers that speak of the conversation, not of what a caller wants or what else happens.
OF_THE_TALK = frozenset({"explicit_request", "digit_zero", "no_matches", "silences"})


@dataclass(frozen=True, slots=True)
class Label:
    """One judgement on one turn. Key: `label_id`; one with the same id replaces it."""

    label_id: str
    call_id: str
    turn: int  # the caller's turn, from 1
    head: HeadName  # which probability it speaks of
    value: bool  # whether it broke down, or was wrong
    weight: float  # 0 (withdrawn) .. CLIP
    source: Source
    by: str  # operator id
    at: float  # seconds since the Unix epoch


@dataclass(frozen=True, slots=True)
class Disposition:
    """What the operator says of a handoff, once the call is over. Key: `call_id`, `seq`."""

    call_id: str
    seq: int  # number of the request in its call, from 0 (`HandoffRecord.seq`)
    turn: int  # the turn of the decision
    verdict: Verdict
    by: str
    at: float
    hard: bool = False  # a hard trigger made the decision
    note: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalAnswer:
    """What became of a proposal that a person was asked about."""

    approval_id: str
    call_id: str
    turn: int
    answer: Answer
    by: str
    at: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """A blind second decision beside the AI's."""

    review_id: str
    call_id: str
    turn: int
    agreed: bool
    by: str
    at: float
    propensity: float = 1.0  # P(reviewed), in (0, 1]


@dataclass(frozen=True, slots=True)
class AuditAnswer:
    """A judgement after the fact on something that was automated."""

    audit_id: str
    call_id: str
    turn: int
    answer: Literal["right", "wrong", "expired"]
    by: str
    at: float
    propensity: float = 1.0  # P(sampled), in (0, 1]


def broke_down(
    ending: Ending, verdict: Verdict | None = None, codes: Iterable[str] = ()
) -> bool | None:
    """Whether a conversation broke down where the AI ceased to lead it: what *h* foretells.

    What the operator says of the handoff decides. Without a word a hard trigger that speaks of the
    conversation (one of `codes` is in `OF_THE_TALK`), a person who took the call unasked and a caller who
    hung up on the AI ("abandoned") say that it did, a call that the AI finished ("automated") that it did
    not. Nobody can tell (None) of other triggers, where *h* itself moved the AI to hand over, and of every
    other ending.
    """
    if verdict is not None:
        return _VERDICTS[verdict][0]
    if ending is DecisionKind.HARD and not OF_THE_TALK.isdisjoint(codes):
        return True
    return _UNSAID.get(ending)


def of_disposition(record: Disposition) -> tuple[Label, ...]:
    """The labels of a handoff's disposition, the turn of the decision first.

    Raises `ValueError` for an unknown verdict or a turn below 0. A handoff before the first turn gives none.
    """
    if record.verdict not in _VERDICTS:
        raise ValueError(f"unknown verdict '{record.verdict}': one of {', '.join(_VERDICTS)}")
    _check_turn(record.turn)
    value, weight = _VERDICTS[record.verdict]
    share = 0.5 if record.hard else 1.0
    late = UNSURE if record.verdict == "too_late" else 0.0
    return tuple(
        Label(
            f"disposition:{record.call_id}:{record.seq}:{back}",
            record.call_id,
            record.turn - back,
            "breakdown",
            value if back == 0 else True,
            share * (weight if back == 0 else late),
            "disposition",
            record.by,
            record.at,
        )
        for back in range(CALLER_TURNS + 1)
        if record.turn - back >= 1
    )


def of_approval(record: ApprovalAnswer) -> tuple[Label, ...]:
    """The label of an answered proposal; none for one that expired.

    Raises `ValueError` for an unknown answer or a turn below 0.
    """
    if record.answer == "expired":
        return ()
    if record.answer not in _ANSWERS:
        raise ValueError(f"unknown answer '{record.answer}': one of {', '.join(_ANSWERS)}, expired")
    value, weight = _ANSWERS[record.answer]
    return _of_turn(record, record.approval_id, "approval", value, weight)


def of_comparison(record: Comparison) -> tuple[Label, ...]:
    """The label of a parallel review.

    Raises `ValueError` for a propensity outside (0, 1] or a turn below 0.
    """
    weight = min(CLIP, UNSURE * inverse(record.propensity))
    return _of_turn(record, record.review_id, "disagreement", not record.agreed, weight)


def of_audit(record: AuditAnswer) -> tuple[Label, ...]:
    """The label of an audit; none for one that nobody answered.

    Raises `ValueError` for an unknown answer, a propensity outside (0, 1] or a turn below 0.
    """
    weight = inverse(record.propensity)
    if record.answer == "expired":
        return ()
    if record.answer not in ("right", "wrong"):
        raise ValueError(f"unknown answer '{record.answer}': one of right, wrong, expired")
    return _of_turn(record, record.audit_id, "audit", record.answer == "wrong", weight)


def inverse(propensity: float) -> float:
    """1 / propensity, at most `CLIP`; raises `ValueError` outside (0, 1]."""
    if not 0 < propensity <= 1:
        raise ValueError(f"a propensity must be above 0 and at most 1, not {propensity:g}")
    return min(CLIP, 1.0 / propensity)


def _of_turn(
    record: ApprovalAnswer | Comparison | AuditAnswer,
    key: str,
    source: Source,
    value: bool,
    weight: float,
) -> tuple[Label, ...]:
    _check_turn(record.turn)
    if record.turn == 0:
        return ()  # before the caller's first turn there is nothing to learn from
    made = Label(
        f"{source}:{key}",
        record.call_id,
        record.turn,
        "error",
        value,
        weight,
        source,
        record.by,
        record.at,
    )
    return (made,)


def _check_turn(turn: int) -> None:
    if turn < 0:
        raise ValueError(f"a turn cannot be below 0, not {turn}")
