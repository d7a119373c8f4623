"""People's part of a call: the floor that is asked for an operator, and the operator's audio leg.

Part of the call's owner: every method runs in the owner task and none waits.
"""

from __future__ import annotations

from collections.abc import Callable

from handoff import commands as core
from handoff import events as facts
from handoff.engine import CallEngine
from voice_hitl.call import inbox as at
from voice_hitl.call.book import CallBook
from voice_hitl.call.bridge import Bridge, OperatorLeg
from voice_hitl.call.ports import CallWatcher, FloorPort
from voice_hitl.call.second_opinions import SecondOpinions


class Attending:
    """Who attends to one call besides the AI. `hush` makes the server itself silent towards the caller."""

    def __init__(
        self,
        engine: CallEngine,
        book: CallBook,
        bridge: Bridge,
        opinions: SecondOpinions,
        floor: FloorPort,
        watcher: CallWatcher,
        hush: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._book = book
        self._bridge = bridge
        self._opinions = opinions
        self._floor = floor
        self._watcher = watcher
        self._hush = hush

    @property
    def leg(self) -> OperatorLeg | None:
        """The operator's audio leg, while there is one."""
        return self._bridge.leg

    def next_deadline(self) -> float | None:
        """When an operator without audio counts as lost."""
        return self._bridge.deadline()

    # --- what they do ---

    def on_floor(self, event: at.FloorSaid, now: float) -> None:
        """What the core takes no notice of (it is too late) leaves no trace in the book either."""
        before = self._engine.state
        self._engine.handle(event.event, now)
        match event.event:
            case facts.OperatorAssigned(epoch=epoch) if self._engine.snapshot().epoch == epoch:
                self._book.assigned(event.event)
                self._opinions.handled_by(event.event.operator_id)
            case facts.NobodyAvailable() if self._engine.state is not before:
                self._book.bridge_over("nobody")

    def on_leg_attached(self, event: at.LegAttached, now: float) -> None:
        """The operator's audio is there: they talk to the caller now."""
        leg = self._bridge.present(event.epoch)
        if leg is None:
            return
        self._bridge.connected()
        self._hush()
        self._engine.handle(facts.BridgeUp(leg.operator_id, event.epoch), now)
        self._book.changed()

    def on_leg_detached(self, event: at.LegDetached, now: float) -> None:
        """The operator's audio is gone; it may come back."""
        if self._bridge.present(event.epoch) is not None:
            self._bridge.disconnected(now)

    def on_leg_spoke(self, event: at.LegSpoke, now: float) -> None:
        """The caller hears the operator."""
        if self._bridge.present(event.epoch) is not None:
            self._book.handoffs.bridged()

    def on_deadline(self, now: float) -> None:
        """The operator's audio did not come back."""
        if self.leg is not None:
            lost = facts.OperatorLost(self.leg.operator_id, self.leg.epoch)
            self._bridge.connected()
            self._engine.handle(lost, now)

    # --- what the decision core wants of them ---

    def request(self, command: core.RequestOperator) -> None:
        """Ask the floor for an operator."""
        self._book.requested(command)
        self._floor.tell(command)

    def request_takeover(self, command: core.RequestTakeover) -> None:
        """Tell the floor that an operator wants this call."""
        self._floor.tell(command)

    def withdraw(self, command: core.WithdrawRequest) -> None:
        """Nobody is needed any more."""
        self._floor.tell(command)
        self._book.bridge_over(command.reason)

    def connect(self, command: core.ConnectOperator) -> None:
        """Open the operator's leg."""
        self._bridge.open(command.call_id, command.operator_id, command.epoch)
        brief = self._engine.brief()
        self._watcher.bridged(self._book.call_id, command.operator_id, command.epoch, brief)
        self._book.changed()

    def disconnect(self, command: core.DisconnectOperator) -> None:
        """The operator no longer has the call."""
        self._bridge.close()
        self._watcher.unbridged(self._book.call_id, command.operator_id, command.reason)
        self._floor.tell(command)
        self._book.bridge_over(command.reason)

    def close(self) -> None:
        """The call ends: close the leg."""
        self._bridge.close()

    def broke(self) -> None:
        """The call is gone; an operator who was never disconnected is told. Idempotent."""
        if self.leg is not None:
            self._watcher.unbridged(self._book.call_id, self.leg.operator_id, "call_broke")
        self._bridge.close()
