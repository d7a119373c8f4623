from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from handoff.brief import Memory
from handoff.care import (
    BreakEnded,
    BreakStarted,
    Care,
    CareEvent,
    CareRecord,
    KeepCare,
    RestDue,
    RestOver,
    WorkEnded,
    WorkStarted,
)
from handoff.commands import Ring, Urgency
from handoff.desk import Desk
from handoff.errors import ProtocolError
from handoff.events import (
    DeadlinePassed,
    HandoffRequested,
    OperatorJoined,
    OperatorLeft,
    OperatorPresence,
    Presence,
)
from handoff.operators import Care as FloorCare
from handoff.policy import Policy
from handoff.testing import a_call, a_decision

RULES = Policy()  # 90 minutes of work, 10 of rest, 2 harsh in a row, 4 an hour
HARSH = "abuse"
MINUTE = 60.0


def work(care: Care, start: float, end: float, category: str | None = "general") -> None:
    """Ann works from minute to minute."""
    care.handle(WorkStarted("ann", f"w{start}", category), start * MINUTE)
    care.handle(WorkEnded("ann", f"w{start}"), end * MINUTE)


def offers(care: Care, minute: float, category: str | None = "general") -> bool:
    return care.may_offer("ann", category, minute * MINUTE)


def test_it_is_what_the_floor_asks_for() -> None:
    care: FloorCare = Care(RULES)
    assert care.may_offer("nobody", HARSH, 0.0)
    assert care.preference("nobody", HARSH, 0.0) == 0.0
    assert care.next_change(0.0) is None


def test_ninety_minutes_without_a_break_end_the_offers() -> None:
    care = Care(RULES)
    for start in range(0, 90, 15):
        work(care, start, start + 6)  # nine minutes between: no break
    assert offers(care, 89.9)  # five minutes of no work so far
    assert not offers(care, 90) and not offers(care, 90.9)
    assert not offers(care, 90, None)  # not even a critical call
    assert offers(care, 91)  # ten minutes after minute 81
    assert care.minutes_on_shift("ann", 80 * MINUTE) == 80
    assert care.minutes_on_shift("ann", 91 * MINUTE) == 0


def test_a_break_starts_the_count_again() -> None:
    care = Care(RULES)
    work(care, 0, 60)
    work(care, 70, 159.9)
    assert offers(care, 159.9)
    assert not offers(care, 160)


def test_a_call_that_lasts_through_is_not_cut_but_rest_is_due() -> None:
    care = Care(RULES)
    care.handle(WorkStarted("ann", "call", None), 0.0)
    assert care.next_deadline() == 90 * MINUTE
    care.take_commands()
    care.handle(DeadlinePassed(), 90 * MINUTE)
    assert care.take_commands() == [RestDue("ann", 90.0)]
    assert care.resting(90 * MINUTE) == ("ann",)
    care.handle(WorkEnded("ann", "call"), 95 * MINUTE)
    assert care.next_deadline() == 105 * MINUTE
    care.take_commands()
    care.handle(DeadlinePassed(), 105 * MINUTE)
    assert care.take_commands() == [RestOver("ann")]
    assert care.resting(105 * MINUTE) == () and care.next_deadline() is None


def test_work_beside_other_work_is_no_break_when_one_ends() -> None:
    care = Care(RULES)
    care.handle(WorkStarted("ann", "call", None), 0.0)
    care.handle(WorkStarted("ann", "review", None), 60.0)
    care.handle(WorkEnded("ann", "review"), 120.0)
    assert care.minutes_on_shift("ann", 80 * MINUTE) == 80
    assert not offers(care, 95)


def test_a_restart_neither_gives_nor_takes_rest() -> None:
    care = Care(RULES)
    care.handle(WorkStarted("ann", "call", HARSH), 0.0)
    care.take_commands()
    care.handle(WorkEnded("ann", "call"), 80 * MINUTE)
    [kept] = care.take_commands()
    assert isinstance(kept, KeepCare)
    again = Care(RULES)  # another process: its clock shows 7,000 five minutes after the record
    again.restore(kept.record, age=5 * MINUTE, now=7000.0)
    assert again.minutes_on_shift("ann", 7000.0) == 85
    assert again.may_offer("ann", None, 7000.0 + 4 * MINUTE)
    again.handle(WorkStarted("ann", "next", None), 7000.0 + 4 * MINUTE)
    assert not again.may_offer("ann", None, 7000.0 + 5 * MINUTE)


