from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from handoff.audit import (
    AuditCommand,
    AuditEvent,
    AuditItem,
    AuditorAnswers,
    AuditorAsks,
    AuditorLeft,
    AuditRecord,
    Audits,
    AuditState,
    AuditVerdict,
    Automated,
    CallHandledBy,
    KeepAudit,
    NothingToAudit,
    Referred,
    RefuseAudit,
    ShowAudit,
    WithdrawAudit,
    answer_of,
    error_rates,
)
from handoff.audit import audits as machine
from handoff.errors import ProtocolError, StorageError
from handoff.events import CallerHungUp, DeadlinePassed
from handoff.labels import AuditAnswer
from handoff.policy import Policy

KEY = b"a secret"
EVERYTHING = Policy.from_mapping({"audit": {"uniform": 1, "lease": 60, "max_open": 3}}, "test")


def an_item(name: str = "a-1", call: str = "call-1", **more: Any) -> AuditItem:
    item = AuditItem(name, "action", call, 2, "automatic", "general", 0.1, "sent a new card")
    return replace(item, **more)


def run(audits: Audits, *events: AuditEvent, now: float = 10.0) -> list[AuditCommand]:
    for event in events:
        audits.handle(event, now)
    return audits.take_commands()


def kept(commands: list[AuditCommand]) -> list[AuditRecord]:
    return [c.record for c in commands if isinstance(c, KeepAudit)]


def test_everything_automated_is_kept_with_its_propensity_drawn_or_not() -> None:
    audits = Audits(Policy(), key=KEY)
    records = kept(run(audits, *(Automated(an_item(f"a-{n}")) for n in range(200))))
    assert len(records) == 200
    assert {r.state for r in records} == {AuditState.PASSED, AuditState.QUEUED}
    assert all(0.02 < r.propensity < 0.2 for r in records)
    assert len(audits) == sum(r.state is AuditState.QUEUED for r in records)


def test_an_auditor_gets_the_oldest_and_their_verdict_is_kept() -> None:
    audits = Audits(EVERYTHING, key=KEY)
    commands = run(audits, Automated(an_item("a-1")), Automated(an_item("a-2")), AuditorAsks("ann"))
    assert commands[-1] == ShowAudit("ann", an_item("a-1"), 70.0)
    assert run(audits, AuditorAsks("ann"), now=20.0) == [ShowAudit("ann", an_item("a-1"), 70.0)]
    assert run(audits, AuditorAsks("bob"))[-1] == ShowAudit("bob", an_item("a-2"), 70.0)
    (record,) = kept(run(audits, AuditorAnswers("a-1", "ann", "wrong", "to the old address")))
    assert (record.state, record.verdict, record.auditor) == (AuditState.DONE, "wrong", "ann")
    assert answer_of(record, 9.0) == AuditAnswer("a-1", "call-1", 2, "wrong", "ann", 9.0, 1.0)


def test_after_a_restart_the_mean_risk_is_still_known() -> None:
    items = [Automated(an_item(f"a-{n}", risk=0.9)) for n in range(60)]
    whole = kept(run(Audits(Policy(), key=KEY), *items))
    audits = Audits(Policy(), key=KEY, records=whole[:50])
    assert kept(run(audits, *items[50:])) == whole[50:]


def test_what_could_have_been_drawn_is_counted_over_restarts() -> None:
    audits = Audits(Policy(), key=KEY)
    assert audits.seen == 0
    records = kept(run(audits, *(Automated(an_item(f"a-{n}")) for n in range(5))))
    assert audits.seen == 5
    assert Audits(Policy(), key=KEY, records=records).seen == 5


def test_an_unsure_verdict_is_no_label() -> None:
    audits = Audits(EVERYTHING, key=KEY)
    run(audits, Automated(an_item()), AuditorAsks("ann"))
    (record,) = kept(run(audits, AuditorAnswers("a-1", "ann", "unsure")))
    assert answer_of(record, 9.0) is None
    assert len(audits) == 0


def test_nobody_audits_a_call_they_had_a_part_in() -> None:
    audits = Audits(EVERYTHING, key=KEY)
    run(audits, Automated(an_item(handled_by=("ann",))))
    assert run(audits, AuditorAsks("ann")) == [NothingToAudit("ann")]
    assert isinstance(run(audits, AuditorAsks("bob"))[-1], ShowAudit)
    commands = run(audits, CallHandledBy("call-1", "bob"))
    assert WithdrawAudit("a-1", "bob", "own") in commands
    assert run(audits, AuditorAnswers("a-1", "bob", "right")) == [
        RefuseAudit("a-1", "bob", "not_yours")
    ]
    assert run(audits, AuditorAsks("bob")) == [NothingToAudit("bob")]
    assert isinstance(run(audits, AuditorAsks("cem"))[-1], ShowAudit)


