"""Live calls as a console sees them: their state, their transcript and an operator's part in them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from voice_hitl.server.wire.base import CallState, WireModel


class ReasonView(WireModel):
    """One reason of a decision."""

    code: str
    words: str
    weight: float


class Point(WireModel):
    """Confidence and risk after one caller turn.

    Risk above `high` starts a handoff at once, above `low` in `CallView.low_turns` turns in a row. Null: this
    policy does not decide by risk. A mark above 1 is reached by no risk.
    """

    turn: int
    at: float
    confidence: float
    risk: float
    low: float | None
    high: float | None


class CallView(WireModel):
    """A live call in the list."""

    call_id: str
    caller: str
    pack: str
    started_at: float
    state: CallState
    safe_mode: bool
    operator_id: str | None
    operator_name: str | None
    intent: str | None
    turns: int
    points: list[Point]  # the latest few; whoever watches the call is sent all of them
    low_turns: int
    armed: bool  # whether risk may start a handoff now, or calm turns must come first
    reasons: list[ReasonView]


class TranscriptEntry(WireModel):
    """One line of a transcript; an entry with the same `seq` replaces the former one."""

    seq: int
    role: Literal["caller", "agent", "operator", "system"]
    text: str
    heard: str | None  # agent lines: what the caller really heard; None while it plays
    final: bool
    at: float
    asr_confidence: float | None = None


class Attempt(WireModel):
    """One thing that was tried, and its result."""

    what: str
    result: str
    ok: bool


class BriefView(WireModel):
    """The summary an operator receives with an offer."""

    why: str
    reasons: list[ReasonView]
    urgency: Literal["low", "medium", "high", "critical"]
    who: str
    intent: str | None
    slots: dict[str, str]
    tried: list[Attempt]
    pending: str | None
    exchanges: list[TranscriptEntry]
    next_step: str


class CallChanged(WireModel):
    """A live call is new or different."""

    type: Literal["call"] = "call"
    call: CallView


class CallGone(WireModel):
    """A call has ended."""

    type: Literal["call_ended"] = "call_ended"
    call_id: str
    outcome: Literal["automated", "handed_off", "abandoned", "failed"]


class TranscriptChanged(WireModel):
    """A transcript line is new or different."""

    type: Literal["transcript"] = "transcript"
    call_id: str
    entry: TranscriptEntry


class Transcript(WireModel):
    """The latest lines and all points so far, sent after `watch`."""

    type: Literal["transcript_all"] = "transcript_all"
    call_id: str
    entries: list[TranscriptEntry]
    more: bool  # there are earlier lines: ask for them with `earlier`
    points: list[Point]


class TranscriptEarlier(WireModel):
    """The lines just before those that a console has, sent after `earlier`."""

    type: Literal["transcript_earlier"] = "transcript_earlier"
    call_id: str
    entries: list[TranscriptEntry]
    more: bool


class Bridged(WireModel):
    """This operator is now talking to the caller; open `/ws/audio/{call_id}`."""

    type: Literal["bridged"] = "bridged"
    call_id: str
    epoch: int
    brief: BriefView | None  # what they take over, as it stood then


class Unbridged(WireModel):
    """This operator is no longer talking to the caller."""

    type: Literal["unbridged"] = "unbridged"
    call_id: str
    reason: str
    message: str


class Take(WireModel):
    """Take a live call that was not offered."""

    type: Literal["take"] = "take"
    call_id: str


class HandBack(WireModel):
    """Give the call back to the AI."""

    type: Literal["hand_back"] = "hand_back"
    call_id: str
    epoch: int
    note: str = Field(default="", max_length=2000)


class EndCall(WireModel):
    """End the call for the caller as well."""

    type: Literal["end_call"] = "end_call"
    call_id: str
    epoch: int


class Earlier(WireModel):
    """Receive lines of the watched call from before line `before`."""

    type: Literal["earlier"] = "earlier"
    call_id: str
    before: int


class Watch(WireModel):
    """Receive the transcript of a call; `call_id=None` stops watching."""

    type: Literal["watch"] = "watch"
    call_id: str | None