def test_work_in_hand_at_a_crash_counts_as_ended_at_the_restart() -> None:
    care = Care(RULES)
    care.handle(WorkStarted("ann", "call", None), 0.0)
    [kept] = care.take_commands()
    assert isinstance(kept, KeepCare)
    again = Care(RULES)
    again.restore(kept.record, age=91 * MINUTE, now=0.0)
    assert not again.may_offer("ann", None, 9 * MINUTE) and again.may_offer(
        "ann", None, 10 * MINUTE
    )


def test_a_break_asked_for_is_peace_but_counts_only_if_long_enough() -> None:
    care = Care(RULES)
    work(care, 0, 85)
    care.handle(BreakStarted("ann"), 85 * MINUTE)
    assert not offers(care, 86, None)
    care.handle(BreakEnded("ann"), 88 * MINUTE)
    assert offers(care, 88) and not offers(care, 90)


def test_leaving_and_coming_back_is_no_break() -> None:
    care = Care(RULES)
    work(care, 0, 89)
    care.handle(OperatorLeft("ann"), 89 * MINUTE)
    assert not offers(care, 91)
    care.handle(WorkStarted("ann", "again", None), 92 * MINUTE)
    assert care.minutes_on_shift("ann", 92 * MINUTE) == 92


def test_leaving_in_a_call_ends_the_work() -> None:
    care = Care(RULES)
    care.handle(WorkStarted("ann", "call", None), 0.0)
    care.handle(OperatorLeft("ann"), 100 * MINUTE)
    assert not offers(care, 109) and offers(care, 110)
    care.handle(WorkEnded("ann", "call"), 110 * MINUTE)  # late, and nothing
    assert care.next_change(110 * MINUTE) is None


def test_a_harsh_call_that_goes_on_after_a_reload_counts_once() -> None:
    care = Care(RULES)
    care.handle(WorkStarted("ann", "call", HARSH), 0.0)
    for at in (10.0, 20.0, 30.0):
        care.handle(OperatorLeft("ann"), at)
        care.handle(OperatorLeft("ann"), at + 1)
        care.handle(WorkStarted("ann", "call", HARSH), at + 2)
    assert care.preference("ann", HARSH, 40.0) == 2  # once lately, once within the hour
    care.handle(WorkEnded("ann", "call"), 5 * MINUTE)
    assert offers(care, 5, HARSH)
    work(care, 6, 7, HARSH)
    assert not offers(care, 7, HARSH), "the second in a row"


def test_after_a_break_the_same_work_is_new_work() -> None:
    care = Care(RULES)
    care.handle(WorkStarted("ann", "call", HARSH), 0.0)
    care.handle(OperatorLeft("ann"), 1 * MINUTE)
    care.handle(WorkStarted("ann", "call", HARSH), 12 * MINUTE)
    assert care.preference("ann", HARSH, 12 * MINUTE) == 4


def test_harsh_calls_take_turns() -> None:
    care = Care(RULES)
    work(care, 0, 2, HARSH)
    assert offers(care, 2, HARSH)
    work(care, 3, 5, "threat")  # another harsh category counts as well
    assert not offers(care, 6, HARSH) and offers(care, 6) and offers(care, 6, None)
    work(care, 7, 9)
    assert offers(care, 9, HARSH)


def test_a_break_ends_a_row_of_harsh_calls() -> None:
    care = Care(RULES)
    work(care, 0, 2, HARSH)
    work(care, 3, 5, HARSH)
    assert care.next_change(5 * MINUTE) == 15 * MINUTE
    assert not offers(care, 14.9, HARSH) and offers(care, 15, HARSH)


def test_only_so_many_harsh_calls_an_hour() -> None:
    care = Care(RULES)
    for start in (0, 8, 16, 24):
        work(care, start, start + 2, HARSH)
        work(care, start + 3, start + 5)
    assert not offers(care, 45, HARSH) and not offers(
        care, 59.9, HARSH
    )  # rested, but four this hour
    assert offers(care, 60, HARSH)


def test_who_had_less_of_a_category_comes_first() -> None:
    care = Care(RULES)
    work(care, 0, 1, "financial")
    work(care, 2, 3, "financial")
    care.handle(WorkStarted("bob", "b", HARSH), 0.0)
    assert care.preference("ann", "financial", 200.0) == 2
    assert care.preference("bob", "financial", 200.0) == 0
    assert care.preference("bob", HARSH, 200.0) == 2  # the same category, and harsh this hour
    assert care.preference("bob", "threat", 200.0) == 1
    assert care.preference("bob", "threat", 3600.0) == 0
    assert care.preference("ann", None, 200.0) == 0


