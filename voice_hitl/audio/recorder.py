"""A call as a stereo WAV: left the caller, right what the caller hears, both at their true times.

Sans-I/O: frames go in with their times, the bytes of the file come out. What the caller hears is known
in advance (frames are sent ahead) and may be taken back by a barge-in, so bytes are given out only once
they are `HOLD` old.
"""

from __future__ import annotations

import struct

from voice_hitl.audio.g711 import RATE, SILENCE

HOLD = 2.0  # seconds; more than the pacer's lead and the network together
HEADER_BYTES = 58
_MULAW = 7  # WAVE_FORMAT_MULAW
_CHANNELS = 2
_LIMIT = 0xFFFFFFFF


def wav_header(data_bytes: int) -> bytes:
    """The header of a stereo 8 kHz mu-law WAV with that much data (RIFF with `fmt `, `fact`, `data`)."""
    size = min(data_bytes, _LIMIT - HEADER_BYTES)
    return struct.pack(
        "<4sI4s4sIHHIIHHH4sII4sI",
        b"RIFF",
        HEADER_BYTES - 8 + size + size % 2,
        b"WAVE",
        b"fmt ",
        18,
        _MULAW,
        _CHANNELS,
        RATE,
        RATE * _CHANNELS,
        _CHANNELS,
        8,
        0,
        b"fact",
        4,
        size // _CHANNELS,
        b"data",
        size,
    )


class StereoRecorder:
    """Collects one call. Times are monotonic seconds; `start` is the recording's second 0."""

    __slots__ = ("_caller", "_done", "_heard", "_start")

    def __init__(self, start: float) -> None:
        self._start = start
        self._done = 0  # samples already given out
        self._caller = bytearray()
        self._heard = bytearray()

    def caller(self, at: float, ulaw: bytes) -> None:
        """The caller's sound that began at time `at`; earlier sound at the same place is replaced."""
        self._place(self._caller, at, ulaw)

    def heard(self, at: float, ulaw: bytes) -> None:
        """Sound that the caller begins to hear at time `at`."""
        self._place(self._heard, at, ulaw)

    def cut(self, at: float) -> None:
        """From time `at` on the caller hears nothing of what was announced by `heard`."""
        del self._heard[max(0, self._sample(at)) :]

    def take(self, now: float, *, final: bool = False) -> bytes:
        """Interleaved mu-law to append to the file: all that can change no more, or everything.

        `final` ends the recording at `now`.
        """
        count = max(0, self._sample(now if final else now - HOLD))
        if final:
            count = max(count, len(self._caller), len(self._heard))
        if not count:
            return b""
        pair = bytearray(2 * count)
        for channel, sound in enumerate((self._caller, self._heard)):
            part = sound[:count]
            pair[channel::2] = part + SILENCE * (count - len(part))
            del sound[:count]
        self._done += count
        return bytes(pair)

    def _sample(self, at: float) -> int:
        return round((at - self._start) * RATE) - self._done

    def _place(self, channel: bytearray, at: float, ulaw: bytes) -> None:
        position = self._sample(at)
        if position < 0:
            ulaw = ulaw[-position:]
            position = 0
        if position > len(channel):
            channel += SILENCE * (position - len(channel))
        channel[position : position + len(ulaw)] = ulaw
