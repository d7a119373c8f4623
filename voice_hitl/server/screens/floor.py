"""What consoles are shown of the floor: who is there, offers, alerts, callbacks, rest, the queue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypedDict

from handoff.brief import Brief
from handoff.callbacks import OPEN, CallbackRecord
from handoff.commands import Ring, RingCallback
from handoff.queue import Waiting
from voice_hitl.clock import Clock
from voice_hitl.server import wire
from voice_hitl.server.auth import Identity
from voice_hitl.server.screens.reviews import ReviewScreens
from voice_hitl.server.views import brief_view, callback_view, offer_view, waiting_view

OFFER_OVER_WORDS = {
    "accepted": "You have the call.",
    "taken": "A colleague took this call.",
    "lapsed": "The offer timed out and went to the next operator.",
    "declined": "You declined; the call went to the next operator.",
    "withdrawn": "The caller no longer needs a person.",
    "caller_gone": "The caller hung up.",
    "away": "You are away; go available to be offered calls.",
    "rest": "It is time for your break; the call went to the next operator.",
    "stale": "This was not yours any more.",
    "busy": "You are in a call already; hand it back or end it first.",
    "unknown": "There is no such call any more.",
    "draining": "The server is shutting down and takes no new handoffs.",
}
ALERT_OVER_WORDS = {
    "taken": "A colleague has the call.",
    "withdrawn": "The caller no longer needs a person.",
    "caller_gone": "The caller hung up.",
    "lowered": "A supervisor found it less urgent.",
    "given_up": "Nobody came in time; the AI goes on, carefully.",
}
OVERRIDE_WORDS = {
    "unknown": "it does not wait any more, or there is no such operator",
    "taken": "an operator has the call already",
    "busy": "this operator is not free",
    "rest": "this operator rests",
    "cap": "this operator has had enough of such calls for now",
    "limit": "there is no further up or down",
}


class FloorState(TypedDict):
    """The part of `Hello` that is kept here."""

    operators: list[wire.OperatorView]
    offers: list[wire.OfferView]
    alerts: list[wire.AlertView]
    callbacks: list[wire.CallbackView]
    callback_offers: list[wire.CallbackOfferView]
    queue: list[wire.WaitingView]


class FloorScreens:
    """The floor on all consoles (`ConsolePort`, `CareConsole`)."""

    def __init__(
        self,
        clock: Clock,
        tell: Callable[[str, wire.WireModel], None],
        tell_all: Callable[[wire.WireModel], None],
        identity_of: Callable[[str], Identity | None],
        caller_of: Callable[[str], str | None],
        reviews: ReviewScreens,
    ) -> None:
        """`identity_of` an operator with an open window; `caller_of` a live call; `reviews` must know who is
        free and who was told of a call."""
        self._clock = clock
        self._tell = tell
        self._tell_all = tell_all
        self._identity_of = identity_of
        self._caller_of = caller_of
        self._reviews = reviews
        self._operators: dict[str, wire.OperatorView] = {}
        self._resting: set[str] = set()
        self._offers: dict[str, tuple[str, wire.OfferView]] = {}  # offer id -> operator, offer
        self._alerts: dict[str, tuple[set[str], wire.AlertView]] = {}  # by call
        self._callbacks: dict[str, wire.CallbackView] = {}
        self._callback_offers: dict[str, tuple[str, wire.CallbackOfferView]] = {}  # by offer
        self._queue: list[wire.WaitingView] = []

    def arrived(self, identity: Identity) -> wire.OperatorView:
        """An operator has opened a window; how they are shown."""
        return self._operators.setdefault(identity.operator_id, self._newcomer(identity))

    def of(self, operator_id: str) -> FloorState:
        """What one operator's console starts from."""
        return FloorState(
            operators=list(self._operators.values()),
            offers=[offer for owner, offer in self._offers.values() if owner == operator_id],
            alerts=[view for alerted, view in self._alerts.values() if operator_id in alerted],
            callbacks=list(self._callbacks.values()),
            callback_offers=[
                view for owner, view in self._callback_offers.values() if owner == operator_id
            ],
            queue=self._queue,
        )

    # --- ConsolePort ---

    def presence(self, operator_id: str, presence: str, busy_with: str | None, load: int) -> None:
        """An operator's presence changed."""
        if presence == "available":
            self._reviews.freed(operator_id)
        else:
            self._reviews.busy(operator_id)
        known = self._operators.get(operator_id)
        if known is None:
            # Left and back at once: the window was open before the floor had heard of the leaving.
            identity = self._identity_of(operator_id)
            if identity is None:
                return
            known = self._newcomer(identity)
        if presence == "gone":
            self._operators.pop(operator_id, None)
            self._tell_all(wire.OperatorGone(operator_id=operator_id))
            return
        changes = {"presence": presence, "call_id": busy_with, "load": load}
        self._change(known.model_copy(update=changes))

    def ring(self, offer: Ring, seconds: float) -> None:
        """Show an offer that lapses in `seconds`."""
        caller = self._caller_of(offer.call_id)
        if caller is None:
            caller = offer.brief.who
        view = offer_view(offer, caller, seconds, self._clock.wall())
        self._offers[offer.offer_id] = (offer.operator_id, view)
        self._reviews.informed(offer.operator_id, offer.call_id)
        self._tell(offer.operator_id, wire.Offered(offer=view))

    def offer_over(self, operator_id: str, offer_id: str, call_id: str, reason: str) -> None:
        """An offer of a call or a callback is over, or an accept was refused."""
        for offers in (self._offers, self._callback_offers):
            owner, _ = offers.get(offer_id, (None, None))
            if owner == operator_id:  # else a refused accept of what rings at somebody else
                del offers[offer_id]
        self._tell(
            operator_id,
            wire.OfferOver(
                offer_id=offer_id,
                call_id=call_id,
                reason=reason,
                message=OFFER_OVER_WORDS.get(reason, reason),
            ),
        )

    def alert(self, operator_ids: Iterable[str], call_id: str, brief: Brief) -> None:
        """A critical call waits; further operators may be alerted of it later."""
        now = self._clock.wall()
        alerted, known = self._alerts.get(call_id, (set(), None))
        view = wire.AlertView(
            call_id=call_id,
            caller=brief.who,
            brief=brief_view(brief, now),
            since=now if known is None else known.since,
        )
        self._alerts[call_id] = (alerted | set(operator_ids), view)
        for operator_id in operator_ids:
            self._tell(operator_id, wire.Alerted(alert=view))

    def alert_over(self, operator_ids: Iterable[str], call_id: str, reason: str) -> None:
        """They need not come."""
        self._alerts.pop(call_id, None)
        message = wire.AlertOver(call_id=call_id, reason=reason, message=ALERT_OVER_WORDS[reason])
        for operator_id in operator_ids:
            self._tell(operator_id, message)

    def ring_callback(self, offer: RingCallback, record: CallbackRecord, seconds: float) -> None:
        """Show a callback's offer that lapses in `seconds`; times of `record` are Unix seconds."""
        view = wire.CallbackOfferView(
            offer_id=offer.offer_id,
            callback=callback_view(record),
            expires_at=self._clock.wall() + seconds,
            seconds=seconds,
        )
        self._callback_offers[offer.offer_id] = (offer.operator_id, view)
        self._tell(offer.operator_id, wire.CallbackOffered(offer=view))

    def callback_changed(self, record: CallbackRecord) -> None:
        """A callback stands differently; its times are Unix seconds."""
        view = callback_view(record)
        if record.state in OPEN:
            self._callbacks[record.callback_id] = view
        else:
            self._callbacks.pop(record.callback_id, None)
        self._tell_all(wire.CallbackChanged(callback=view))

    def override_refused(self, operator_id: str, reason: str) -> None:
        """The place of a call cannot be changed so."""
        words = OVERRIDE_WORDS.get(reason, reason)
        self._tell(operator_id, wire.Problem(message=f"The queue stays as it is: {words}."))

    def queue(self, waiting: Iterable[Waiting], offered: Mapping[str, str], shift: float) -> None:
        """Who waits, in order of service; `offered`: operator by offer; `shift`: to Unix seconds."""
        views = [waiting_view(each, offered, shift) for each in waiting if each.is_call]
        if views != self._queue:
            self._queue = views
            self._tell_all(wire.QueueChanged(queue=views))

    # --- CareConsole ---

    def rest(self, operator_id: str, resting: bool, worked_minutes: float) -> None:
        """An operator must rest, or has rested."""
        if resting:
            self._resting.add(operator_id)
            words = f"You have worked {worked_minutes:.0f} minutes: take a break; nothing rings."
        else:
            self._resting.discard(operator_id)
            words = "You have rested; calls ring again."
        message = wire.RestChanged(resting=resting, worked_minutes=worked_minutes, message=words)
        self._tell(operator_id, message)
        known = self._operators.get(operator_id)
        if known is not None:
            self._change(known.model_copy(update={"resting": resting}))

    # --- inside ---

    def _change(self, view: wire.OperatorView) -> None:
        self._operators[view.operator_id] = view
        self._tell_all(wire.OperatorChanged(operator=view))

    def _newcomer(self, identity: Identity) -> wire.OperatorView:
        return wire.OperatorView(
            operator_id=identity.operator_id,
            name=identity.name,
            presence="away",
            call_id=None,
            role="supervisor" if identity.is_supervisor else "operator",
            skills=sorted(identity.skills),
            languages=sorted(identity.languages),
            seniority=identity.seniority.value,
            load=0,
            resting=identity.operator_id in self._resting,
        )
