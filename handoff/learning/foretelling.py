"""Learning a deployment's dialogue acts from its own calls, and trying them against the champion's *h*.

Whether a call broke down, where the AI first ceased to lead it, is what `labels.broke_down` says, with the
operator's word if there is one. Calls of which it cannot tell are left out: above all those that *h* itself
handed over and nobody judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np

from handoff.acts import SHORTEST, ActsForeseer, fit, push, unseen
from handoff.labels import HORIZON, Disposition, broke_down
from handoff.learning.judging import Contest, Floats, Rows, Shortage
from handoff.metrics import Outcome
from handoff.policy import Policy
from handoff.ports import CallRecord, FactRecord
from handoff.replay import rerun
from handoff.risk import Models, Rolling

MIN_BROKEN = 50  # calls that broke down
MIN_WELL = 50  # and that went well

_OUTCOMES: dict[str, Outcome] = {outcome: outcome for outcome in get_args(Outcome)}

Turn = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """A past call as far as the AI led it: what was said, what was recently wrong, how it went."""

    call_id: str
    turns: tuple[Turn, ...]  # {speaker, acts}; the last one is what came after the caller's last
    recent: tuple[tuple[float, ...], ...]  # the recent troubles of each of the caller's turns
    broke: bool

    @property
    def counted(self) -> tuple[int, ...]:
        """The lengths of the prefixes that count: as `handoff.acts.prefixes`."""
        return tuple(
            done
            for done, turn in enumerate(self.turns, start=1)
            if turn["speaker"] == "caller" and SHORTEST <= done < len(self.turns)
        )

    @property
    def labels(self) -> tuple[bool, ...]:
        """Whether each of them is `HORIZON` turns or less before a breakdown."""
        return tuple(self.broke and len(self.turns) - done <= HORIZON for done in self.counted)


@dataclass(frozen=True, slots=True)
class ActsTrial(Contest):
    """Challenging acts beside the champion's *h*; the rows are turns."""

    acts: ActsForeseer  # the challenger, fitted on all calls


def told(
    call: CallRecord,
    facts: Iterable[FactRecord],
    policy: Policy,
    models: Models,
    said: Iterable[Disposition] = (),
) -> Told | None:
    """What a past call teaches; None where nothing. `policy`, `models`: what it was decided with.

    The acts are those that the live engine read. `said`: what operators said of its handoffs. Raises
    `StorageError` as `rerun` does.
    """
    again = rerun(facts, policy, models)
    first = next((decision for decision in again.decisions if decision.hand_off), None)
    if first is not None:
        word = next((each.verdict for each in said if each.seq == 0), None)
        broke = broke_down(first.kind, word, [reason.code for reason in first.reasons])
    else:
        ending = _OUTCOMES.get(call.outcome or "")
        broke = None if ending is None else broke_down(ending)
    if broke is None:
        return None
    last = first.turn if first is not None else max(again.said, default=0)
    led = [turn for turn in again.said if turn <= last]
    turns = [each for turn in led for each in again.said[turn]]
    recent = tuple(again.readings[turn].recent for turn in led)
    found = Told(call.call_id, (*turns, {"speaker": "agent", "acts": []}), recent, broke)
    return found if found.counted else None


def missing(calls: Sequence[Told]) -> tuple[Shortage, ...]:
    """What there is too little of to learn from; empty when nothing is."""
    broken = sum(call.broke for call in calls)
    found = (
        Shortage("calls that broke down", broken, MIN_BROKEN),
        Shortage("calls that went well", len(calls) - broken, MIN_WELL),
    )
    return tuple(short for short in found if short.have < short.need)


def foretell(
    calls: Sequence[Told],
    champion: Models,
    *,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> ActsTrial | tuple[Shortage, ...]:
    """Try acts learned from these calls; or say what is missing. `seed` is the bootstrap's.

    Both sides are judged as they decide live, on whole calls that the challenger was not fitted on. A
    champion that knows acts may have been: that is to its advantage. `progress`: fits done, of how many.
    """
    short = missing(calls)
    if short:
        return short
    calls = sorted(calls, key=lambda call: call.call_id)
    weights = unseen(champion.breakdown)
    rows = _rows(calls)
    ours = _predicted(champion, calls)
    theirs = np.empty(len(rows.y))
    folds = rows.folds()
    for number, out in enumerate(folds):
        progress(number, len(folds) + 1)
        left_out = {rows.groups[at] for at in out}
        part = [call for call in calls if call.call_id not in left_out]
        models = replace(champion, acts=_learned(part, weights))
        theirs[out] = _predicted(models, [call for call in calls if call.call_id in left_out])
    progress(len(folds), len(folds) + 1)
    acts = _learned(calls, weights)
    progress(len(folds) + 1, len(folds) + 1)
    return ActsTrial(**rows.compare(ours, theirs, seed).values(), acts=acts)


def predictions(models: Models, call: Told) -> list[float]:
    """*h* of each prefix that counts, as the engine decides with it: the running estimate."""
    following = models.acts.follow() if models.acts is not None else None
    counted = set(call.counted)
    running = Rolling(models.calm)
    recents = iter(call.recent)
    said: list[Turn] = []
    found = []
    for done, turn in enumerate(call.turns, start=1):
        said.append(turn)
        if turn["speaker"] != "caller":
            continue
        recent = next(recents)
        if following is not None:
            h = following.turn(said, recent).probability
        else:
            h = models.breakdown.probability(recent)
        running.update(h)
        said = []
        if done in counted:
            found.append(running.value)
    return found


def _rows(calls: Sequence[Told]) -> Rows:
    groups = tuple(call.call_id for call in calls for _ in call.counted)
    y = np.array([float(label) for call in calls for label in call.labels])
    return Rows(groups, y, np.ones(len(y)))


def _predicted(models: Models, calls: Sequence[Told]) -> Floats:
    return np.array([h for call in calls for h in predictions(models, call)])


def _learned(calls: Sequence[Told], weights: tuple[float, ...]) -> ActsForeseer:
    return ActsForeseer(fit([recorded(call, weights) for call in calls]), weights)


def recorded(call: Told, weights: tuple[float, ...]) -> dict[str, Any]:
    """The call as acts are learned from, with what acts cannot show."""
    recents = iter(call.recent)
    turns = [
        turn if turn["speaker"] == "agent" else {**turn, "push": push(weights, next(recents))}
        for turn in call.turns
    ]
    outcome = "handed_off" if call.broke else "completed"
    return {"call_id": call.call_id, "turns": turns, "outcome": outcome}