def test_what_an_auditor_leaves_lying_goes_to_the_next() -> None:
    audits = Audits(EVERYTHING, key=KEY)
    run(audits, Automated(an_item()), AuditorAsks("ann"))
    assert audits.next_deadline() == 70.0
    assert run(audits, DeadlinePassed(), now=70.0)[0] == WithdrawAudit("a-1", "ann", "lapsed")
    run(audits, AuditorAsks("bob"), now=80.0)
    late = run(audits, AuditorAnswers("a-1", "ann", "right"), now=81.0)
    assert late == [RefuseAudit("a-1", "ann", "not_yours")]
    (record,) = kept(run(audits, AuditorLeft("bob"), now=82.0))
    assert record.state is AuditState.QUEUED
    assert audits.next_deadline() is None


def test_when_too_many_are_open_the_rest_is_skipped_and_says_so() -> None:
    audits = Audits(EVERYTHING, key=KEY)
    records = kept(run(audits, *(Automated(an_item(f"a-{n}")) for n in range(5))))
    assert [r.state for r in records[3:]] == [AuditState.SKIPPED] * 2
    assert [r.propensity for r in records[3:]] == [0.0, 0.0]
    assert kept(run(audits, Referred(an_item("m-1"), 0.5)))[0].state is AuditState.SKIPPED
    rates = error_rates(records, "path", EVERYTHING)
    assert rates["automatic"].population == 3


def test_items_told_twice_count_once_and_nonsense_is_refused() -> None:
    audits = Audits(EVERYTHING, key=KEY)
    run(audits, Automated(an_item()))
    assert run(audits, Automated(an_item()), Referred(an_item(), 1.0)) == []
    with pytest.raises(ValueError, match="risk"):
        audits.handle(Automated(an_item("a-2", risk=2.0)), 0.0)
    with pytest.raises(ValueError, match="propensity"):
        audits.handle(Referred(an_item("a-2"), 0.0), 0.0)
    unknown: Any = CallerHungUp()
    with pytest.raises(ProtocolError, match="CallerHungUp"):
        audits.handle(unknown, 0.0)


@pytest.mark.parametrize("again", [Automated(an_item()), Referred(an_item(), 0.5)])
def test_an_item_told_again_after_its_end_keeps_its_verdict(again: Automated | Referred) -> None:
    audits = Audits(EVERYTHING, key=KEY)
    run(audits, Automated(an_item()), AuditorAsks("ann"))
    judged = kept(run(audits, AuditorAnswers("a-1", "ann", "wrong")))
    seen = audits.seen
    assert run(audits, again) == []
    assert (len(audits), audits.seen) == (0, seen)
    assert run(Audits(EVERYTHING, key=KEY, records=judged), again) == []


def test_what_was_not_drawn_is_not_drawn_a_second_time() -> None:
    audits = Audits(Policy(), key=KEY)
    items = [Automated(an_item(f"a-{n}")) for n in range(100)]
    assert len(kept(run(audits, *items))) == 100
    assert run(audits, *items) == []


def test_ids_of_what_is_over_are_forgotten_some_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "CLOSED_KEPT", 50)
    never = Policy.from_mapping({"audit": {"uniform": 0, "by_risk": 0}}, "test")
    audits = Audits(never, key=KEY)
    run(audits, *(Automated(an_item(f"a-{n}")) for n in range(51)))
    assert run(audits, Automated(an_item("a-1"))) == []
    assert len(run(audits, Automated(an_item("a-0")))) == 1


def test_error_rates_by_path_and_category() -> None:
    audits = Audits(EVERYTHING, key=KEY)
    verdicts: tuple[tuple[str, str, AuditVerdict], ...] = (
        ("automatic", "general", "wrong"),
        ("automatic", "financial", "right"),
        ("approved", "financial", "right"),
    )
    commands = []
    for number, (path, category, verdict) in enumerate(verdicts):
        item = an_item(f"a-{number}", path=path, category=category)
        commands += run(audits, Automated(item), AuditorAsks("ann"))
        commands += run(audits, AuditorAnswers(item.audit_id, "ann", verdict))
    newest = {r.item.audit_id: r for r in kept(commands)}.values()
    by_path = error_rates(newest, "path", EVERYTHING)
    assert list(by_path) == ["approved", "automatic"]
    assert by_path["automatic"].inverse is not None
    assert by_path["automatic"].inverse.value == 0.5
    by_category = error_rates(newest, "category", EVERYTHING)
    assert by_category["general"].normalised is not None
    assert by_category["general"].normalised.value == 1.0


