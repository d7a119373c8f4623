"""What consoles are shown of the floor beside calls and offers: alerts, callbacks, rest, the queue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypedDict

from handoff.brief import Brief
from handoff.callbacks import OPEN, CallbackRecord
from handoff.commands import RingCallback
from handoff.queue import Waiting
from voice_hitl.clock import Clock
from voice_hitl.server import wire
from voice_hitl.server.views import brief_view, callback_view, waiting_view

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

    alerts: list[wire.AlertView]
    callbacks: list[wire.CallbackView]
    callback_offers: list[wire.CallbackOfferView]
    queue: list[wire.WaitingView]


class FloorDisplay:
    """Part of the hub, which sends: what it shows, and what a console that connects later must know."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._operators: dict[str, wire.OperatorView] = {}
        self._resting: set[str] = set()
        self._alerts: dict[str, tuple[set[str], wire.AlertView]] = {}  # by call
        self._callbacks: dict[str, wire.CallbackView] = {}
        self._callback_offers: dict[str, tuple[str, wire.CallbackOfferView]] = {}  # by offer
        self._queue: list[wire.WaitingView] = []

    def floor_state(self, operator_id: str) -> FloorState:
        """What one operator's console starts from."""
        return FloorState(
            alerts=[view for alerted, view in self._alerts.values() if operator_id in alerted],
            callbacks=list(self._callbacks.values()),
            callback_offers=[
                view for owner, view in self._callback_offers.values() if owner == operator_id
            ],
            queue=self._queue,
        )

    def callback_offer_over(self, operator_id: str, offer_id: str) -> None:
        """If this was a callback's offer to them, it is over."""
        owner, _ = self._callback_offers.get(offer_id, (None, None))
        if owner == operator_id:
            del self._callback_offers[offer_id]

    # --- ConsolePort ---

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
            self._to(operator_id, wire.Alerted(alert=view))

    def alert_over(self, operator_ids: Iterable[str], call_id: str, reason: str) -> None:
        """They need not come."""
        self._alerts.pop(call_id, None)
        message = wire.AlertOver(call_id=call_id, reason=reason, message=ALERT_OVER_WORDS[reason])
        for operator_id in operator_ids:
            self._to(operator_id, message)

    def ring_callback(self, offer: RingCallback, record: CallbackRecord, seconds: float) -> None:
        """Show a callback's offer that lapses in `seconds`; times of `record` are Unix seconds."""
        view = wire.CallbackOfferView(
            offer_id=offer.offer_id,
            callback=callback_view(record),
            expires_at=self._clock.wall() + seconds,
            seconds=seconds,
        )
        self._callback_offers[offer.offer_id] = (offer.operator_id, view)
        self._to(offer.operator_id, wire.CallbackOffered(offer=view))

    def callback_changed(self, record: CallbackRecord) -> None:
        """A callback stands differently; its times are Unix seconds."""
        view = callback_view(record)
        if record.state in OPEN:
            self._callbacks[record.callback_id] = view
        else:
            self._callbacks.pop(record.callback_id, None)
        self._all(wire.CallbackChanged(callback=view))

    def override_refused(self, operator_id: str, reason: str) -> None:
        """The place of a call cannot be changed so."""
        words = OVERRIDE_WORDS.get(reason, reason)
        self._to(operator_id, wire.Problem(message=f"The queue stays as it is: {words}."))

    def queue(self, waiting: Iterable[Waiting], offered: Mapping[str, str], shift: float) -> None:
        """Who waits, in order of service; `offered`: operator by offer; `shift`: to Unix seconds."""
        views = [waiting_view(each, offered, shift) for each in waiting if each.is_call]
        if views != self._queue:
            self._queue = views
            self._all(wire.QueueChanged(queue=views))

    def rest(self, operator_id: str, resting: bool, worked_minutes: float) -> None:
        """An operator must rest, or has rested."""
        if resting:
            self._resting.add(operator_id)
            words = f"You have worked {worked_minutes:.0f} minutes: take a break; nothing rings."
        else:
            self._resting.discard(operator_id)
            words = "You have rested; calls ring again."
        message = wire.RestChanged(resting=resting, worked_minutes=worked_minutes, message=words)
        self._to(operator_id, message)
        known = self._operators.get(operator_id)
        if known is not None:
            view = known.model_copy(update={"resting": resting})
            self._operators[operator_id] = view
            self._all(wire.OperatorChanged(operator=view))

    # --- the hub's ---

    def _to(self, operator_id: str, message: wire.WireModel) -> None:
        raise NotImplementedError

    def _all(self, message: wire.WireModel) -> None:
        raise NotImplementedError
