"""The consoles' hub: what every connected operator is told, and when.

It watches the calls (`CallWatcher`) and shows the floor's offers (`ConsolePort`). Nothing here blocks:
each connection has a bounded outbox, and one that does not keep up is closed, because the console that
reconnects is given the whole present state, which is worth more than a backlog of the past.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping

from handoff.audit import AuditItem
from handoff.brief import Brief
from handoff.commands import Decision, Ring
from handoff.drift import Warned
from handoff.metrics import Figures
from handoff.review import RevealChoice, ShowReview
from voice_hitl.call.latency import Stage
from voice_hitl.call.ports import CallSnapshot
from voice_hitl.call.transcript import Line
from voice_hitl.clock import Clock
from voice_hitl.server import wire
from voice_hitl.server.approval_display import ApprovalDisplay
from voice_hitl.server.auth import Identity
from voice_hitl.server.figures import WarningScreens
from voice_hitl.server.floor_display import FloorDisplay
from voice_hitl.server.metrics import Metrics
from voice_hitl.server.reviews import ReviewScreens
from voice_hitl.server.views import (
    audit_view,
    brief_view,
    call_view,
    latest_lines,
    offer_view,
    point_views,
    transcript_entry,
)

OUTBOX_SIZE = 1000

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
AUDIT_OVER_WORDS = {
    "answered": "Thank you; your judgement is kept.",
    "lapsed": "Time is up; it is for others now.",
    "own": "You have a part in this call now, so others judge it.",
    "over": "This has been judged already.",
    "not_yours": "Somebody else judges this.",
}
UNBRIDGED_WORDS = {
    "handed_back": "You handed the call back to the AI.",
    "operator_ended": "You ended the call.",
    "caller_hung_up": "The caller hung up.",
    "lost": "Your audio connection broke; the call went on without you.",
    "bridge_failed": "Your audio could not be connected; the call went to somebody else.",
    "replaced": "A colleague took this call over.",
    "server_draining": "The server is shutting down.",
    "call_broke": "The call broke; the caller is sent to the fallback.",
}


class Connection:
    """One open console window."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.watching: str | None = None
        self.overrun = False
        self._outbox: asyncio.Queue[str] = asyncio.Queue(OUTBOX_SIZE)

    def send(self, message: wire.WireModel) -> None:
        """Queue a message; a full outbox ends the connection."""
        self.send_text(message.model_dump_json())

    def send_text(self, text: str) -> None:
        """Queue a message that is JSON already."""
        try:
            self._outbox.put_nowait(text)
        except asyncio.QueueFull:
            self.overrun = True

    async def next_message(self) -> str:
        """The next message to write."""
        return await self._outbox.get()


