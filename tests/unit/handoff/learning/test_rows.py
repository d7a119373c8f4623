from __future__ import annotations

from handoff.events import AgentSpoke
from handoff.labels import AuditAnswer, Disposition, of_audit, of_disposition
from handoff.learning import rows_of_call
from handoff.policy import Policy
from handoff.ports import FactRecord
from handoff.replay import RecordedEngine, rerun
from handoff.risk import SHIPPED, Models, head
from handoff.testing import a_bad_turn, a_call, a_turn


def a_recorded_call() -> list[FactRecord]:
    """Three turns that go well, then one that does not and is handed off, then one overheard."""
    engine = RecordedEngine(a_call(), Policy(), 0.0)
    for turn in (1, 2, 3):
        engine.handle(a_turn(turn, f"number {turn} please"), 5.0 * turn)
        engine.handle(AgentSpoke(turn, "Here it is.", "answer"), 5.0 * turn + 1)
    engine.handle(a_bad_turn(4), 20.0)
    assert not engine.answering
    engine.handle(a_turn(5), 25.0)
    return engine.take_facts()


def test_a_head_is_shown_what_it_decides_on() -> None:
    facts = a_recorded_call()
    late = of_disposition(Disposition("call-1", 0, 4, "too_late", "ann", 1.0))
    wrong = of_audit(AuditAnswer("u1", "call-1", 4, "wrong", "ann", 1.0, propensity=0.1))
    rows = rows_of_call([*late, *wrong], facts, Policy(), SHIPPED)
    readings = rerun(facts, Policy(), SHIPPED).readings
    assert [(row.head, row.turn, row.value, row.weight) for row in rows] == [
        ("breakdown", 4, True, 1.0),
        ("breakdown", 3, True, 0.5),
        ("breakdown", 2, True, 0.5),
        ("error", 4, True, 10.0),
    ]
    assert rows[0].troubles == readings[4].recent
    assert rows[-1].troubles == readings[4].now


def test_withdrawn_labels_and_turns_nobody_decided_on_give_no_row() -> None:
    needed = of_disposition(Disposition("call-1", 0, 4, "needed", "ann", 1.0))
    overheard = of_disposition(Disposition("call-1", 1, 5, "not_needed", "ann", 1.0))
    rows = rows_of_call([*needed, *overheard], a_recorded_call(), Policy(), SHIPPED)
    assert [row.turn for row in rows] == [4]


def test_a_call_is_decided_again_by_its_own_models() -> None:
    """Where the shipped ones would have handed it over, they would know nothing of what came then."""
    own = Models(head(-9.0, {}), head(-9.0, {}), "m1")
    engine = RecordedEngine(a_call(), Policy(), 0.0, own)
    engine.handle(a_turn(1), 5.0)
    for turn in (2, 3):
        engine.handle(a_bad_turn(turn), 5.0 * turn)
    assert engine.answering
    facts = engine.take_facts()
    found = of_audit(AuditAnswer("u1", "call-1", 3, "right", "ann", 1.0, propensity=0.5))
    assert [row.turn for row in rows_of_call(found, facts, Policy(), own)] == [3]
    assert rows_of_call(found, facts, Policy(), SHIPPED) == []
