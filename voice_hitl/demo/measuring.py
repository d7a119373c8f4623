"""What a caller and an operator would have noticed, from their own ends of the line.

Both run on the event loop's clock of this process, so moments at either end compare. Figures include the
loopback network and the simulators' own scheduling, some milliseconds on a busy machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from voice_hitl.demo.operators import FRAME, PERIOD, Bridge
from voice_hitl.simulate.record import CallRecord, Utterance
from voice_hitl.simulate.verify import contains_clip

RATE = 8000
_BARGE_WINDOW = 2.0  # seconds in which a `clear` belongs to the interruption
_DISTINCT = 20  # different bytes in a frame that make it one of a kind


@dataclass(frozen=True, slots=True)
class Content:
    """Whether a recording reached the other end, judged by its sound (see `simulate.verify`)."""

    direction: str  # "to_caller" | "to_operator"
    clip: str
    score: float


def responses(record: CallRecord, handed: Sequence[tuple[float, float]]) -> Iterator[float]:
    """Milliseconds from the end of each caller's speech to the first answer that they heard.

    Left out: what was said to a person or while one was called (`handed`, spans on the loop's clock), and
    recordings that were cut off or that nobody could understand.
    """
    for utterance in record.utterances:
        end = utterance.speech_end
        if utterance.latency is None or utterance.cut or not utterance.text:
            continue
        if not any(start <= end <= stop for start, stop in handed):
            yield utterance.latency * 1000.0


def barge_ins(record: CallRecord) -> Iterator[float]:
    """Milliseconds from the start of each interruption to the `clear` that silenced the agent."""
    for utterance in record.utterances:
        start = utterance.speech[0][0] if utterance.speech else utterance.started
        if not any(burst.start < start < burst.end for burst in record.bursts):
            continue
        cleared = next((at for at in record.clears if start <= at <= start + _BARGE_WINDOW), None)
        if cleared is not None:
            yield (cleared - start) * 1000.0


def bridge_time(record: CallRecord, bridge: Bridge) -> float | None:
    """Milliseconds from "take it" to the operator's first frame in the caller's ear; None if not found."""
    for number, (_, frame) in enumerate(bridge.sent):
        at = _heard_at(record, frame)
        if at is not None:
            return (at - number * PERIOD - bridge.accepted_at) * 1000.0
    return None


def ages_out(record: CallRecord, bridge: Bridge) -> Iterator[float]:
    """Milliseconds from each of the operator's frames leaving to the caller hearing it."""
    for sent_at, frame in bridge.sent:
        at = _heard_at(record, frame)
        if at is not None:
            yield (at - sent_at) * 1000.0


def ages_in(record: CallRecord, bridge: Bridge) -> Iterator[float]:
    """Milliseconds from each of the caller's frames leaving to the operator receiving it."""
    if record.origin is None:
        return
    sent: dict[bytes, float] = {}
    for number in range(len(record.said) // FRAME):
        frame = record.said[number * FRAME : (number + 1) * FRAME]
        # A frame leaves when its sound is complete. Looped noise repeats: such frames tell nothing.
        left = record.origin + (number + 1) * PERIOD
        sent[frame] = -1.0 if frame in sent else left
    for arrived, frame in bridge.heard:
        left = sent.get(frame, -1.0)
        if left >= 0 and _distinct(frame):
            yield (arrived - left) * 1000.0


def contents(
    record: CallRecord, bridges: Sequence[Bridge], clips: dict[str, bytes]
) -> list[Content]:
    """Look for the operator's words at the caller's end and for the caller's at the operator's.

    `clips`: the callers' recordings by name, mu-law.
    """
    found = []
    for bridge in bridges:
        if bridge.clip and bridge.opened_at is not None:
            score = contains_clip(record.heard, bridge.clip)
            found.append(Content("to_caller", f"{bridge.operator}'s words", round(score, 3)))
        for utterance in said_during(record, bridge):
            score = contains_clip(bridge.heard_audio, clips[utterance.name])
            found.append(Content("to_operator", utterance.name, round(score, 3)))
    return found


def said_during(record: CallRecord, bridge: Bridge) -> list[Utterance]:
    """The recordings that the caller began and ended while this operator was on the line."""
    if bridge.opened_at is None or bridge.ended_at is None:
        return []
    return [
        utterance
        for utterance in record.utterances
        if bridge.opened_at <= utterance.started and utterance.speech_end <= bridge.ended_at
    ]


def _heard_at(record: CallRecord, frame: bytes) -> float | None:
    """When the caller heard exactly this frame begin."""
    if record.origin is None or not _distinct(frame):
        return None
    place = record.heard.find(frame)
    return None if place < 0 else record.origin + place / RATE


def _distinct(frame: bytes) -> bool:
    return len(set(frame)) >= _DISTINCT
