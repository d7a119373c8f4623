from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from handoff.brief import Memory
from handoff.commands import (
    AlertOver,
    Assign,
    AuditCleared,
    DecisionKind,
    GiveUp,
    PresenceChanged,
    RefuseAccept,
    Ring,
    RingCallback,
    StopRinging,
    Urgency,
)
from handoff.desk import Desk
from handoff.errors import ProtocolError, UnknownOperator
from handoff.events import (
    CallbackDone,
    CallbackFailed,
    CallbackPromised,
    CallReleased,
    DeadlinePassed,
    HandoffRequested,
    OfferAccepted,
    OfferDeclined,
    OperatorJoined,
    OperatorLeft,
    OperatorPresence,
    Override,
    Presence,
    RequestWithdrawn,
    Seniority,
    ServerDraining,
    TakeoverRequested,
    TriageOverridden,
    WorkDone,
    WorkTaken,
    WrapUpDone,
)
from handoff.operators import Care
from handoff.policy import Policy
from handoff.testing import a_call, a_decision
from handoff.triage import Band


def request(call_id: str, urgency: Urgency = Urgency.MEDIUM, **more: Any) -> HandoffRequested:
    decision = a_decision(call_id, urgency=urgency)
    brief = Memory(a_call(call_id), 3, 3).brief(decision)
    return HandoffRequested(call_id, brief, decision, **more)


class Floor:
    def __init__(self, *operators: str, care: Care | None = None, **policy: Any) -> None:
        policy["floor"] = {"rounds": 1} | policy.get("floor", {})
        self.desk = Desk(Policy.from_mapping(policy, "test"), 0.0, care=care)
        self.now = 0.0
        for operator in operators:
            self.send(OperatorJoined(operator, operator.title()))
            self.send(OperatorPresence(operator, Presence.AVAILABLE))

    def send(self, *events: Any, after: float = 1.0) -> list[Any]:
        """What the desk wants after these, presence left out."""
        commands: list[Any] = []
        for event in events:
            self.now += after
            self.desk.handle(event, self.now)
            commands += self.desk.take_commands()
        return [c for c in commands if not isinstance(c, PresenceChanged)]

    def ring(self, *events: Any, after: float = 1.0) -> Ring:
        """The one ring after these events."""
        (ring,) = [c for c in self.send(*events, after=after) if isinstance(c, Ring)]
        return ring

    def lapse(self) -> list[Any]:
        due = self.desk.next_deadline()
        assert due is not None
        self.now = due
        return self.send(DeadlinePassed(), after=0)


def test_an_offer_rings_at_one_operator_with_a_deadline() -> None:
    floor = Floor("ann", "bob")
    (ring,) = floor.send(request("c1"))
    assert ring.operator_id == "ann", "idle for longest"
    assert ring.deadline == floor.now + 15
    assert ring.brief.call_id == "c1"
    assert floor.desk.next_deadline() == ring.deadline
    assert [offer.offer_id for offer in floor.desk.offers("ann")] == [ring.offer_id]
    assert floor.desk.offers("bob") == ()


def test_whoever_accepts_in_time_gets_the_call_under_a_new_epoch() -> None:
    floor = Floor("ann")
    ring = floor.ring(request("c1"))
    assert floor.send(OfferAccepted("ann", ring.offer_id)) == [
        Assign("c1", "ann", "Ann", ring.offer_id, 1)
    ]
    assert floor.desk.owner("c1") == ("ann", 1)
    assert floor.desk.waiting() == ()
    assert floor.desk.next_deadline() is None


def test_epochs_go_on_from_the_last_one_stored() -> None:
    desk = Desk(Policy(), 0.0, last_epoch=41)
    desk.handle(OperatorJoined("ann", "Ann"), 0.0)
    desk.handle(TakeoverRequested("ann", "c1"), 0.0)
    assert [c.epoch for c in desk.take_commands() if isinstance(c, Assign)] == [42]
    assert desk.epoch == 42


def test_an_unanswered_offer_goes_to_the_next_and_then_the_desk_gives_up() -> None:
    floor = Floor("ann", "bob")
    first = floor.ring(request("c1", request=1))
    stop, second = floor.lapse()
    assert stop == StopRinging(first.offer_id, "c1", "ann", "lapsed")
    assert second.operator_id == "bob"
    stop, give_up = floor.lapse()
    assert stop.reason == "lapsed"
    assert give_up == GiveUp("c1", tried=2, request=1)
    assert floor.desk.waiting() == ()


def test_a_declined_offer_goes_to_the_next_at_once() -> None:
    floor = Floor("ann", "bob")
    first = floor.ring(request("c1"))
    stop, ring = floor.send(OfferDeclined("ann", first.offer_id))
    assert stop == StopRinging(first.offer_id, "c1", "ann", "declined")
    assert ring.operator_id == "bob"
    assert floor.send(OfferDeclined("ann", first.offer_id)) == [], "declining twice is harmless"


def test_who_let_an_offer_pass_is_asked_later_next_time() -> None:
    floor = Floor("ann", "bob")
    first = floor.ring(request("c1"))
    floor.send(OfferDeclined("ann", first.offer_id), RequestWithdrawn("c1", "caller_gone"))
    assert floor.ring(request("c2")).operator_id == "bob"


def test_a_late_accept_is_refused_with_the_reason() -> None:
    floor = Floor("ann", "bob")
    ring = floor.ring(request("c1"))
    floor.lapse()
    (refusal,) = floor.send(OfferAccepted("ann", ring.offer_id))
    assert refusal == RefuseAccept(ring.offer_id, "c1", "ann", "lapsed")


def test_an_accept_after_the_deadline_is_late_even_if_no_timer_fired() -> None:
    floor = Floor("ann")
    ring = floor.ring(request("c1"))
    commands = floor.send(OfferAccepted("ann", ring.offer_id), after=15)
    assert [type(c) for c in commands] == [StopRinging, RefuseAccept, GiveUp]


