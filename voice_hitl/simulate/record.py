"""What a simulated call was like, as the caller lived it.

Times are seconds on the simulation's clock: the event loop's monotonic clock, so that a server in the same
process can compare them with its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from voice_hitl.telephony.emulator import Burst


class Ending(StrEnum):
    """How the call ended, as the caller saw it."""

    CALLER = "caller_hung_up"
    SERVER = "server_hung_up"
    FALLBACK = "fallback"  # the server sent the call to its fallback verb
    REFUSED = "refused"  # the webhook or the stream was refused
    LOST = "lost"  # the stream broke without a closing handshake


@dataclass(frozen=True, slots=True)
class CallEvent:
    """One thing that happened."""

    at: float
    kind: str  # webhook, stream, say, said, dtmf, clear, agent, hangup, closed, verb, problem, ...
    detail: str = ""


@dataclass(slots=True)
class Utterance:
    """One recording that the caller played."""

    name: str
    text: str  # the reference transcript
    started: float  # its first sample
    speech: list[tuple[float, float]]  # stretches of true speech, by energy
    cut: bool = False  # the caller hung up in it
    answered_at: float | None = None  # first audible agent audio after the speech
    talked_over: bool = False  # the agent began to speak in the middle of it

    @property
    def speech_end(self) -> float:
        """When the caller truly stopped speaking; trailing silence does not count."""
        return self.speech[-1][1] if self.speech else self.started

    @property
    def latency(self) -> float | None:
        """Seconds from the end of speech to the first agent audio; None without an answer."""
        return None if self.answered_at is None else self.answered_at - self.speech_end


@dataclass(slots=True)
class CallRecord:
    """One call; see `to_dict` for the figures in JSON."""

    scenario: str
    call_sid: str
    started: float  # the webhook was posted
    ended: float = 0.0
    origin: float | None = None  # the stream's first sample; None when none was opened
    ending: Ending = Ending.REFUSED
    utterances: list[Utterance] = field(default_factory=list)
    events: list[CallEvent] = field(default_factory=list)
    bursts: list[Burst] = field(default_factory=list)  # when the caller heard the other side speak
    clears: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)  # what went wrong for this caller
    faults: list[str] = field(default_factory=list)  # messages that Twilio would not have obeyed
    said: bytes = b""  # mu-law from `origin` on
    heard: bytes = b""  # mu-law from `origin` on
    recording: Path | None = None  # both of them, stereo: caller left, what they heard right
    frames_sent: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    underruns: int = 0
    marks: int = 0
    latest_frame: float = (
        0.0  # seconds that the latest own frame was late: the simulator's own load
    )

    @property
    def ok(self) -> bool:
        """Whether the call went as a call should, whatever was said in it."""
        return not self.problems and not self.faults

    @property
    def latencies(self) -> list[float]:
        """Seconds from each end of speech to the answer, answered ones only."""
        return [u.latency for u in self.utterances if u.latency is not None]

    def note(self, at: float, kind: str, detail: str = "") -> None:
        """Add an event."""
        self.events.append(CallEvent(at, kind, detail))

    def problem(self, at: float, what: str) -> None:
        """Add a thing that went wrong."""
        self.problems.append(what)
        self.note(at, "problem", what)

    def find_answers(self) -> None:
        """Fill in when each utterance was answered, from the bursts that were heard.

        An answer is a burst that begins after the speech has ended, and before the caller speaks again.
        """
        for index, utterance in enumerate(self.utterances):
            later = self.utterances[index + 1 :]
            until = later[0].speech[0][0] if later and later[0].speech else float("inf")
            end = utterance.speech_end
            starts = [burst.start for burst in self.bursts]
            utterance.answered_at = next((s for s in starts if end <= s < until), None)
            utterance.talked_over = any(utterance.started < s < end for s in starts)

    def to_dict(self) -> dict[str, Any]:
        """The record in JSON's terms; times in seconds from `started`."""
        zero = self.started

        def since(at: float | None) -> float | None:
            return None if at is None else round(at - zero, 4)

        return {
            "scenario": self.scenario,
            "call_sid": self.call_sid,
            "ending": self.ending.value,
            "ok": self.ok,
            "problems": self.problems,
            "faults": self.faults,
            "seconds": since(self.ended),
            "recording": None if self.recording is None else str(self.recording),
            "recording_starts": since(self.origin),
            "utterances": [
                {
                    "name": u.name,
                    "text": u.text,
                    "speech": [[since(a), since(b)] for a, b in u.speech],
                    "cut": u.cut,
                    "answered": since(u.answered_at),
                    "latency_ms": None if u.latency is None else round(u.latency * 1000, 1),
                    "talked_over": u.talked_over,
                }
                for u in self.utterances
            ],
            "heard": [[since(b.start), since(b.end)] for b in self.bursts],
            "clears": [since(at) for at in self.clears],
            "events": [
                {"at": since(e.at), "kind": e.kind, "detail": e.detail} for e in self.events
            ],
            "frames_sent": self.frames_sent,
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "marks": self.marks,
            "underruns": self.underruns,
            "latest_frame_ms": round(self.latest_frame * 1000, 2),
        }
