from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff.commands import Decision, DecisionKind, KeepDecision
from handoff.engine import CallEngine
from handoff.errors import StorageError
from handoff.events import (
    ActionFinished,
    ActionProposed,
    ActionRefused,
    AgentSpoke,
    BridgeUp,
    CallerHungUp,
    CallerSilent,
    CallerSpoke,
    CallEvent,
    CallStarted,
    ContentFlagged,
    DeadlinePassed,
    DialogueFacts,
    DigitPressed,
    Effect,
    FloorReported,
    HandedBack,
    NobodyAvailable,
    OperatorAssigned,
    SpeechFacts,
)
from handoff.policy import Policy
from handoff.ports import DecisionRecord, FactRecord
from handoff.replay import (
    KINDS,
    RecordedEngine,
    compare,
    decision_of,
    decode,
    encode,
    replay,
    rerun,
)
from handoff.risk import SHIPPED, Models, head
from handoff.storage import SqlStore
from handoff.testing import MemoryStore, a_bad_turn, a_call, a_proposal, a_turn
from tests.support.talks import acts_of_talks

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
NUMBERS = st.floats(allow_nan=False)
PLAIN = st.none() | st.booleans() | st.integers(-9, 9) | TEXT


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a field's type; numbers may be infinite."""
    parts = get_args(hint)
    if get_origin(hint) in (Union, UnionType):
        return st.one_of(*(values_of(part) for part in parts))
    if get_origin(hint) is Mapping:
        return st.dictionaries(values_of(parts[0]), values_of(parts[1]), max_size=3)
    if get_origin(hint) is tuple:
        return st.lists(values_of(parts[0]), max_size=3).map(tuple)
    if is_dataclass(hint):
        return events_of(hint)
    known: dict[Any, st.SearchStrategy[Any]] = {float: NUMBERS, str: TEXT, Any: PLAIN}
    return known[hint] if hint in known else st.from_type(hint)


def events_of(kind: Any) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    return st.builds(kind, **{field.name: values_of(hints[field.name]) for field in fields(kind)})


# --- the codec ---


@pytest.mark.parametrize("kind", get_args(CallEvent), ids=lambda kind: kind.__name__)
def test_every_event_comes_back_from_json(kind: type[CallEvent]) -> None:
    @settings(max_examples=40)
    @given(events_of(kind))
    def comes_back(event: CallEvent) -> None:
        text = json.dumps(encode(event), allow_nan=False)
        assert decode(kind.__name__, json.loads(text)) == event

    comes_back()


def test_there_is_a_kind_for_every_event() -> None:
    assert set(KINDS.values()) == set(get_args(CallEvent))


def test_a_number_that_is_none_comes_back_as_one_that_is_none() -> None:
    turn = replace(a_turn(), speech=SpeechFacts(math.nan, snr_db=-math.inf))
    again = decode("CallerSpoke", encode(turn))
    assert isinstance(again, CallerSpoke)
    assert math.isnan(again.speech.confidence)
    assert again.speech.snr_db == -math.inf


def test_a_record_of_an_older_version_gets_what_it_lacks_by_default() -> None:
    values = encode(CallerHungUp(speaking=False))
    del values["speaking"]
    assert decode("CallerHungUp", values) == CallerHungUp()


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("Nonsense", {}),
        ("DigitPressed", {}),
        ("DigitPressed", {"digit": 0}),
        ("DigitPressed", {"digit": "0", "more": 1}),
        ("DigitPressed", {"digit": None}),
        ("StageTimed", {"turn": 1, "stage": "reply", "milliseconds": "soon", "budget": 1.0}),
        (
            "ActionFinished",
            encode(ActionFinished("a", "b", Effect.READ, True, "")) | {"effect": "?"},
        ),
    ],
)
def test_a_fact_that_cannot_be_read_is_one_clear_error(kind: str, values: Any) -> None:
    with pytest.raises(StorageError, match=f"kind '{kind}' cannot be read"):
        decode(kind, values)


# --- recording and deciding again ---