def test_two_accept_at_once_one_gets_it_the_other_is_told() -> None:
    floor = Floor("ann", "bob")
    first = floor.ring(request("c1"))
    _, second = floor.lapse()
    commands = floor.send(
        OfferAccepted("bob", second.offer_id), OfferAccepted("ann", first.offer_id)
    )
    assert [type(c) for c in commands] == [Assign, RefuseAccept]
    assert commands[0].operator_id == "bob"
    assert commands[1].operator_id == "ann"


def test_a_takeover_and_an_accept_at_once_give_one_owner() -> None:
    floor = Floor("ann", "bob")
    ring = floor.ring(request("c1"))
    commands = floor.send(TakeoverRequested("bob", "c1"), OfferAccepted("ann", ring.offer_id))
    assert commands == [
        StopRinging(ring.offer_id, "c1", "ann", "taken"),
        Assign("c1", "bob", "Bob", "", 1),
        RefuseAccept(ring.offer_id, "c1", "ann", "taken"),
    ]


def test_a_second_click_is_harmless() -> None:
    floor = Floor("ann")
    ring = floor.ring(request("c1"))
    accept = OfferAccepted("ann", ring.offer_id)
    assert len(floor.send(accept, accept)) == 1


def test_an_accept_of_what_never_rang_is_refused() -> None:
    floor = Floor("ann")
    ring = floor.ring(request("c1"))
    (refusal,) = floor.send(OfferAccepted("bob", ring.offer_id))
    assert refusal.reason == "taken", "it is somebody else's"
    (refusal,) = floor.send(OfferAccepted("ann", "c9.77"))
    assert (refusal.reason, refusal.call_id) == ("unknown", "c9")


def test_nobody_there_means_giving_up_at_once() -> None:
    assert Floor().send(request("c1")) == [GiveUp("c1", 0)]
    floor = Floor("ann")
    floor.send(OperatorPresence("ann", Presence.AWAY))
    assert floor.send(request("c1")) == [GiveUp("c1", 0)]


def test_a_policy_may_let_callers_wait_for_somebody_to_come() -> None:
    floor = Floor(waiting={"for_absent": 20})
    assert floor.send(request("c1")) == []
    assert floor.desk.next_deadline() == floor.now + 20
    floor.send(OperatorJoined("ann", "Ann"))
    assert floor.ring(OperatorPresence("ann", Presence.AVAILABLE)).call_id == "c1"
    floor = Floor(waiting={"for_absent": 20})
    floor.send(request("c1"))
    assert floor.lapse() == [GiveUp("c1", 0)]


def test_while_everybody_talks_callers_wait_a_while() -> None:
    floor = Floor("ann")
    ring = floor.ring(request("c1"))
    floor.send(OfferAccepted("ann", ring.offer_id))
    assert floor.send(request("c2"), request("c3")) == []
    assert floor.ring(CallReleased("c1", "ann")).call_id == "c2"
    assert [w.call_id for w in floor.desk.waiting()] == ["c2", "c3"]


def test_waiting_for_the_busy_has_an_end() -> None:
    floor = Floor("ann")
    ring = floor.ring(request("c1"))
    floor.send(OfferAccepted("ann", ring.offer_id))
    floor.send(request("c2"))
    asked = floor.now
    assert floor.lapse() == [GiveUp("c2", 0)]
    assert floor.now == asked + 30


def test_the_most_urgent_is_served_first_then_the_oldest() -> None:
    floor = Floor("ann")
    ring = floor.ring(request("c0"))
    floor.send(OfferAccepted("ann", ring.offer_id))
    floor.send(
        request("c1"), request("c2", Urgency.LOW), request("c3", Urgency.CRITICAL), request("c4")
    )
    assert [w.call_id for w in floor.desk.waiting()] == ["c3", "c1", "c4", "c2"]
    assert floor.ring(CallReleased("c0", "ann")).call_id == "c3"


def test_a_request_again_renews_the_brief_and_keeps_ringing() -> None:
    floor = Floor("ann", "bob")
    ring = floor.ring(request("c1", request=1))
    assert floor.send(request("c1", Urgency.CRITICAL, request=2)) == []
    assert [offer.offer_id for offer in floor.desk.offers()] == [ring.offer_id]
    (waiting,) = floor.desk.waiting()
    assert waiting.urgency is Urgency.CRITICAL


def test_a_call_withdrawn_stops_ringing_and_an_accept_is_told() -> None:
    floor = Floor("ann")
    ring = floor.ring(request("c1"))
    assert floor.send(RequestWithdrawn("c1", "caller_gone")) == [
        StopRinging(ring.offer_id, "c1", "ann", "caller_gone")
    ]
    (refusal,) = floor.send(OfferAccepted("ann", ring.offer_id))
    assert refusal.reason == "caller_gone"
    assert floor.send(TakeoverRequested("ann", "c1"))[0].reason == "caller_gone"


def test_a_hang_up_that_overtakes_its_request_wins() -> None:
    floor = Floor("ann")
    assert floor.send(RequestWithdrawn("c1", "caller_gone"), request("c1")) == []


def test_a_withdrawal_counts_for_its_request_and_those_before() -> None:
    floor = Floor("ann")
    floor.send(RequestWithdrawn("c1", "withdrawn", request=2))
    assert floor.send(request("c1", request=2)) == []
    assert floor.ring(request("c1", request=3)).call_id == "c1"
    assert floor.send(RequestWithdrawn("c1", "withdrawn", request=2)) == [], "3 still stands"
    assert len(floor.desk.offers()) == 1


def test_a_request_from_before_an_assignment_is_stale_even_after_the_release() -> None:
    floor = Floor("ann", "bob")
    floor.send(TakeoverRequested("ann", "c1"))
    assert floor.send(request("c1", request=1, epoch=0)) == []
    floor.send(CallReleased("c1", "ann", 1))
    assert floor.send(request("c1", request=2, epoch=0)) == []
    assert floor.ring(request("c1", request=3, epoch=1)).operator_id == "bob"