def test_lines_drawn_by_moderation_have_no_count_of_all() -> None:
    audits = Audits(EVERYTHING, key=KEY)
    commands = run(audits, Referred(an_item("m-1", kind="line"), 0.02), AuditorAsks("ann"))
    commands += run(audits, AuditorAnswers("m-1", "ann", "right"))
    assert answer_of(kept(commands)[-1], 9.0) is None, "it says nothing of the AI's answer"
    rate = error_rates([kept(commands)[-1]], "kind", EVERYTHING)["line"]
    assert rate.population is None and rate.inverse is None
    assert rate.normalised is not None and rate.normalised.value == 0.0


def test_a_record_that_is_none_is_refused() -> None:
    with pytest.raises(StorageError, match="an audit cannot be read back"):
        AuditRecord.from_dict({"state": "queued"})


PEOPLE = ("ann", "bob", "cem")


class AuditMachine(RuleBasedStateMachine):
    """Any order of events and crashes: one verdict each, one auditor at a time, never one's own call."""

    @initialize()
    def start(self) -> None:
        self.now = 100.0
        self.audits = Audits(EVERYTHING, key=KEY)
        self.store: dict[str, AuditRecord] = {}
        self.shown: dict[str, str] = {}  # item -> who has it
        self.done: set[str] = set()
        self.count = 0

    def say(self, event: AuditEvent) -> None:
        self.audits.handle(event, self.now)
        for command in self.audits.take_commands():
            match command:
                case KeepAudit(record=record):
                    name = record.item.audit_id
                    assert name not in self.done, "what is over stays over"
                    before = self.store.get(name)
                    assert before is None or before.propensity == record.propensity
                    if record.state not in (AuditState.QUEUED, AuditState.SHOWN):
                        self.done.add(name)
                    if record.state is not AuditState.SHOWN:
                        self.shown.pop(name, None)
                    if record.verdict is not None:
                        assert record.auditor not in record.item.handled_by
                    self.store[name] = record
                case ShowAudit():
                    name = command.item.audit_id
                    assert self.shown.get(name, command.auditor_id) == command.auditor_id
                    assert command.auditor_id not in command.item.handled_by
                    assert command.deadline > self.now
                    self.shown[name] = command.auditor_id
                case WithdrawAudit():
                    assert self.shown[command.audit_id] == command.auditor_id

    @rule(call=st.sampled_from(["call-1", "call-2"]), risk=st.floats(0, 1), mine=st.booleans())
    def something_is_automated(self, call: str, risk: float, mine: bool) -> None:
        self.count += 1
        handled = ("ann",) if mine else ()
        self.say(Automated(an_item(f"a-{self.count}", call, risk=risk, handled_by=handled)))

    @rule(who=st.sampled_from(PEOPLE))
    def asks(self, who: str) -> None:
        self.say(AuditorAsks(who))

    @rule(
        who=st.sampled_from(PEOPLE),
        back=st.integers(0, 4),
        verdict=st.sampled_from(["right", "wrong", "unsure"]),
    )
    def answers(self, who: str, back: int, verdict: AuditVerdict) -> None:
        name = f"a-{self.count - back}"
        may = self.shown.get(name) == who and self.store[name].state is AuditState.SHOWN
        deadline = self.audits.next_deadline()
        expired = deadline is not None and deadline <= self.now
        over = name in self.done
        self.say(AuditorAnswers(name, who, verdict))
        if not expired:
            assert (name in self.done and not over) == may

    @rule(who=st.sampled_from(PEOPLE))
    def leaves(self, who: str) -> None:
        self.say(AuditorLeft(who))

    @rule(who=st.sampled_from(PEOPLE), call=st.sampled_from(["call-1", "call-2"]))
    def has_a_part(self, who: str, call: str) -> None:
        self.say(CallHandledBy(call, who))

    @rule(seconds=st.sampled_from([1.0, 30.0, 61.0]), timer=st.booleans())
    def time_passes(self, seconds: float, timer: bool) -> None:
        self.now += seconds
        if timer:
            self.say(DeadlinePassed())

    @rule()
    def crash_and_reopen(self) -> None:
        self.now = 5.0
        self.shown.clear()
        records = [
            AuditRecord.from_dict(json.loads(json.dumps(record.as_dict())))
            for record in self.store.values()
        ]
        assert records == list(self.store.values())
        self.audits = Audits(EVERYTHING, key=KEY, records=records)

    @invariant()
    def bounded_and_in_step(self) -> None:
        if hasattr(self, "store"):
            assert len(self.audits) == len(self.store) - len(self.done) <= 3
            assert len(set(self.shown.values())) == len(self.shown), "one at a time"
            assert (self.audits.next_deadline() is not None) == bool(self.shown)


TestAuditMachine = AuditMachine.TestCase
TestAuditMachine.settings = settings(max_examples=150, stateful_step_count=30)