EFFECTS = st.sampled_from(list(Effect))
PROBABILITY = st.floats(0, 1)
TURNS = st.builds(
    lambda heard, sure, margin, wish, cross, stuck, words: a_turn(
        0,
        words,
        heard=heard,
        sure=sure,
        margin=margin,
        dialogue=DialogueFacts(wants_person=wish, frustration=cross, stuck_slot=stuck),
    ),
    PROBABILITY,
    PROBABILITY,
    PROBABILITY,
    st.sampled_from([0.0, 0.0, 0.0, 0.9]),
    PROBABILITY,
    st.integers(0, 4),
    st.sampled_from(["balance please", "block my card now", "no", "what is my balance"]),
)
PROPOSALS = st.builds(a_proposal, effect=EFFECTS, over_limit=st.booleans())
FAILURES = st.builds(
    lambda effect, ok: ActionFinished("action-1", "transfer", effect, ok, ""),
    EFFECTS,
    st.booleans(),
)
EPOCHS = st.integers(1, 5)
APART = (CallStarted, CallerSpoke, ActionProposed, OperatorAssigned, CallerHungUp, FloorReported)
OTHERS = st.one_of(*(events_of(kind) for kind in get_args(CallEvent) if kind not in APART))
FLOOR = st.builds(FloorReported, st.floats(0, 500), st.floats(0, 20))
EVENTS = st.lists(
    st.tuples(
        st.floats(0, 30),
        TURNS
        | TURNS
        | PROPOSALS
        | FAILURES
        | OTHERS
        | FLOOR
        | st.builds(OperatorAssigned, st.just("ann"), st.just("Ann"), EPOCHS)
        | st.builds(BridgeUp, st.just("ann"))
        | st.builds(HandedBack, st.just("ann"))
        | st.builds(NobodyAvailable, st.just(1)),
    ),
    max_size=40,
)
POLICIES = st.sampled_from(
    [
        Policy(),
        Policy(rule="simple"),
        Policy.from_mapping({"hysteresis": {"high": 0.5, "low": 0.1}}, "test"),
    ]
)
OTHER_MODELS = Models(head(-1.0, {"frustration": 2.0}), head(-2.0, {"repeats": 1.0}), "test")
BY_ACTS = replace(SHIPPED, acts=acts_of_talks(), source="acts")
MODELS = st.sampled_from([SHIPPED, OTHER_MODELS, BY_ACTS])


def drive(engine: CallEngine, events: list[tuple[float, Any]]) -> list[Decision]:
    """What a server does: tell everything in time, deadlines included."""
    now, turn = 1000.125, 0
    made: list[Decision] = []
    for after, event in events:
        while (due := engine.next_deadline()) is not None and due <= now + after:
            engine.handle(DeadlinePassed(), due)
        now += after
        if isinstance(event, CallerSpoke):
            turn += 1
            event = replace(event, turn=turn)
        engine.handle(event, now)
        made += [c.decision for c in engine.take_commands() if isinstance(c, KeepDecision)]
    return made


@given(EVENTS, POLICIES, MODELS)
def test_a_replay_decides_as_the_live_call_did(
    events: list[tuple[float, Any]], policy: Policy, models: Models
) -> None:
    plain = CallEngine(a_call(), policy, 1000.125, models)
    live = RecordedEngine(a_call(), policy, 1000.125, models)
    decided = drive(live, events)
    assert decided == drive(plain, events), "recording changes nothing"
    facts = [
        replace(fact, values=json.loads(json.dumps(fact.values))) for fact in live.take_facts()
    ]
    assert [fact.seq for fact in facts] == list(range(len(facts)))
    assert replay(facts, policy, models) == decided


@given(EVENTS, POLICIES, MODELS)
def test_the_readings_are_what_the_live_call_decided_on(
    events: list[tuple[float, Any]], policy: Policy, models: Models
) -> None:
    live = RecordedEngine(a_call(), policy, 1000.125, models)
    seen: dict[int, Mapping[str, float]] = {}
    now = 1000.125
    for number, (after, event) in enumerate(events, start=1):
        now += after
        if isinstance(event, CallerSpoke | CallerSilent):
            event = replace(event, turn=number)
        asked = live.answering
        live.handle(event, now)
        if asked and isinstance(event, CallerSpoke | CallerSilent):
            seen[number] = live.raw_signals
    readings = rerun(live.take_facts(), policy, models).readings
    assert {turn: reading.raw for turn, reading in readings.items()} == seen


@pytest.mark.parametrize("backend", ["memory", "sqlite"])
async def test_a_call_out_of_a_store_decides_alike(backend: str, tmp_path: Path) -> None:
    live = RecordedEngine(a_call(), Policy(), 5.25)
    events = [(3.1, a_turn()), (4.7, a_proposal()), (2.0, a_bad_turn()), (3.3, a_bad_turn())]
    decided = drive(live, events)
    assert any(decision.hand_off for decision in decided)
    store = (
        MemoryStore()
        if backend == "memory"
        else await SqlStore.open(f"sqlite:///{tmp_path}/calls.db")
    )
    await store.save(live.take_facts())
    assert live.take_facts() == []
    assert replay(await store.facts("call-1"), Policy(), SHIPPED) == decided
    await store.aclose()


