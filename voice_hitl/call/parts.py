"""What a call is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field

from handoff.board import BoardEvent
from handoff.commands import Notice
from voice_hitl.call.moderating import Moderation
from voice_hitl.call.ports import CallWatcher, FloorPort, Told
from voice_hitl.call.proposals import GatePort
from voice_hitl.call.second_opinions import AuditPort, ReviewPort
from voice_hitl.call.turns import TurnTiming
from voice_hitl.clock import Clock
from voice_hitl.speech.protocols import Recognizer, Synthesizer


@dataclass(frozen=True, slots=True)
class CallParts:
    """The services and settings that a call uses; everything is already started."""

    recognizer: Recognizer
    voice: Synthesizer
    clips: Mapping[str, bytes]  # of the notices and `FILLER`, rendered before the first call
    executor: Executor
    floor: FloorPort
    gate: GatePort
    board: Told[BoardEvent]
    reviews: ReviewPort
    audits: AuditPort
    moderation: Moderation
    watcher: CallWatcher
    clock: Clock
    notice: Callable[[Notice, int], str]  # the words of a notice, the n-th time it is said
    reconnect_seconds: float
    timing: TurnTiming = field(default_factory=TurnTiming)
