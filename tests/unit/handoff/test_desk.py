from __future__ import annotations

from typing import Any

import pytest

from handoff.brief import Memory
from handoff.commands import (
    Assign,
    GiveUp,
    PresenceChanged,
    RefuseAccept,
    Ring,
    StopRinging,
    Urgency,
)
from handoff.desk import Desk
from handoff.errors import ProtocolError, UnknownOperator
from handoff.events import (
    CallReleased,
    DeadlinePassed,
    HandoffRequested,
    OfferAccepted,
    OfferDeclined,
    OperatorJoined,
    OperatorLeft,
    OperatorPresence,
    Presence,
    RequestWithdrawn,
    ServerDraining,
    TakeoverRequested,
)
from handoff.operators import Care
from handoff.policy import Policy
from handoff.testing import a_call, a_decision


def request(call_id: str, urgency: Urgency = Urgency.MEDIUM, **more: Any) -> HandoffRequested:
    decision = a_decision(call_id, urgency=urgency)
    brief = Memory(a_call(call_id), 3, 3).brief(decision)
    return HandoffRequested(call_id, brief, decision, **more)


class Floor:
    def __init__(self, *operators: str, care: Care | None = None, **policy: Any) -> None:
        policy["floor"] = {"rounds": 1} | policy.get("floor", {})
        self.desk = Desk(Policy.from_mapping(policy, "test"), care=care)
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
    desk = Desk(Policy(), last_epoch=41)
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


@pytest.mark.parametrize("lost", [True, False])
def test_leaving_passes_the_offer_on(lost: bool) -> None:
    floor = Floor("ann", "bob")
    floor.ring(request("c1"))
    assert floor.ring(OperatorLeft("ann", lost)).operator_id == "bob"
    assert [o.operator_id for o in floor.desk.operators()] == ["bob"]
    assert floor.send(OperatorLeft("ann", lost)) == [], "leaving twice is harmless"


def test_a_call_outlives_its_operators_console() -> None:
    floor = Floor("ann")
    floor.send(TakeoverRequested("ann", "c1"), OperatorLeft("ann", lost=True))
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


def test_presence_is_published_whenever_it_changes() -> None:
    desk = Desk(Policy())
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