def test_a_trigger_that_had_to_wait_asks_again_as_it_did() -> None:
    live = RecordedEngine(a_call(), Policy(), 0.0)
    flagged = ContentFlagged("caller", "a threat")
    events = [(1.0, a_bad_turn()), (1.0, a_bad_turn()), (1.0, NobodyAvailable(0)), (5.0, flagged)]
    decided = drive(live, [*events, (60.0, a_turn())])
    hard = [made.hand_off for made in decided if made.reasons[0].code == "harmful_content"]
    assert hard == [False, True]
    assert replay(live.take_facts(), Policy(), SHIPPED) == decided


def test_a_refused_action_is_refused_again() -> None:
    """That an action was refused has an effect on what its failure means."""
    asked = a_proposal()
    failed = ActionFinished("action-1", "transfer", Effect.IRREVERSIBLE, False, "")
    live, refused = (RecordedEngine(a_call(), Policy(), 0.0) for _ in range(2))
    assert replay(_facts(live, asked, failed), Policy(), SHIPPED) != []
    assert (
        replay(_facts(refused, asked, ActionRefused("action-1"), failed), Policy(), SHIPPED) == []
    )


def test_facts_that_do_not_begin_with_the_start_are_refused() -> None:
    live = RecordedEngine(a_call(), Policy(), 0.0)
    facts = _facts(live, a_turn())
    for wrong in ([], facts[1:]):
        with pytest.raises(StorageError, match="begin"):
            replay(wrong, Policy(), SHIPPED)


def test_a_reading_is_of_turns_that_the_ai_decided_on() -> None:
    live = RecordedEngine(a_call(), Policy(), 0.0)
    facts = _facts(live, a_turn(1), DigitPressed("0"), a_turn(2), AgentSpoke(2, "", "answer"))
    assert set(rerun(facts, Policy(), SHIPPED).readings) == {1}


def _facts(live: RecordedEngine, *events: CallEvent) -> list[FactRecord]:
    for number, event in enumerate(events, start=1):
        live.handle(event, float(number))
    return live.take_facts()


# --- side by side ---


def a_run(policy: Policy, *events: CallEvent) -> tuple[list[Decision], list[FactRecord]]:
    live = RecordedEngine(a_call(), policy, 0.0)
    facts = _facts(live, *events)
    return replay(facts, policy, SHIPPED), facts


def test_a_bolder_policy_keeps_the_call() -> None:
    old, facts = a_run(Policy(), a_turn(1), a_bad_turn(2), a_bad_turn(3), a_turn(4))
    bold = Policy.from_mapping({"hysteresis": {"high": 50.0, "low": 50.0}}, "test")
    found = compare(old, replay(facts, bold, SHIPPED))
    assert (found.first_old, found.first_new) == (2, None)
    assert found.differing == (2,)
    by_turn = {pair.turn: pair for pair in found.turns}
    assert by_turn[1].old == by_turn[1].new
    assert by_turn[3].old is None, "a person was being called"
    assert by_turn[3].new is not None


def test_the_same_run_twice_differs_nowhere() -> None:
    old, _ = a_run(Policy(), a_turn(1), a_bad_turn(2))
    found = compare(old, old)
    assert found.differing == ()
    assert found.first_old == found.first_new == 2


def test_the_person_of_the_record_is_no_decision_of_the_replay() -> None:
    came = OperatorAssigned("ann", "Ann", 1)
    old, facts = a_run(Policy(), a_turn(1), a_bad_turn(2), came, BridgeUp("ann"))
    bold = Policy.from_mapping({"hysteresis": {"high": 50.0, "low": 50.0}}, "test")
    new = replay(facts, bold, SHIPPED)
    assert new[-1].reasons[0].code == "takeover"
    assert compare(old, new).first_new is None


def test_nor_with_an_emergency_under_way() -> None:
    fire = a_turn(1, dialogue=DialogueFacts(emergency=True))
    came = OperatorAssigned("ann", "Ann", 1)
    old, _ = a_run(Policy(), fire, NobodyAvailable(0), came)
    assert [made.kind for made in old] == [DecisionKind.HARD, DecisionKind.TAKEN_OVER]
    new = [replace(old[0], turn=1, hand_off=False), old[1]]
    found = compare(old, new)
    assert (found.first_old, found.first_new) == (1, None)


def test_a_hard_trigger_in_place_of_the_model_differs() -> None:
    events = (a_turn(1), a_bad_turn(2))
    old, facts = a_run(Policy(), *events)
    asked = replace(a_bad_turn(2), dialogue=DialogueFacts(wants_person=0.9, frustration=0.7))
    new, _ = a_run(Policy(), a_turn(1), asked)
    assert facts
    assert compare(old, new).differing == (2,)


def test_what_was_kept_is_what_was_decided() -> None:
    decided, _ = a_run(Policy(), a_turn(1), a_bad_turn(2))
    kept = [
        DecisionRecord.of(decision, seq=seq, at=0.0, policy_version="")
        for seq, decision in enumerate(decided)
    ]
    assert [decision_of(record) for record in kept] == decided