def test_a_release_of_an_older_epoch_frees_nobody() -> None:
    floor = Floor("ann")
    floor.send(TakeoverRequested("ann", "c1"), CallReleased("c1", "ann", 1))
    floor.send(TakeoverRequested("ann", "c1"))
    floor.send(CallReleased("c1", "ann", 1), CallReleased("c1", "bob"))
    assert floor.desk.owner("c1") == ("ann", 2)


def test_the_one_to_skip_is_asked_when_nobody_else_is_left() -> None:
    floor = Floor("ann", "bob")
    first = floor.ring(request("c1", skip=("ann",)))
    assert first.operator_id == "bob"
    _, second = floor.lapse()
    assert second.operator_id == "ann"


def test_skills_and_languages_are_needed_unless_none_are_listed() -> None:
    floor = Floor()
    for operator, skills, languages in (
        ("ann", {"claims"}, {"de"}),
        ("bob", {"banking"}, {"de"}),
        ("cyd", {"banking"}, {"en", "de"}),
        ("dan", set(), set()),
    ):
        floor.send(OperatorJoined(operator, operator, frozenset(skills), frozenset(languages)))
        floor.send(OperatorPresence(operator, Presence.AVAILABLE))
    asked = [floor.ring(request("c1", skill="banking", language="en")).operator_id]
    for _ in range(2):
        commands = floor.lapse()
        asked += [c.operator_id for c in commands if isinstance(c, Ring)]
    assert asked == ["cyd", "dan"]
    assert commands[-1] == GiveUp("c1", 2)


def test_going_away_passes_the_offer_on() -> None:
    floor = Floor("ann", "bob")
    first = floor.ring(request("c1"))
    stop, ring = floor.send(OperatorPresence("ann", Presence.AWAY))
    assert stop == StopRinging(first.offer_id, "c1", "ann", "away")
    assert ring.operator_id == "bob"


def test_leaving_passes_the_offer_on() -> None:
    floor = Floor("ann", "bob")
    floor.ring(request("c1"))
    assert floor.ring(OperatorLeft("ann")).operator_id == "bob"
    assert [o.operator_id for o in floor.desk.operators()] == ["bob"]
    assert floor.send(OperatorLeft("ann")) == [], "leaving twice is harmless"


def test_a_call_outlives_its_operators_console() -> None:
    floor = Floor("ann")
    floor.send(TakeoverRequested("ann", "c1"), OperatorLeft("ann"))
    assert floor.desk.owner("c1") == ("ann", 1)
    floor.send(OperatorJoined("ann", "Ann"), OperatorPresence("ann", Presence.AVAILABLE))
    assert floor.send(request("c2")) == [], "she is back in her call"
    assert floor.ring(CallReleased("c1", "ann")).call_id == "c2"


def test_an_operator_has_one_call_and_a_call_one_operator() -> None:
    floor = Floor("ann", "bob")
    floor.send(TakeoverRequested("ann", "c1"))
    assert floor.send(TakeoverRequested("bob", "c1")) == [RefuseAccept("", "c1", "bob", "taken")]
    assert floor.send(TakeoverRequested("ann", "c2")) == [RefuseAccept("", "c2", "ann", "busy")]
    assert floor.send(TakeoverRequested("eve", "c2")) == [RefuseAccept("", "c2", "eve", "unknown")]


def test_taking_the_call_that_rings_here_is_an_accept() -> None:
    floor = Floor("ann")
    ring = floor.ring(request("c1"))
    assert floor.send(TakeoverRequested("ann", "c1")) == [
        Assign("c1", "ann", "Ann", ring.offer_id, 1)
    ]


def test_taking_another_call_passes_the_ringing_one_on() -> None:
    floor = Floor("ann", "bob")
    first = floor.ring(request("c1"))
    stop, assign, ring = floor.send(TakeoverRequested("ann", "c2"))
    assert stop == StopRinging(first.offer_id, "c1", "ann", "away")
    assert (assign.call_id, assign.operator_id) == ("c2", "ann")
    assert (ring.call_id, ring.operator_id) == ("c1", "bob")


def test_after_a_call_there_is_time_to_wrap_up() -> None:
    floor = Floor("ann", floor={"wrap_up": 8})
    floor.send(TakeoverRequested("ann", "c1"), CallReleased("c1", "ann"))
    assert [o.presence for o in floor.desk.operators()] == ["wrap_up"]
    assert floor.send(request("c2")) == []
    (ring,) = floor.lapse()
    assert ring.call_id == "c2"


def test_no_more_operators_are_asked_than_the_policy_says() -> None:
    floor = Floor("ann", "bob", "cyd", floor={"max_offers": 2})
    floor.ring(request("c1"))
    floor.lapse()
    assert floor.lapse()[-1] == GiveUp("c1", 2)


def test_a_draining_floor_asks_nobody() -> None:
    floor = Floor("ann", "bob")
    floor.send(TakeoverRequested("bob", "c0"))
    ring = floor.ring(request("c1"))
    assert floor.send(ServerDraining()) == [
        StopRinging(ring.offer_id, "c1", "ann", "withdrawn"),
        GiveUp("c1", 1, reason="draining"),
    ]
    assert floor.send(request("c2")) == [GiveUp("c2", 0, reason="draining")]
    assert floor.desk.owner("c0") == ("bob", 1), "who talks goes on talking"


def test_a_draining_floor_asks_who_is_there_in_an_emergency() -> None:
    floor = Floor("ann")
    ring = floor.ring(request("c1", Urgency.CRITICAL))
    assert floor.send(ServerDraining()) == [], "it rings on"
    floor.send(OfferAccepted("ann", ring.offer_id))
    assert floor.desk.owner("c1") == ("ann", 1)
    floor.send(request("c2", Urgency.CRITICAL), OperatorJoined("bob", "Bob"))
    assert floor.send(OperatorPresence("bob", Presence.AVAILABLE))[-1].call_id == "c2"
    assert Floor().send(ServerDraining(), request("c1", Urgency.CRITICAL)) == [GiveUp("c1", 0)]