def test_switched_off_nobody_is_held_back() -> None:
    care = Care(Policy.from_mapping({"care": {"enabled": False}}, "test"))
    work(care, 0, 200, HARSH)
    care.handle(BreakStarted("ann"), 201 * MINUTE)
    assert offers(care, 201, HARSH) and care.preference("ann", HARSH, 0.0) == 0
    assert care.next_change(0.0) is None and care.next_deadline() is None
    assert all(isinstance(command, KeepCare) for command in care.take_commands())


def test_whoever_left_is_forgotten() -> None:
    care = Care(RULES)
    for number in range(50):
        care.handle(WorkStarted(f"op{number}", "w", HARSH), 0.0)
        care.handle(OperatorLeft(f"op{number}"), 60.0)
    care.handle(DeadlinePassed(), 3600.0)
    assert care.next_change(0.0) is None
    care.handle(OperatorLeft("stranger"), 3600.0)
    care.handle(WorkEnded("stranger", "w"), 3600.0)
    assert care.next_change(0.0) is None


def test_what_it_does_not_know_is_refused() -> None:
    with pytest.raises(ProtocolError, match="no event str"):
        Care(RULES).handle(cast(CareEvent, "tea"), 0.0)


# --- with the floor -------------------------------------------------------------------------


def asked(desk: Desk) -> list[str]:
    return [command.operator_id for command in desk.take_commands() if isinstance(command, Ring)]


def request(call_id: str, urgency: Urgency, category: str) -> HandoffRequested:
    decision = a_decision(call_id, urgency=urgency)
    brief = Memory(a_call(call_id), 3, 3).brief(decision)
    return HandoffRequested(call_id, brief, decision, category=category)


@pytest.mark.parametrize("urgency", [Urgency.LOW, Urgency.HIGH, Urgency.CRITICAL])
def test_the_floor_rings_at_nobody_who_rests_and_again_once_they_have(urgency: Urgency) -> None:
    patient = {"for_busy": 3600, "for_absent": 3600, "limit": 3600}
    rules = Policy.from_mapping({"waiting": patient}, "test")
    care = Care(rules)
    desk = Desk(rules, 0.0, care=care)
    work(care, 0, 95)
    start = 96 * MINUTE
    desk.handle(OperatorJoined("ann", "Ann", frozenset(), frozenset()), start)
    desk.handle(OperatorPresence("ann", Presence.AVAILABLE), start)
    desk.handle(request("c1", urgency, "general"), start)
    assert asked(desk) == []
    desk.handle(OperatorJoined("bob", "Bob", frozenset(), frozenset()), start + 1)
    desk.handle(OperatorPresence("bob", Presence.AVAILABLE), start + 1)
    assert asked(desk) == ["bob"]
    desk.handle(OperatorLeft("bob"), start + 2)
    assert asked(desk) == []
    rung: list[str] = []
    while not rung:
        at = desk.next_deadline()
        assert at is not None and at <= 105 * MINUTE
        desk.handle(DeadlinePassed(), at)
        rung = asked(desk)
    assert (rung, at) == (["ann"], 105 * MINUTE)  # ten minutes after minute 95


def test_the_floor_takes_whoever_had_less_of_a_category() -> None:
    care = Care(RULES)
    desk = Desk(RULES, 0.0, care=care)
    for name in ("ann", "bob"):
        desk.handle(OperatorJoined(name, name, frozenset(), frozenset()), 0.0)
        desk.handle(OperatorPresence(name, Presence.AVAILABLE), 0.0)
    work(care, 1, 2, HARSH)
    desk.handle(request("c1", Urgency.MEDIUM, HARSH), 3 * MINUTE)
    assert asked(desk) == ["bob"]


# --- any course of events -------------------------------------------------------------------

PEOPLE = st.sampled_from(["ann", "bob"])
CATEGORIES = st.sampled_from(["general", HARSH, "threat", None])


