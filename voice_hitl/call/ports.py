"""What a call needs of the world around it, so that `call` knows neither console nor floor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from handoff.brief import Brief
from handoff.callbacks import CallbackRecord
from handoff.commands import (
    Decision,
    DisconnectOperator,
    Reason,
    RequestOperator,
    RequestTakeover,
    Ring,
    RingCallback,
    WithdrawRequest,
)
from handoff.events import FloorReported
from handoff.queue import Waiting
from voice_hitl.call.latency import Stage
from voice_hitl.call.transcript import Line

Event_contra = TypeVar("Event_contra", contravariant=True)


class Told(Protocol[Event_contra]):
    """Whoever can be told of events, a live call or a service; telling never blocks."""

    def post(self, event: Event_contra) -> None:
        """Tell them of one."""


@dataclass(frozen=True, slots=True)
class Point:
    """Confidence and risk after one caller turn; `at` in Unix seconds."""

    turn: int
    at: float
    confidence: float
    risk: float
    low: float | None  # the marks of risk at that turn (`handoff.engine.Snapshot.marks`)
    high: float | None


@dataclass(frozen=True, slots=True)
class CallSnapshot:
    """What the floor sees of a live call."""

    call_id: str
    caller: str
    pack: str
    started_at: float
    state: str  # ai | waiting | bridging | operator | ended
    safe_mode: bool
    operator_id: str | None
    operator_name: str | None
    intent: str | None
    turns: int
    points: tuple[Point, ...]
    reasons: tuple[Reason, ...]
    low_turns: int  # turns in a row above a point's low mark that start a handoff
    armed: bool  # whether a mark counts now, or calm turns must come first


class CallWatcher(Protocol):
    """Whoever shows calls to people. Methods never block and never raise."""

    def call_changed(self, snapshot: CallSnapshot) -> None:
        """A live call is new or different."""

    def line(self, call_id: str, line: Line) -> None:
        """A transcript line is new or different."""

    def decided(self, call_id: str, decision: Decision) -> None:
        """A decision was made."""

    def measured(self, stage: Stage, milliseconds: float) -> None:
        """A latency stage was measured."""

    def call_ended(self, call_id: str, outcome: str) -> None:
        """A call is over."""

    def bridged(self, call_id: str, operator_id: str, epoch: int, brief: Brief | None) -> None:
        """The operator may open the call's audio; `brief` sums up what they take over."""

    def unbridged(self, call_id: str, operator_id: str, reason: str) -> None:
        """The operator no longer has the call."""


class FloorPort(Protocol):
    """The floor of operators, as a call sees it."""

    def tell(
        self, command: RequestOperator | RequestTakeover | WithdrawRequest | DisconnectOperator
    ) -> None:
        """Pass on what the floor must know of a call; never blocks."""

    def began(self, call_id: str, language: str) -> FloorReported:
        """A call begins: what a handoff would cost it. It is told of changes until it is over."""


class WorkPort(Protocol):
    """The floor, as it hears of what operators do beside calls."""

    def free(self) -> tuple[str, ...]:
        """Who could look at something now, the least loaded first."""

    def work_taken(self, operator_id: str, work_id: str, kind: str) -> None:
        """An operator has an approval, a review or an audit in hand."""

    def work_done(self, operator_id: str, work_id: str) -> None:
        """It is done, over, or somebody else's."""


class ConsolePort(Protocol):
    """The operators' consoles, as the floor sees them. Methods never block and never raise."""

    def ring(self, offer: Ring, seconds: float) -> None:
        """Show an offer that lapses in `seconds`."""

    def offer_over(self, operator_id: str, offer_id: str, call_id: str, reason: str) -> None:
        """An offer is over, or an accept was refused."""

    def presence(self, operator_id: str, presence: str, busy_with: str | None, load: int) -> None:
        """An operator's presence changed, or the weight of the light work that they hold."""

    def alert(self, operator_ids: Iterable[str], call_id: str, brief: Brief) -> None:
        """A critical call waits: tell these; whoever takes it first has it."""

    def alert_over(self, operator_ids: Iterable[str], call_id: str, reason: str) -> None:
        """They need not come."""

    def ring_callback(self, offer: RingCallback, record: CallbackRecord, seconds: float) -> None:
        """Show a callback's offer that lapses in `seconds`; times of `record` are Unix seconds."""

    def callback_changed(self, record: CallbackRecord) -> None:
        """A callback is new or stands differently; its times are Unix seconds."""

    def override_refused(self, operator_id: str, reason: str) -> None:
        """The place of a call in the queue cannot be changed so."""

    def queue(self, waiting: Iterable[Waiting], offered: Mapping[str, str], shift: float) -> None:
        """Who waits, in order of service; `offered`: operator by offer; `shift`: to Unix seconds."""
