"""The consoles' hub: every open window, the calls as they are shown, and the screens of all services.

It watches the calls (`CallWatcher`) and greets each window with the whole present state; what the services
show is in `screens`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from handoff.brief import Brief
from handoff.commands import Decision
from voice_hitl.call.latency import Stage
from voice_hitl.call.ports import CallSnapshot
from voice_hitl.call.transcript import Line
from voice_hitl.call.workplace import Screens
from voice_hitl.clock import Clock
from voice_hitl.server import wire
from voice_hitl.server.auth import Identity
from voice_hitl.server.metrics import Metrics
from voice_hitl.server.screens.approvals import ApprovalScreens
from voice_hitl.server.screens.audits import AuditScreens
from voice_hitl.server.screens.floor import FloorScreens
from voice_hitl.server.screens.reviews import ReviewScreens
from voice_hitl.server.screens.warnings import WarningScreens
from voice_hitl.server.views import (
    brief_view,
    call_view,
    latest_lines,
    point_views,
    transcript_entry,
)
from voice_hitl.server.windows import Connection, Windows

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


class Hub:
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
        self._clock = clock
        self._metrics = metrics
        self._version = version
        self._guidelines = guidelines
        self._lines_of = lines_of
        self._windows = windows = Windows()
        self._calls: dict[str, CallSnapshot] = {}
        self._views: dict[str, wire.CallView] = {}  # of calls
        self._bridges: dict[str, wire.Bridged] = {}  # by operator
        self.reviews = ReviewScreens(clock, intents, windows.tell, self._watchers, self._show)
        self.floor = FloorScreens(
            clock,
            windows.tell,
            windows.tell_all,
            windows.identity,
            self._caller_of,
            self.reviews,
        )
        self.approvals = ApprovalScreens(
            clock, windows.tell, self._caller_of, self.reviews.informed
        )
        self.warnings = WarningScreens(metrics, windows.tell_supervisors)
        self.screens = Screens(
            floor=self.floor,
            care=self.floor,
            approvals=self.approvals,
            exercises=self.approvals,
            reviews=self.reviews,
            audits=AuditScreens(clock, windows.tell),
            figures=self.warnings,
        )

    # --- windows ---

    def open(self, identity: Identity) -> Connection:
        """Add a console window and greet it with the whole state."""
        connection = self._windows.add(identity)
        operator_id = identity.operator_id
        me = self.floor.arrived(identity)
        connection.send(
            wire.Hello(
                me=me,
                calls=[self._call_view(call_id) for call_id in self._views],
                approvals=self.approvals.of(operator_id),
                reviews=self.reviews.of(operator_id),
                **self.floor.of(operator_id),
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
        self._windows.tell_all(wire.OperatorChanged(operator=me))
        return connection

    def close(self, connection: Connection) -> bool:
        """Remove a console window; return whether it was the operator's last."""
        return self._windows.remove(connection)

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
        self._show(snapshot.call_id)

    def line(self, call_id: str, line: Line) -> None:
        """A transcript line is new or different: told to whoever watches the call."""
        watching = self._windows.watching(call_id)
        if watching:
            message = wire.TranscriptChanged(
                call_id=call_id, entry=transcript_entry(line)
            ).model_dump_json()
            for connection in watching:
                connection.send_text(message)

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
            self._windows.tell_all(wire.CallGone(call_id=call_id, outcome=outcome))

    def bridged(self, call_id: str, operator_id: str, epoch: int, brief: Brief | None) -> None:
        """The operator may open the call's audio, and is shown its brief."""
        view = None if brief is None else brief_view(brief, self._clock.wall())
        bridge = wire.Bridged(call_id=call_id, epoch=epoch, brief=view)
        self._bridges[operator_id] = bridge
        self._windows.tell(operator_id, bridge)

    def unbridged(self, call_id: str, operator_id: str, reason: str) -> None:
        """The operator no longer has the call."""
        bridge = self._bridges.get(operator_id)
        if bridge is not None and bridge.call_id == call_id:
            del self._bridges[operator_id]
        words = UNBRIDGED_WORDS.get(reason, reason.replace("_", " ").capitalize() + ".")
        self._windows.tell(
            operator_id, wire.Unbridged(call_id=call_id, reason=reason, message=words)
        )

    # --- the rest ---

    def _show(self, call_id: str) -> None:
        """Show everybody how a live call stands."""
        if call_id in self._views:
            self._windows.tell_all(wire.CallChanged(call=self._call_view(call_id)))

    def _call_view(self, call_id: str) -> wire.CallView:
        view = self._views[call_id]
        secret = self.reviews.is_secret(call_id)
        return view.model_copy(update={"intent": None}) if secret else view

    def _caller_of(self, call_id: str) -> str | None:
        call = self._calls.get(call_id)
        return None if call is None else call.caller

    def _watchers(self, call_id: str) -> set[str]:
        return {each.identity.operator_id for each in self._windows.watching(call_id)}
