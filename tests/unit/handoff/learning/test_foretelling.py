from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff.acts import LiveTurns, training
from handoff.calibration import logit
from handoff.events import (
    AgentSpoke,
    CallerSilent,
    CallerSpoke,
    DigitPressed,
    HandedBack,
    NobodyAvailable,
    OperatorAssigned,
)
from handoff.labels import Disposition
from handoff.learning import ActsTrial, Shortage, Told, foretell, told
from handoff.learning.foretelling import missing, predictions, recorded
from handoff.policy import Policy
from handoff.ports import CallRecord, FactRecord
from handoff.replay import RecordedEngine, decode, rerun
from handoff.risk import SHIPPED, Head, Models, Rolling
from handoff.testing import a_bad_turn, a_call, a_proposal, a_turn
from tests.support.talks import FEW_TREES, QUIET, acts_of_talks, talk, talks


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "TREES", FEW_TREES)
    monkeypatch.setattr(training, "FOLDS", 2)


def calibrated(calls: tuple[Told, ...]) -> Models:
    """A champion that knows how often calls break down, and nothing else."""
    rate = float(np.mean([label for call in calls for label in call.labels]))
    return replace(SHIPPED, breakdown=Head(logit(rate), SHIPPED.breakdown.weights))


# --- trying it ---


def test_where_acts_foretell_breakdowns_the_challenger_wins_but_not_against_itself() -> None:
    calls = talks(140, foretold=True)
    steps: list[tuple[int, int]] = []
    champion = calibrated(calls)
    trial = foretell(calls, champion, progress=lambda *step: steps.append(step))
    assert isinstance(trial, ActsTrial)
    assert trial.wins
    assert trial.challenger.log_loss < 0.8 * trial.champion.log_loss
    assert (trial.calls, trial.rows) == (len(calls), sum(len(call.labels) for call in calls))
    assert steps == [(done, 6) for done in range(7)]
    assert json.loads(json.dumps(trial.evidence()))["rows"] == trial.rows
    again = foretell(calls, replace(champion, acts=trial.acts))
    assert isinstance(again, ActsTrial)
    assert not again.wins


def test_where_they_do_not_it_does_not() -> None:
    calls = talks(160, foretold=False)
    trial = foretell(calls, calibrated(calls))
    assert isinstance(trial, ActsTrial)
    assert not trial.wins


def test_too_few_calls_of_a_kind_are_said() -> None:
    calls = talks(80, foretold=True)
    broken = sum(call.broke for call in calls)
    assert foretell(calls, SHIPPED) == missing(calls)
    assert missing(calls) == (
        Shortage("calls that broke down", broken, 50),
        *([Shortage("calls that went well", len(calls) - broken, 50)] * (len(calls) - broken < 50)),
    )


# --- what a call tells ---


def kept(events: list[Any], outcome: str, policy: Policy = QUIET) -> tuple[CallRecord, Any]:
    engine = RecordedEngine(a_call(), policy, 0.0)
    for at, event in enumerate(events, start=1):
        engine.handle(event, 5.0 * at)
    return CallRecord("call-1", "+1", "banking", "en", 0.0, "", 1.0, outcome), engine.take_facts()


QUIETLY = [
    event
    for turn in range(1, 4)
    for event in (a_turn(turn, f"where is {turn}"), AgentSpoke(turn, "There.", "answer"))
]
BADLY = [
    event
    for turn in range(4, 8)
    for event in (AgentSpoke(turn - 1, "Sorry?", "apology"), a_bad_turn(turn, f"the um {turn}"))
]
PERSON = [DigitPressed("0")]


@pytest.mark.parametrize(
    ("events", "outcome", "broke"),
    [
        (QUIETLY, "automated", False),
        (QUIETLY, "abandoned", True),
        (QUIETLY, "failed", None),
        (QUIETLY[:1], "automated", None),  # nothing to learn from so short a call
        ([*QUIETLY, *BADLY], "handed_off", None),  # its own doing, of which nobody said a word
        ([*QUIETLY, *BADLY], "automated", None),  # a person was called and gave it back
        ([*QUIETLY, *PERSON], "handed_off", True),
        ([*QUIETLY, a_proposal(over_limit=True)], "handed_off", None),  # what they want, not how
        ([*QUIETLY, OperatorAssigned("ann", "Ann", 1)], "handed_off", True),
    ],
)
def test_how_a_call_went(events: list[Any], outcome: str, broke: bool | None) -> None:
    call, facts = kept(events, outcome, Policy())
    found = told(call, facts, Policy(), SHIPPED)
    assert (None if found is None else found.broke) is broke


@pytest.mark.parametrize(
    ("verdict", "seq", "broke"),
    [
        ("needed", 0, True),
        ("too_late", 0, True),
        ("premature", 0, False),
        ("not_needed", 0, False),
        ("needed", 1, None),  # of a later handoff
    ],
)
def test_the_operators_word_on_a_handoff_decides(
    verdict: Any, seq: int, broke: bool | None
) -> None:
    said = [Disposition("call-1", seq, 7, verdict, "ann", 0.0)]
    call, facts = kept([*QUIETLY, *BADLY], "handed_off", Policy())
    found = told(call, facts, Policy(), SHIPPED, said)
    assert (None if found is None else found.broke) is broke
    call, facts = kept([*QUIETLY, *PERSON], "handed_off", Policy())
    found = told(call, facts, Policy(), SHIPPED, said)
    assert found is not None and found.broke is (broke is not False), "without a word it did"