class AnyShift(RuleBasedStateMachine):
    """Against a plain log of who worked when: rest and caps computed anew from all of it."""

    def __init__(self) -> None:
        super().__init__()
        self.care = Care(RULES)
        self.now = 0.0
        self.open: dict[str, dict[str, float]] = {"ann": {}, "bob": {}}
        self.log: dict[str, list[tuple[float, float]]] = {"ann": [], "bob": []}
        self.starts: dict[str, list[tuple[float, str | None]]] = {"ann": [], "bob": []}
        self.paused: set[str] = set()
        self.due: set[str] = set()
        self.count = 0

    @rule(minutes=st.sampled_from([0.5, 2.0, 5.0, 9.0, 10.0, 31.0]))
    def time_passes(self, minutes: float) -> None:
        end = self.now + minutes * MINUTE
        change = self.care.next_change(self.now)
        if change is not None and change > self.now:  # nothing changes before it by itself
            middle = (self.now + min(change, end)) / 2
            assert self.answers(middle) == self.answers(self.now)
        while (at := self.care.next_deadline()) is not None and at <= end:
            self.care.handle(DeadlinePassed(), at)
        self.now = end

    @rule(who=PEOPLE, category=CATEGORIES)
    def start(self, who: str, category: str | None) -> None:
        self.count += 1
        self.open[who][f"w{self.count}"] = self.now
        self.starts[who].append((self.now, category))
        self.care.handle(WorkStarted(who, f"w{self.count}", category), self.now)

    @precondition(lambda self: any(self.open.values()))
    @rule(who=PEOPLE, late=st.booleans())
    def end(self, who: str, late: bool) -> None:
        if self.open[who]:
            work_id, start = self.open[who].popitem()
            self.log[who].append((start, self.now))
            self.care.handle(WorkEnded(who, work_id), self.now)
            if late:
                self.care.handle(WorkEnded(who, work_id), self.now)

    @rule(who=PEOPLE, stop=st.booleans())
    def pause(self, who: str, stop: bool) -> None:
        if self.starts[who]:
            self.care.handle(BreakEnded(who) if stop else BreakStarted(who), self.now)
            (self.paused.discard if stop else self.paused.add)(who)

    @precondition(lambda self: not any(self.open.values()))
    @rule(gap=st.sampled_from([0.0, 300.0, 700.0]))
    def crash_and_reopen(self, gap: float) -> None:
        kept: dict[str, tuple[CareRecord, float]] = {}
        for who in self.open:
            if (
                who in self.paused or self.starts[who]
            ):  # an event that changes nothing writes a record
                event = BreakStarted(who) if who in self.paused else BreakEnded(who)
                self.care.handle(event, self.now)
        for command in self.care.take_commands():
            if isinstance(command, KeepCare):
                kept[command.record.operator_id] = (command.record, self.now)
        self.now += gap
        self.care = Care(RULES)
        for record, at in kept.values():
            self.care.restore(record, self.now - at, self.now)
        self.care.handle(DeadlinePassed(), self.now)
        self.due.clear()

    def answers(self, at: float) -> list[tuple[bool, float]]:
        return [
            (self.care.may_offer(who, category, at), self.care.preference(who, category, at))
            for who in self.open
            for category in ("general", HARSH, None)
        ]

    def stretch(self, who: str) -> float | None:
        """Since when this person has worked without a break, from the log alone."""
        spans = sorted(self.log[who] + [(start, self.now) for start in self.open[who].values()])
        since, until = None, -1e9
        for start, end in spans:
            if since is None or start >= until + 10 * MINUTE:
                since = start
            until = max(until, end)
        if since is None or (not self.open[who] and self.now >= until + 10 * MINUTE):
            return None
        return since

    @invariant()
    def rest_and_caps_hold(self) -> None:
        for who in self.open:
            since = self.stretch(who)
            tired = since is not None and self.now >= since + 90 * MINUTE - 1e-6
            rest = not tired and who not in self.paused
            assert self.care.may_offer(who, None, self.now) == rest
            assert self.care.may_offer(who, "general", self.now) == rest
            harsh = [at for at, category in self.starts[who] if category in (HARSH, "threat")]
            row = 0
            for at, category in self.starts[who]:
                if since is not None and at >= since:
                    row = row + 1 if category in (HARSH, "threat") else 0
            hour = sum(self.now < at + 3600 - 1e-6 for at in harsh)
            allowed = rest and row < 2 and hour < 4
            assert self.care.may_offer(who, HARSH, self.now) == allowed

    @invariant()
    def rest_is_told_once(self) -> None:
        for command in self.care.take_commands():
            if isinstance(command, RestDue):
                assert command.operator_id not in self.due
                self.due.add(command.operator_id)
            elif isinstance(command, RestOver):
                self.due.discard(command.operator_id)


TestAnyShift = AnyShift.TestCase
TestAnyShift.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(st.lists(st.tuples(st.floats(0.1, 40), st.floats(0.1, 40)), min_size=1, max_size=30))
def test_nobody_is_offered_work_after_ninety_minutes_whatever_the_pauses(
    spans: list[tuple[float, float]],
) -> None:
    care, minute = Care(RULES), 0.0
    stretch: float | None = None  # the minute of the first work after a break
    for pause, busy in spans:
        minute += pause
        if stretch is None or pause >= 10:
            stretch = minute
        if minute - stretch >= 90 + 1e-6:
            assert not offers(care, minute, None)
        work(care, minute, minute + busy)
        minute += busy