def test_presence_is_published_whenever_it_changes() -> None:
    desk = Desk(Policy(), 0.0)
    seen = []
    for event in (
        OperatorJoined("ann", "Ann"),
        OperatorPresence("ann", Presence.AVAILABLE),
        OperatorPresence("ann", Presence.AVAILABLE),
        request("c1"),
        OfferAccepted("ann", "c1.1"),
        CallReleased("c1", "ann"),
        OperatorLeft("ann"),
    ):
        desk.handle(event, 1.0)
        seen += [
            (c.presence, c.busy_with)
            for c in desk.take_commands()
            if isinstance(c, PresenceChanged)
        ]
    assert seen == [
        ("away", None),
        ("available", None),
        ("offered", "c1"),
        ("in_call", "c1"),
        ("available", None),
        ("gone", None),
    ]


def test_strangers_are_errors() -> None:
    floor = Floor()
    with pytest.raises(UnknownOperator, match="'eve' is not on the floor"):
        floor.send(OperatorPresence("eve", Presence.AVAILABLE))
    with pytest.raises(ProtocolError, match="does not know str"):
        floor.send("hello")


# --- rounds, breaks, care, load ---------------------------------------------------------------


class Rests:
    """A `Care` that lets certain people rest, and keeps others from a category, until a time."""

    def __init__(self) -> None:
        self.until: dict[tuple[str, str | None], float] = {}
        self.likes: dict[str, float] = {}

    def may_offer(self, operator_id: str, category: str | None, now: float) -> bool:
        resting = now < self.until.get((operator_id, None), 0.0)
        return not resting and now >= self.until.get((operator_id, category), 0.0)

    def preference(self, operator_id: str, category: str | None, now: float) -> float:
        return self.likes.get(operator_id, 0.0)

    def next_change(self, now: float) -> float | None:
        return min((time for time in self.until.values() if time > now), default=None)


def test_when_everyone_has_passed_all_are_asked_once_more_after_a_pause() -> None:
    floor = Floor("ann", "bob", floor={"rounds": 2, "round_pause": 5})
    first = floor.ring(request("c1", request=1))
    second = floor.ring(OfferDeclined("ann", first.offer_id))
    (stop,) = floor.send(OfferDeclined("bob", second.offer_id))
    assert stop.reason == "declined"
    declined = floor.now
    (again,) = floor.lapse()
    assert floor.now == declined + 5
    assert again.operator_id == "ann", "declined first"
    last = floor.ring(OfferDeclined("ann", again.offer_id))
    assert floor.send(OfferDeclined("bob", last.offer_id))[-1] == GiveUp("c1", 2, 1)


def test_the_pause_is_cut_short_by_someone_new() -> None:
    floor = Floor("ann", floor={"rounds": 2, "round_pause": 60})
    first = floor.ring(request("c1"))
    floor.send(OfferDeclined("ann", first.offer_id), OperatorJoined("bob", "Bob"))
    assert floor.ring(OperatorPresence("bob", Presence.AVAILABLE)).operator_id == "bob"


def test_nobody_to_ask_again_means_giving_up_at_once() -> None:
    floor = Floor("ann", floor={"rounds": 3, "round_pause": 60})
    floor.ring(request("c1"))
    assert floor.send(OperatorPresence("ann", Presence.AWAY))[-1] == GiveUp("c1", 1)


def test_a_break_is_shown_and_nothing_rings() -> None:
    floor = Floor("ann", "bob")
    first = floor.ring(request("c1"))
    assert floor.ring(OperatorPresence("ann", Presence.BREAK)).operator_id == "bob"
    assert [o.presence for o in floor.desk.operators()] == ["break", "offered"]
    floor.send(OperatorPresence("ann", Presence.AWAY))
    assert [o.presence for o in floor.desk.operators()] == ["away", "offered"]
    assert floor.send(OfferAccepted("ann", first.offer_id))[0].reason == "away"


def test_wrap_up_may_be_finished_early() -> None:
    floor = Floor("ann", floor={"wrap_up": 30})
    floor.send(TakeoverRequested("ann", "c1"), CallReleased("c1", "ann"), request("c2"))
    assert floor.ring(WrapUpDone("ann")).call_id == "c2"
    assert floor.send(WrapUpDone("ann"), WrapUpDone("eve")) == [], "twice, or by nobody: harmless"


def test_who_rests_is_not_asked_until_the_rest_is_over() -> None:
    care = Rests()
    care.until["ann", None] = 50.0
    floor = Floor("ann", "bob", care=care)
    first = floor.ring(request("c1"))
    assert first.operator_id == "bob"
    floor.send(OfferAccepted("bob", first.offer_id))
    assert floor.send(request("c2")) == [], "bob is busy"
    care.until["bob", None] = 500.0
    assert floor.send(request("c3")) == [], "everyone rests, or is busy"


def test_who_rests_shortens_no_wait() -> None:
    care = Rests()
    floor = Floor("ann", care=care)
    assert floor.desk.expected_wait(None, None, floor.now) == 0.0
    care.until["ann", None] = 500.0
    assert floor.desk.expected_wait(None, None, floor.now) == Policy().waiting.limit
    assert floor.desk.traffic(None, None, 500.0).servers == 1


def test_whoever_rests_comes_back_but_a_caller_is_kept_no_longer_than_for_the_busy() -> None:
    care = Rests()
    care.until["ann", None] = 500.0
    floor = Floor("ann", care=care, waiting={"for_busy": 30})
    assert floor.send(request("c1")) == []
    asked = floor.now
    (given_up,) = floor.lapse()
    assert (floor.now, given_up.reason) == (asked + 30, "nobody")
    floor.send(OperatorPresence("ann", Presence.AWAY))
    assert floor.send(request("c2"))[0].reason == "nobody", "on the way home: absent"