def test_nothing_after_the_handoff_is_told() -> None:
    call, facts = kept([*QUIETLY, *BADLY, a_turn(8), a_turn(9)], "handed_off", Policy())
    needed = [Disposition("call-1", 0, 7, "needed", "ann", 0.0)]
    found = told(call, facts, Policy(), SHIPPED, needed)
    assert found is not None
    (fired,) = (d.turn for d in rerun(facts, Policy(), SHIPPED).decisions if d.hand_off)
    assert len(found.recent) == fired < 8
    assert found.labels[-1] is True


# --- what is learned from is what decides ---


def test_a_recorded_call_scores_as_the_live_one_did() -> None:
    """The figures of a trial are those of the engine: same acts, same probabilities, to the last bit."""
    models = replace(SHIPPED, acts=acts_of_talks(), source="m1")
    acts = acts_of_talks()
    for number in range(100, 110):
        call, facts = talk(number, foretold=True, models=models)
        found = told(call, facts, QUIET, models)
        assert found is not None
        live = [decision.breakdown for decision in rerun(facts, QUIET, models).decisions]
        ends = [done for done, turn in enumerate(found.turns, 1) if turn["speaker"] == "caller"]
        decided = dict(zip(ends, live, strict=True))
        assert predictions(models, found) == [decided[done] for done in found.counted]
        raw = acts.model.scores(recorded(found, acts.weights))
        scores = dict(zip(found.counted, raw, strict=True))
        running = Rolling(models.calm)
        assert [running.update(scores.get(done, acts.calm)) for done in ends] == live


def test_the_shipped_head_is_tried_as_it_decides_too() -> None:
    for number in range(100, 105):
        call, facts = talk(number, foretold=True)
        found = told(call, facts, QUIET, SHIPPED)
        assert found is not None
        live = [decision.breakdown for decision in rerun(facts, QUIET, SHIPPED).decisions]
        ends = [done for done, turn in enumerate(found.turns, 1) if turn["speaker"] == "caller"]
        decided = dict(zip(ends, live, strict=True))
        assert predictions(SHIPPED, found) == [decided[done] for done in found.counted]


EVENTS = st.lists(
    st.sampled_from(
        [
            a_turn(intent="balance"),
            a_turn(intent="limits", slots={"day": "monday"}),
            a_bad_turn(),
            CallerSilent(0, 5.0),
            AgentSpoke(0, "And?", "question", "the day"),
            AgentSpoke(0, "Sorry.", "apology"),
            OperatorAssigned("ann", "Ann", 1),
            HandedBack("ann"),
            NobodyAvailable(1),
            DigitPressed("0"),
        ]
    ),
    max_size=30,
)


@settings(max_examples=60)
@given(EVENTS)
def test_stored_facts_are_read_as_the_live_call_was(events: list[Any]) -> None:
    class Watched(RecordedEngine):
        """Notes which acts each turn was decided on."""

        @property
        def said(self) -> Any:
            return self._said

    live, seen, turn = Watched(a_call(), Policy(), 0.0), {}, 0
    for at, event in enumerate(events, start=1):
        if isinstance(event, CallerSpoke | CallerSilent):
            turn += 1
        event = replace(event, turn=turn) if hasattr(event, "turn") else event
        asked = live.answering
        live.handle(event, 5.0 * at)
        if asked and isinstance(event, CallerSpoke | CallerSilent):
            seen[turn] = live.said
    facts = [
        FactRecord(f.call_id, f.seq, f.now, f.kind, json.loads(json.dumps(f.values)))
        for f in live.take_facts()
    ]
    assert rerun(facts, Policy(), SHIPPED).said == seen


SMOOTH = st.sampled_from(
    [
        a_turn(intent="balance"),
        a_turn(intent="limits", slots={"day": "monday"}),
        AgentSpoke(0, "And?", "question", "the day"),
        AgentSpoke(0, "There.", "answer"),
    ]
)


@settings(max_examples=60)
@given(st.lists(SMOOTH, max_size=30))
def test_the_acts_are_those_of_the_events_alone(events: list[Any]) -> None:
    engine, turn = RecordedEngine(a_call(), QUIET, 0.0), 0
    for at, event in enumerate(events, start=1):
        turn += isinstance(event, CallerSpoke)
        engine.handle(replace(event, turn=turn), 5.0 * at)
    facts, fresh, alone = engine.take_facts(), LiveTurns(), {}
    for fact in facts:
        event = decode(fact.kind, fact.values)
        if isinstance(event, CallerSpoke):
            alone[event.turn] = fresh.turn(event)
        else:
            fresh.note(event)
    assert rerun(facts, QUIET, SHIPPED).said == alone