class Hub(FloorDisplay, ApprovalDisplay):
    """All open consoles."""

    def __init__(
        self,
        clock: Clock,
        metrics: Metrics,
        version: str,
        guidelines: str,
        lines_of: Callable[[str], Iterable[Line]],
        intents: Mapping[str, str],
    ) -> None:
        """`intents`: name and label of what callers come for, for reviewers to choose from."""
        FloorDisplay.__init__(self, clock)
        ApprovalDisplay.__init__(self, clock)
        self._metrics = metrics
        self._version = version
        self._guidelines = guidelines
        self._lines_of = lines_of
        self._connections: dict[str, set[Connection]] = {}
        self._calls: dict[str, CallSnapshot] = {}
        self._views: dict[str, wire.CallView] = {}  # of calls
        self._offers: dict[str, tuple[str, wire.OfferView]] = {}  # offer id -> operator, offer
        self._bridges: dict[str, wire.Bridged] = {}  # by operator
        self.reviews = ReviewScreens(clock, intents, self._to)
        self.warnings = WarningScreens(metrics, self._supervisors)

    # --- connections ---

    def open(self, identity: Identity) -> Connection:
        """Add a console window and greet it with the whole state."""
        connection = Connection(identity)
        operator_id = identity.operator_id
        self._connections.setdefault(operator_id, set()).add(connection)
        me = self._operators.get(operator_id) or self._newcomer(identity)
        self._operators[operator_id] = me
        connection.send(
            wire.Hello(
                me=me,
                operators=list(self._operators.values()),
                calls=[self._call_view(call_id) for call_id in self._views],
                offers=[offer for owner, offer in self._offers.values() if owner == operator_id],
                approvals=self.approvals_of(operator_id),
                reviews=self.reviews.of(operator_id),
                **self.floor_state(operator_id),
                server_time=self._clock.wall(),
                version=self._version,
                guidelines=self._guidelines,
            )
        )
        bridge = self._bridges.get(operator_id)
        if bridge is not None:
            connection.send(bridge)  # a reloaded page must know its epoch to talk on, and the brief
        for reveal in self.reviews.reveals(operator_id):
            connection.send(reveal)
        if identity.is_supervisor:
            for warning in self.warnings.standing():
                connection.send(warning)
        self._all(wire.OperatorChanged(operator=me))
        return connection

    def close(self, connection: Connection) -> bool:
        """Remove a console window; return whether it was the operator's last."""
        operator_id = connection.identity.operator_id
        windows = self._connections.get(operator_id, set())
        windows.discard(connection)
        if windows:
            return False
        self._connections.pop(operator_id, None)
        return True

    def watch(self, connection: Connection, call_id: str | None) -> None:
        """Send the latest of a call's transcript now and its lines from now on."""
        connection.watching = call_id
        if call_id is not None:
            self.reviews.informed(connection.identity.operator_id, call_id)
            call = self._calls.get(call_id)
            entries, more = latest_lines(self._lines_of(call_id))
            points = [] if call is None else point_views(call.points)
            connection.send(
                wire.Transcript(call_id=call_id, entries=entries, more=more, points=points)
            )

    def earlier(self, connection: Connection, call_id: str, before: int) -> None:
        """Send lines of the call that a console watches from before line `before`; of others none."""
        if connection.watching == call_id:
            entries, more = latest_lines(self._lines_of(call_id), before)
            connection.send(wire.TranscriptEarlier(call_id=call_id, entries=entries, more=more))

    # --- CallWatcher ---

    def call_changed(self, snapshot: CallSnapshot) -> None:
        """A live call is new or different."""
        self._calls[snapshot.call_id] = snapshot
        self._views[snapshot.call_id] = call_view(snapshot)
        self._all(wire.CallChanged(call=self._call_view(snapshot.call_id)))

    def _call_view(self, call_id: str) -> wire.CallView:
        view = self._views[call_id]
        secret = self.reviews.is_secret(call_id)
        return view.model_copy(update={"intent": None}) if secret else view

    def line(self, call_id: str, line: Line) -> None:
        """A transcript line is new or different: told to whoever watches the call."""
        watchers = self._watching(call_id)
        if watchers:
            message = wire.TranscriptChanged(
                call_id=call_id, entry=transcript_entry(line)
            ).model_dump_json()
            for connection in watchers:
                connection.send_text(message)

    def _watching(self, call_id: str) -> list[Connection]:
        return [
            connection
            for windows in self._connections.values()
            for connection in windows
            if connection.watching == call_id
        ]

    def decided(self, call_id: str, decision: Decision) -> None:
        """Count a handoff; decisions reach consoles inside the call's snapshot."""
        if decision.hand_off and decision.reasons:
            self._metrics.handoffs.labels(decision.reasons[0].code).inc()

    def measured(self, stage: Stage, milliseconds: float) -> None:
        """A latency stage was measured."""
        self._metrics.stages.labels(stage.value).observe(milliseconds / 1000.0)

    def call_ended(self, call_id: str, outcome: str) -> None:
        """A call is over."""
        for operator_id, bridge in list(self._bridges.items()):
            if bridge.call_id == call_id:
                del self._bridges[operator_id]
        self._views.pop(call_id, None)
        if self._calls.pop(call_id, None) is not None:
            self._all(wire.CallGone(call_id=call_id, outcome=outcome))

    def bridged(self, call_id: str, operator_id: str, epoch: int, brief: Brief | None) -> None:
        """The operator may open the call's audio, and is shown its brief."""
        view = None if brief is None else brief_view(brief, self._clock.wall())
        bridge = wire.Bridged(call_id=call_id, epoch=epoch, brief=view)
        self._bridges[operator_id] = bridge
        self._to(operator_id, bridge)

    def unbridged(self, call_id: str, operator_id: str, reason: str) -> None:
        """The operator no longer has the call."""
        bridge = self._bridges.get(operator_id)
        if bridge is not None and bridge.call_id == call_id:
            del self._bridges[operator_id]
        words = UNBRIDGED_WORDS.get(reason, reason.replace("_", " ").capitalize() + ".")
        self._to(operator_id, wire.Unbridged(call_id=call_id, reason=reason, message=words))

    # --- ConsolePort ---

    def ring(self, offer: Ring, seconds: float) -> None:
        """Show an offer that lapses in `seconds`."""
        call = self._calls.get(offer.call_id)
        view = offer_view(
            offer, call.caller if call else offer.brief.who, seconds, self._clock.wall()
        )
        self._offers[offer.offer_id] = (offer.operator_id, view)
        self.reviews.informed(offer.operator_id, offer.call_id)
        self._to(offer.operator_id, wire.Offered(offer=view))

    def offer_over(self, operator_id: str, offer_id: str, call_id: str, reason: str) -> None:
        """An offer is over, or an accept was refused."""
        owner, _ = self._offers.get(offer_id, (None, None))
        if owner == operator_id:  # else a refused accept of what rings at somebody else
            del self._offers[offer_id]
        self.callback_offer_over(operator_id, offer_id)
        self._to(
            operator_id,
            wire.OfferOver(
                offer_id=offer_id,
                call_id=call_id,
                reason=reason,
                message=OFFER_OVER_WORDS.get(reason, reason),
            ),
        )

    # --- ReviewConsole ---

    def review_coming(self, review_id: str, call_id: str) -> None:
        """A turn is drawn: the list of calls is discreet about its call until the review is over."""
        self.reviews.coming(review_id, call_id)

    def review_asked(self, ask: ShowReview, seconds: float) -> None:
        """Show a turn to whoever is free and has not seen what the AI makes of it."""
        watching = {each.identity.operator_id for each in self._watching(ask.call_id)}
        self.reviews.asked(ask, seconds, watching)

    def review_revealed(self, reveal: RevealChoice, seconds: float) -> None:
        """Show its reviewer what the AI chose."""
        self.reviews.revealed(reveal, seconds)

    def review_withdrawn(self, review_id: str, reason: str) -> None:
        """Take it from all who still see it."""
        self.reviews.withdrawn(review_id, reason)

    def review_refused(self, operator_id: str, review_id: str, reason: str) -> None:
        """Their choice or verdict has no effect."""
        self.reviews.refused(operator_id, review_id, reason)

    def review_over(self, review_id: str, outcome: str, reviewer: str | None) -> None:
        """A review is closed: what its call is about may be shown again."""
        call = self._calls.get(self.reviews.over(review_id, outcome, reviewer) or "")
        if call is not None:
            self._all(wire.CallChanged(call=self._call_view(call.call_id)))

    # --- AuditConsole ---

    def audit_shown(self, operator_id: str, item: AuditItem | None, seconds: float) -> None:
        """What to judge next; None: there is nothing for them."""
        audit = audit_view(item, seconds, self._clock.wall()) if item is not None else None
        self._to(operator_id, wire.AuditShown(audit=audit))

    def audit_over(self, operator_id: str, audit_id: str, reason: str) -> None:
        """It needs nothing from them any more."""
        words = AUDIT_OVER_WORDS.get(reason, reason.replace("_", " ").capitalize() + ".")
        self._to(operator_id, wire.AuditOver(audit_id=audit_id, reason=reason, message=words))

    # --- FiguresConsole ---

    def warning_raised(self, warning: Warned, since: float) -> None:
        """Tell supervisors of a warning."""
        self.warnings.raised(warning, since)

    def warning_over(self, code: str) -> None:
        """Tell supervisors that it no longer stands."""
        self.warnings.over(code)

    def figures_sampled(self, figures: Figures) -> None:
        """Show the figures to Prometheus."""
        self.warnings.sampled(figures)

    # --- presence ---

    def presence(self, operator_id: str, presence: str, busy_with: str | None, load: int) -> None:
        """An operator's presence changed."""
        if presence == "available":
            self.reviews.freed(operator_id)
        else:
            self.reviews.busy(operator_id)
        known = self._operators.get(operator_id)
        if known is None:
            # Left and back at once: the window was open before the floor had heard of the leaving.
            windows = self._connections.get(operator_id)
            if not windows:
                return
            known = self._newcomer(next(iter(windows)).identity)
        if presence == "gone":
            self._operators.pop(operator_id, None)
            self._all(wire.OperatorGone(operator_id=operator_id))
            return
        view = known.model_copy(update={"presence": presence, "call_id": busy_with, "load": load})
        self._operators[operator_id] = view
        self._all(wire.OperatorChanged(operator=view))

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

    # --- sending ---

    def _to(self, operator_id: str, message: wire.WireModel) -> None:
        for connection in self._connections.get(operator_id, ()):
            connection.send(message)

    def _caller_of(self, call_id: str) -> str:
        call = self._calls.get(call_id)
        return call.caller if call else ""

    def _informed(self, operator_id: str, call_id: str) -> None:
        self.reviews.informed(operator_id, call_id)

    def _supervisors(self, message: wire.WireModel) -> None:
        for windows in self._connections.values():
            for connection in windows:
                if connection.identity.is_supervisor:
                    connection.send(message)

    def _all(self, message: wire.WireModel) -> None:
        text = message.model_dump_json()
        for windows in self._connections.values():
            for connection in windows:
                connection.send_text(text)