def test_an_offer_ends_when_the_rest_begins() -> None:
    care = Rests()
    floor = Floor("ann", "bob", care=care)
    first = floor.ring(request("c1"))
    care.until["ann", None] = 1000.0
    stop, ring = floor.send(DeadlinePassed())
    assert stop == StopRinging(first.offer_id, "c1", "ann", "rest")
    assert ring.operator_id == "bob"
    assert floor.send(OfferAccepted("ann", first.offer_id))[0].reason == "rest"


def test_a_cap_ends_by_itself_and_the_desk_wakes_up_for_it() -> None:
    care = Rests()
    care.until["ann", "harsh"] = 20.0
    floor = Floor("ann", care=care, waiting={"for_absent": 60})
    assert floor.send(request("c1", category="harsh")) == []
    (ring,) = floor.lapse()
    assert (floor.now, ring.call_id) == (20.0, "c1")


def test_an_emergency_overrides_a_cap_but_not_rest() -> None:
    care = Rests()
    care.until["ann", "harsh"] = care.until["bob", None] = 500.0
    floor = Floor("bob", "ann", care=care, waiting={"for_busy": 0})
    assert floor.send(request("c1", category="harsh")) == [GiveUp("c1", 0)]
    ring = floor.ring(request("c2", Urgency.CRITICAL, category="harsh"))
    assert ring.operator_id == "ann"
    assert floor.send(OfferDeclined("ann", ring.offer_id))[-1] == GiveUp("c2", 1)


def test_care_says_who_is_asked_first() -> None:
    care = Rests()
    care.likes["ann"] = 2.0
    assert Floor("ann", "bob", care=care).ring(request("c1")).operator_id == "bob"


def test_light_work_counts_up_to_capacity_and_a_caller_goes_before_it() -> None:
    floor = Floor("ann", "bob", floor={"capacity": 3})
    floor.send(WorkTaken("ann", "w1", 2))
    assert floor.desk.for_work(1, None, None, floor.now) == ("bob", "ann")
    assert floor.desk.for_work(2, None, None, floor.now) == ("bob",)
    floor.send(WorkTaken("bob", "w2", 3))
    ring = floor.ring(request("c1"))
    assert ring.operator_id == "ann", "bob's hands are full"
    floor.send(OfferAccepted("ann", ring.offer_id))
    assert floor.desk.for_work(1, None, None, floor.now) == (), "who is in a call is not loaded"
    assert floor.send(request("c2")) == []
    assert floor.ring(WorkDone("bob", "w2")).call_id == "c2"
    assert floor.send(WorkTaken("eve", "w3"), WorkDone("eve", "w3")) == []


def test_a_critical_call_rings_at_full_hands_and_no_other_does() -> None:
    floor = Floor("ann", "bob", floor={"capacity": 1})
    floor.send(WorkTaken("ann", "review-1"), WorkTaken("bob", "audit-1"), WorkTaken("bob", "x"))
    assert floor.send(request("c1")) == []
    assert floor.ring(request("c2", Urgency.CRITICAL)).operator_id == "ann", "least in hand"
    assert floor.ring(WorkDone("bob", "audit-1"), WorkDone("bob", "x")).call_id == "c1"


def test_who_has_light_work_in_hand_is_asked_after_who_has_none() -> None:
    floor = Floor("ann", "bob")
    floor.send(WorkTaken("ann", "review-1"))
    assert floor.ring(request("c1")).operator_id == "bob", "though ann has been idle for longer"
    assert floor.ring(request("c2")).operator_id == "ann", "there is room beside it"


def test_the_load_is_published() -> None:
    floor = Floor("ann")
    floor.desk.handle(WorkTaken("ann", "w1", 2), floor.now)
    assert floor.desk.take_commands() == [PresenceChanged("ann", "available", None, 2)]


# --- triage -----------------------------------------------------------------------------------


def staffed(policy: dict[str, Any] | None = None, **who: Seniority) -> Floor:
    floor = Floor(**(policy or {}))
    for name, seniority in who.items():
        floor.send(OperatorJoined(name, name.title(), seniority=seniority))
        floor.send(OperatorPresence(name, Presence.AVAILABLE))
    return floor


def scored(call_id: str, value: float, urgency: Urgency = Urgency.LOW) -> HandoffRequested:
    asked = a_decision(call_id, urgency=urgency)
    decision = replace(asked, kind=DecisionKind.SOFT, value=value, reasons=())
    brief = Memory(a_call(call_id), 3, 3).brief(decision)
    return HandoffRequested(call_id, brief, decision, request=1)


def test_above_80_goes_to_seniors_and_50_to_80_to_the_others() -> None:
    floor = staffed(ann=Seniority.STANDARD, sue=Seniority.SENIOR)
    assert floor.ring(scored("c1", 9.0)).operator_id == "sue"
    assert floor.ring(scored("c2", 2.0)).operator_id == "ann"
    floor = staffed(sue=Seniority.SENIOR)
    assert floor.ring(scored("c2", 2.0)).operator_id == "sue", "a senior is idle"


def test_a_seniors_call_goes_to_the_others_after_a_while() -> None:
    floor = staffed(ann=Seniority.STANDARD, sue=Seniority.SENIOR)
    floor.send(TakeoverRequested("sue", "c0"))
    assert floor.send(scored("c1", 9.0)) == []
    asked = floor.now
    (ring,) = floor.lapse()
    assert (ring.operator_id, floor.now) == ("ann", asked + 10)


