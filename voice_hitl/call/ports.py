"""What a call needs of the world around it, so that `call` knows neither console nor floor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from handoff.commands import (
    Decision,
    DisconnectOperator,
    Reason,
    RequestOperator,
    RequestTakeover,
    Ring,
    WithdrawRequest,
)
from voice_hitl.call.latency import Stage
from voice_hitl.call.transcript import Line


@dataclass(frozen=True, slots=True)
class Point:
    """Confidence and risk after one caller turn; `at` in Unix seconds."""

    turn: int
    at: float
    confidence: float
    risk: float


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

    def bridged(self, call_id: str, operator_id: str, epoch: int) -> None:
        """The operator may open the call's audio."""

    def unbridged(self, call_id: str, operator_id: str, reason: str) -> None:
        """The operator no longer has the call."""


class FloorPort(Protocol):
    """The floor of operators, as a call sees it."""

    def tell(
        self, command: RequestOperator | RequestTakeover | WithdrawRequest | DisconnectOperator
    ) -> None:
        """Pass on what the floor must know of a call; never blocks."""


class ConsolePort(Protocol):
    """The operators' consoles, as the floor sees them. Methods never block and never raise."""

    def ring(self, offer: Ring, seconds: float) -> None:
        """Show an offer that lapses in `seconds`."""

    def offer_over(self, operator_id: str, offer_id: str, call_id: str, reason: str) -> None:
        """An offer is over, or an accept was refused."""

    def presence(self, operator_id: str, presence: str, busy_with: str | None) -> None:
        """An operator's presence changed."""
