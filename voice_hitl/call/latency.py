"""Latency of one turn, stage by stage, against the budgets of DESIGN section 6."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """A measured stretch of a turn or of a handoff."""

    ENDPOINT = "endpoint"  # end of speech -> turn closed, where the words were complete
    ENDPOINT_UNFINISHED = "endpoint_unfinished"  # the same where they were not, or none had come
    TRANSCRIPT = "transcript"  # turn closed -> final transcript
    DECISION = "decision"  # final transcript -> handoff decision
    REPLY = "reply"  # final transcript -> first sentence of the reply
    FIRST_AUDIO = "first_audio"  # first sentence -> its first frame sent
    RESPONSE = "response"  # end of speech -> first reply frame sent
    BARGE_IN = "barge_in"  # caller starts over the agent -> `clear` sent
    OFFER = "offer"  # decision -> offer written to a console
    BRIDGE = "bridge"  # operator says "take it" -> first operator frame to the caller
    AUDIO_AGE_IN = "audio_age_in"  # caller's frame received -> written to the operator
    AUDIO_AGE_OUT = "audio_age_out"  # operator's frame received -> written to the caller


@dataclass(frozen=True, slots=True)
class Budget:
    """Milliseconds allowed at the median and at the 95th percentile."""

    p50: float
    p95: float


BUDGETS: dict[Stage, Budget] = {
    Stage.ENDPOINT: Budget(350, 600),
    Stage.ENDPOINT_UNFINISHED: Budget(800, 1200),
    Stage.TRANSCRIPT: Budget(60, 150),
    Stage.DECISION: Budget(3, 10),
    Stage.REPLY: Budget(15, 50),
    Stage.FIRST_AUDIO: Budget(40, 100),
    Stage.RESPONSE: Budget(550, 900),
    Stage.BARGE_IN: Budget(160, 250),
    Stage.OFFER: Budget(20, 100),
    Stage.BRIDGE: Budget(40, 150),
    Stage.AUDIO_AGE_IN: Budget(5, 25),
    Stage.AUDIO_AGE_OUT: Budget(5, 25),
}
"""DESIGN section 6."""


class TurnClock:
    """Collects the stages of one turn, in milliseconds, from moments in monotonic seconds."""

    def __init__(self) -> None:
        self._moments: dict[str, float] = {}
        self.stages: dict[Stage, float] = {}

    def moment(self, name: str, now: float) -> None:
        """Remember when something happened first; later calls with the same name change nothing."""
        self._moments.setdefault(name, now)

    def between(self, stage: Stage, start: str, end: str) -> float | None:
        """Measure a stage once, if both moments are known; return its milliseconds."""
        if stage in self.stages or start not in self._moments or end not in self._moments:
            return None
        milliseconds = (self._moments[end] - self._moments[start]) * 1000.0
        self.stages[stage] = milliseconds
        return milliseconds

    def knows(self, name: str) -> bool:
        """Whether a moment has happened."""
        return name in self._moments