def test_below_50_the_ai_goes_on_and_a_share_is_looked_at() -> None:
    floor = staffed({"triage": {"clears": True, "sample": 1.0}}, ann=Seniority.STANDARD)
    give_up, audit = floor.send(scored("c1", -4.0))
    assert give_up == GiveUp("c1", 0, 1, "cleared")
    assert audit == AuditCleared("c1", 1, audit.score, 1.0)
    assert audit.score == pytest.approx(100 / (1 + math.exp(6 / 4)) + 10 * 0.1)
    assert staffed(ann=Seniority.STANDARD).ring(scored("c1", -4.0)), "only if the policy says so"


def test_about_the_share_of_the_cleared_is_drawn_and_who_knows_the_key_can_repeat_it() -> None:
    def drawn(key: bytes) -> list[str]:
        policy = {"triage": {"clears": True, "sample": 0.2}}
        desk = Desk(Policy.from_mapping(policy, "test"), 0.0, sample_key=key)
        for number in range(300):
            desk.handle(scored(f"c{number}", -4.0), float(number))
        commands = desk.take_commands()
        assert sum(isinstance(c, GiveUp) for c in commands) == 300
        return [c.call_id for c in commands if isinstance(c, AuditCleared)]

    assert 40 < len(drawn(b"one")) < 80  # 60 +- 2.9 standard deviations
    assert drawn(b"one") == drawn(b"one") != drawn(b"two")


def override(call_id: str, action: Override, to: str | None = None) -> TriageOverridden:
    return TriageOverridden(call_id, action, "sue", "because", to)


def test_what_a_person_clears_is_not_looked_at_as_the_ais_doing() -> None:
    floor = staffed({"triage": {"clears": True, "sample": 1.0}}, ann=Seniority.STANDARD)
    floor.ring(scored("c1", 9.0))
    commands = floor.send(override("c1", Override.CLEAR))
    assert any(isinstance(command, GiveUp) for command in commands)
    assert not any(isinstance(command, AuditCleared) for command in commands)


def test_a_person_may_raise_what_was_cleared() -> None:
    floor = staffed({"triage": {"clears": True, "sample": 0.0}}, ann=Seniority.STANDARD)
    floor.send(scored("c1", -4.0))
    kept, ring = floor.send(override("c1", Override.RAISE))
    assert (kept.by, kept.why, kept.before, kept.after) == (
        "sue",
        "because",
        "low 19.2",
        "medium 50",
    )
    assert ring.operator_id == "ann"
    assert floor.send(OfferAccepted("ann", ring.offer_id))[0].call_id == "c1"
    assert floor.send(override("c1", Override.RAISE))[0].reason == "taken"


def test_a_person_may_raise_lower_and_clear_what_waits() -> None:
    floor = Floor("ann")
    floor.send(TakeoverRequested("ann", "c0"))
    floor.send(request("c1"), request("c2"))
    (kept,) = floor.send(override("c2", Override.RAISE))
    assert (kept.before, kept.after) == ("medium 55", "high 100")
    assert [w.call_id for w in floor.desk.waiting()] == ["c2", "c1"]
    floor.send(override("c2", Override.LOWER), override("c2", Override.LOWER))
    assert [w.call_id for w in floor.desk.waiting()] == ["c1", "c2"]
    assert floor.send(override("c2", Override.LOWER))[0].reason == "limit"
    kept, give_up = floor.send(override("c1", Override.CLEAR))
    assert (kept.after, give_up.reason) == ("cleared", "cleared")
    assert floor.send(override("c9", Override.CLEAR))[0].reason == "unknown"


def test_a_refused_override_changes_nothing() -> None:
    floor = Floor("ann")
    floor.send(TakeoverRequested("ann", "c0"), request("c1", Urgency.LOW))
    assert floor.send(override("c1", Override.LOWER))[0].reason == "limit"
    floor.send(request("c1", Urgency.HIGH))
    (waiting,) = floor.desk.waiting()
    assert (waiting.urgency, waiting.overridden) == (Urgency.HIGH, False)


def test_a_small_step_into_another_band_is_a_change() -> None:
    floor = Floor("ann")
    floor.send(TakeoverRequested("ann", "c0"), request("c1", Urgency.LOW))
    (waiting,) = floor.desk.waiting()
    waiting.rank(Urgency.LOW, 80.4, Policy().triage)
    (kept,) = floor.send(override("c1", Override.LOWER))
    assert (kept.before, kept.after) == ("low 80.4", "low 80")
    assert waiting.band is Band.STANDARD


def test_a_person_may_choose_who_is_asked() -> None:
    floor = Floor("ann", "bob", "cyd")
    first = floor.ring(request("c1"))
    floor.send(TakeoverRequested("bob", "c0"))
    reasons = [
        floor.send(override("c1", Override.REASSIGN, to))[0].reason for to in ("ann", "bob", "eve")
    ]
    assert reasons == ["limit", "busy", "unknown"]
    kept, stop, ring = floor.send(override("c1", Override.REASSIGN, "cyd"))
    assert (kept.after, stop.offer_id, ring.operator_id) == ("at cyd", first.offer_id, "cyd")
    floor.send(OperatorPresence("ann", Presence.BREAK))
    assert floor.send(override("c1", Override.REASSIGN, "ann"))[0].reason == "rest"


def test_a_person_may_reassign_past_skill_and_language_but_not_past_a_cap() -> None:
    care = Rests()
    care.until["bob", "harsh"] = 500.0
    floor = Floor("ann", care=care)
    floor.ring(request("c1", category="harsh", language="en", skill="claims"))
    for name in ("bob", "cyd"):
        joined = OperatorJoined(
            name, name, skills=frozenset({"cards"}), languages=frozenset({"fr"})
        )
        floor.send(joined, OperatorPresence(name, Presence.AVAILABLE))
    assert floor.send(override("c1", Override.REASSIGN, "bob"))[0].reason == "cap"
    assert floor.send(override("c1", Override.REASSIGN, "cyd"))[-1].operator_id == "cyd"


def test_critical_alerts_everyone_on_call_beside_the_ring() -> None:
    floor = staffed(ann=Seniority.STANDARD, oda=Seniority.ON_CALL, ole=Seniority.ON_CALL)
    floor.send(TakeoverRequested("oda", "c0"), OperatorPresence("ole", Presence.AWAY))
    alert, ring = floor.send(request("c1", Urgency.CRITICAL))
    assert (alert.operator_ids, ring.operator_id) == (("oda", "ole"), "ann")
    assert alert.brief == ring.brief
    stop, over, assign = floor.send(TakeoverRequested("ole", "c1"))
    assert (stop.reason, over) == ("taken", AlertOver("c1", ("oda", "ole"), "taken"))
    assert assign.operator_id == "ole"
    assert floor.send(OfferAccepted("ann", ring.offer_id))[0].reason == "taken", "one owner"


def speaking(**languages: str) -> Floor:
    """On-call operators with one language each; all are available."""
    floor = Floor()
    for name, language in languages.items():
        joined = OperatorJoined(
            name, name, languages=frozenset({language}), seniority=Seniority.ON_CALL
        )
        floor.send(joined, OperatorPresence(name, Presence.AVAILABLE))
    return floor


def test_a_critical_call_alerts_the_on_call_who_suit_it_and_rings_there() -> None:
    floor = speaking(oda="fr", ole="en")
    alert, ring = floor.send(request("c1", Urgency.CRITICAL, language="en"))
    assert (alert.operator_ids, ring.operator_id) == (("ole",), "ole")
    assert [type(c) for c in floor.send(OfferDeclined("ole", ring.offer_id))] == [StopRinging]


def test_where_nobody_suits_a_critical_call_it_rings_at_whoever_is_on_call() -> None:
    floor = speaking(oda="fr")
    floor.send(OperatorJoined("ann", "Ann", languages=frozenset({"fr"})))
    floor.send(OperatorPresence("ann", Presence.AVAILABLE))
    assert isinstance(floor.send(request("c0", Urgency.HIGH, language="en"))[0], GiveUp)
    alert, ring = floor.send(request("c1", Urgency.CRITICAL, language="en"))
    assert (alert.operator_ids, ring.operator_id) == (("oda",), "oda"), "a person beats none"


def test_who_suits_a_critical_call_and_wants_none_is_not_waited_for() -> None:
    floor = speaking(oda="fr")
    floor.send(OperatorJoined("ann", "Ann", languages=frozenset({"en"})))
    alert, ring = floor.send(request("c1", Urgency.CRITICAL, language="en"))
    assert (alert.operator_ids, ring.operator_id) == (("oda",), "oda")


def test_while_somebody_who_suits_it_is_only_busy_a_critical_call_rings_at_nobody_else() -> None:
    floor = speaking(oda="fr")
    floor.send(OperatorJoined("ann", "Ann", languages=frozenset({"en"})))
    floor.send(OperatorPresence("ann", Presence.AVAILABLE), TakeoverRequested("ann", "c0"))
    (alert,) = floor.send(request("c1", Urgency.CRITICAL, language="en"))
    assert alert.operator_ids == ("oda",), "no on-call operator suits it: all are told"
    assert floor.ring(CallReleased("c0", "ann")).operator_id == "ann"


def test_a_call_that_is_critical_no_longer_rings_at_those_who_suit_it_alone() -> None:
    floor = speaking(oda="fr")
    ring = floor.ring(request("c1", Urgency.CRITICAL, language="en"))
    floor.send(override("c1", Override.LOWER))
    assert isinstance(floor.send(OfferDeclined("oda", ring.offer_id))[-1], GiveUp)


def test_critical_waits_for_whom_it_alerted_and_who_rests_is_left_alone() -> None:
    floor = staffed(oda=Seniority.ON_CALL, ole=Seniority.ON_CALL)
    floor.send(OperatorPresence("oda", Presence.AWAY), OperatorPresence("ole", Presence.BREAK))
    (alert,) = floor.send(request("c1", Urgency.CRITICAL))
    assert alert.operator_ids == ("oda",)
    asked = floor.now
    (late,) = floor.send(OperatorPresence("ole", Presence.AWAY))
    assert late.operator_ids == ("ole",)
    over, give_up = floor.lapse()
    assert floor.now == asked + 45
    assert (over.reason, give_up) == ("given_up", GiveUp("c1", 0))


def test_an_emergency_late_in_a_wait_waits_as_long_as_an_early_one() -> None:
    floor = staffed(ann=Seniority.STANDARD, oda=Seniority.ON_CALL)
    floor.send(TakeoverRequested("ann", "c0"), OperatorPresence("oda", Presence.AWAY))
    floor.send(request("c1"))  # ann is only busy: it waits `for_busy`
    (alert,) = floor.send(request("c1", Urgency.CRITICAL), after=28.0)
    assert alert.operator_ids == ("oda",)
    asked = floor.now
    assert [type(c) for c in floor.lapse()] == [AlertOver, GiveUp]
    assert floor.now == asked + 45


def test_an_emergency_of_a_call_that_was_offered_enough_waits_for_the_on_call() -> None:
    floor = Floor("ann", "bob", floor={"max_offers": 1})
    floor.send(OperatorJoined("oda", "Oda", seniority=Seniority.ON_CALL))
    floor.send(request("c1", Urgency.CRITICAL))
    alerted = floor.now
    assert [type(c) for c in floor.lapse()] == [StopRinging]
    assert [type(c) for c in floor.lapse()] == [AlertOver, GiveUp]
    assert floor.now == alerted + 45


def test_lowering_a_critical_call_calls_the_alerted_off() -> None:
    floor = staffed(ann=Seniority.STANDARD, oda=Seniority.ON_CALL)
    floor.send(request("c1", Urgency.CRITICAL))
    kept, over = floor.send(override("c1", Override.LOWER))
    assert (kept.after, over.reason) == ("high 80", "lowered")


# --- callbacks --------------------------------------------------------------------------------

BACK: dict[str, Any] = {
    "floor": {"callbacks": {"enabled": True, "retry": 60, "tries": 2, "claim": 100}}
}


def promise(**more: Any) -> CallbackPromised:
    return CallbackPromised("b1", "c1", "+15550100", "wants a person", Urgency.HIGH, **more)


def test_a_caller_nobody_came_for_may_be_promised_a_callback() -> None:
    assert Floor(**BACK).send(request("c1")) == [GiveUp("c1", 0, callback=True)]
    assert Floor().send(request("c1")) == [GiveUp("c1", 0)]


def test_a_callback_is_offered_once_nobody_waits_claimed_and_done() -> None:
    floor = Floor("ann", **BACK)
    floor.send(TakeoverRequested("ann", "c0"))
    (kept,) = floor.send(promise())
    floor.send(request("c2"))
    ring = floor.ring(CallReleased("c0", "ann"))
    assert ring.call_id == "c2", "callers on the line first"
    floor.send(OfferAccepted("ann", ring.offer_id))
    (back,) = floor.send(CallReleased("c2", "ann"))
    assert isinstance(back, RingCallback)
    assert back.record == kept.record
    claimed, assign = floor.send(OfferAccepted("ann", back.offer_id))
    assert (claimed.record.state, claimed.record.epoch) == ("claimed", assign.epoch)
    assert floor.desk.owner("b1") == ("ann", assign.epoch)
    assert [o.presence for o in floor.desk.operators()] == ["in_call"]
    assert floor.send(CallReleased("b1", "ann")) == [], "a callback is closed, not released"
    (done,) = floor.send(CallbackDone("b1", "ann", assign.epoch))
    assert done.record.state == "done"
    assert [o.presence for o in floor.desk.operators()] == ["available"]
    assert floor.send(TakeoverRequested("ann", "b1"))[0].reason == "caller_gone"


def test_a_callback_that_reached_nobody_is_offered_again_later() -> None:
    floor = Floor("ann", "bob", **BACK)
    (_, ring) = floor.send(promise())
    assign = floor.send(OfferAccepted("ann", ring.offer_id))[-1]
    (kept,) = floor.send(CallbackFailed("b1", "ann", assign.epoch, "no answer"))
    failed = floor.now
    assert (kept.record.tries, kept.record.not_before) == (1, failed + 60)
    (again,) = floor.lapse()
    assert (floor.now, again.operator_id) == (failed + 60, "bob"), "somebody else first"


def test_a_callback_everyone_declined_is_offered_again_and_given_up_when_it_is_too_late() -> None:
    floor = Floor("ann", **BACK)
    (_, ring) = floor.send(promise(by=130.0))
    floor.send(OfferDeclined("ann", ring.offer_id))
    declined = floor.now
    (again,) = floor.lapse()
    assert floor.now == declined + 60
    floor.send(OfferDeclined("ann", again.offer_id))
    commands = floor.lapse() + floor.lapse()
    assert [type(c).__name__ for c in commands] == ["RingCallback", "KeepCallback", "StopRinging"]
    assert commands[1].record.state == "expired"


def test_callbacks_and_their_owners_survive_a_crash() -> None:
    floor = Floor("ann", **BACK)
    _, ring = floor.send(promise())
    kept, assign = floor.send(OfferAccepted("ann", ring.offer_id))
    reopened = Floor(**BACK)
    reopened.desk = Desk(Policy.from_mapping(BACK, "test"), floor.now, callbacks=[kept.record])
    assert reopened.desk.epoch == assign.epoch
    reopened.now = floor.now
    reopened.send(OperatorJoined("ann", "Ann"))
    assert [o.presence for o in reopened.desk.operators()] == ["in_call"]
    (done,) = reopened.send(CallbackDone("b1", "ann", assign.epoch))
    assert done.record.state == "done", "what was acknowledged counts"
    assert reopened.desk.callbacks() == ()


def test_a_draining_floor_keeps_its_promises_for_the_next_process() -> None:
    floor = Floor("ann", **BACK)
    _, ring = floor.send(promise())
    assert [c.offer_id for c in floor.send(ServerDraining())] == [ring.offer_id]
    assert [record.state for record in floor.desk.callbacks()] == ["waiting"]


# --- traffic ----------------------------------------------------------------------------------


def test_the_expected_wait_follows_what_the_floor_is_doing() -> None:
    floor = Floor(waiting={"limit": 90}, floor={"handle": 60})
    assert floor.desk.expected_wait(None, None, floor.now) == 90, "nobody is there"
    floor.send(OperatorJoined("ann", "Ann"), OperatorPresence("ann", Presence.AVAILABLE))
    assert floor.desk.expected_wait(None, None, floor.now) == 0
    floor.send(OfferAccepted("ann", floor.ring(request("c1")).offer_id))
    assert floor.desk.expected_wait(None, None, floor.now) == pytest.approx(60)
    floor.send(request("c2"))
    assert floor.desk.expected_wait(None, None, floor.now) == 90
    found = floor.desk.traffic(None, None, floor.now)
    assert (found.servers, found.busy, found.waiting) == (1, 1, 1)
    assert found.arrivals_per_s > 0


def test_a_call_that_rings_has_its_operator_and_makes_nobody_wait() -> None:
    floor = Floor("ann", "bob", "cy", waiting={"limit": 90}, floor={"handle": 60})
    floor.send(request("c1"))
    found = floor.desk.traffic(None, None, floor.now)
    assert (found.servers, found.busy, found.waiting) == (3, 1, 0)
    assert floor.desk.expected_wait(None, None, floor.now) == 0
    floor.send(request("c2"))
    assert floor.desk.expected_wait(None, None, floor.now) == 0
    floor.send(request("c3"))
    assert floor.desk.expected_wait(None, None, floor.now) == pytest.approx(20), "all are taken"
