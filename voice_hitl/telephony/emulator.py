"""What Twilio does on its side of a media stream, sans-I/O.

`Carrier` builds the messages that Twilio sends and obeys those it receives; `Playback` is the caller's
ear: a buffer that plays on without pause, returns a mark when everything before it has been heard, and on
`clear` drops what was not heard and returns all marks at once.

Times are monotonic seconds given by the caller; inside they are samples (8000 a second) since `origin`.
"""

from __future__ import annotations

import audioop
from binascii import a2b_base64, b2a_base64
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

RATE = 8000  # samples a second, one byte each
FRAME = 160  # bytes: 20 ms
SILENCE = b"\xff" * FRAME
AUDIBLE_RMS = 60  # of 32768 (-55 dBFS): above comfort noise, below any speech
BURST_GAP = 0.15  # seconds of quiet that a burst of speech may hold: stop consonants last 0.1
_MAX_FAULTS = 20


@dataclass(slots=True)
class Burst:
    """A stretch of audible playback, in seconds of the caller's clock."""

    start: float
    end: float


class Playback:
    """The caller's ear from `origin` on; `keep_audio` keeps what was heard for a recording."""

    def __init__(self, origin: float, *, keep_audio: bool = True) -> None:
        self.origin = origin
        self.bursts: list[Burst] = []
        self.received = 0  # bytes of audio
        self.dropped = 0  # bytes that a clear dropped unheard
        self.underruns = 0  # times that the buffer ran dry in the middle of speech
        self._keep_audio = keep_audio
        self._segments: deque[tuple[int, bytes]] = deque()  # unheard or kept: first sample, audio
        self._head = 0  # sample at which the buffer runs dry
        self._marks: deque[tuple[int, str]] = deque()
        self._cut = False  # a clear came since the last audible piece

    def add(self, audio: bytes, now: float) -> None:
        """Queue audio behind what is still to be played; an empty buffer plays it at once."""
        present = self._sample(now)
        start = max(self._head, present)
        gap = (start - self._head) / RATE
        if (
            gap > 0
            and not self._cut
            and self.bursts
            and self._second(self._head) - self.bursts[-1].end < 1 / RATE
            and gap < BURST_GAP
        ):
            self.underruns += 1
        self.received += len(audio)
        self._head = start + len(audio)
        self._segments.append((start, audio))
        if not self._keep_audio:
            while self._segments and _end(self._segments[0]) <= present:
                self._segments.popleft()
        for offset in range(0, len(audio), FRAME):
            piece = audio[offset : offset + FRAME]
            if is_audible(piece):
                self._heard(start + offset, len(piece))

    def mark(self, name: str, now: float) -> None:
        """Remember a mark; it is due when all that was queued before it has been played."""
        self._marks.append((max(self._head, self._sample(now)), name))

    def due(self, now: float) -> list[str]:
        """Marks that playback has reached, in their order; each is returned once."""
        present, reached = self._sample(now), []
        while self._marks and self._marks[0][0] <= present:
            reached.append(self._marks.popleft()[1])
        return reached

    def next_deadline(self) -> float | None:
        """When the next mark is due."""
        return self._second(self._marks[0][0]) if self._marks else None

    def clear(self, now: float) -> list[str]:
        """Drop what was not heard yet; return the marks that were still to come."""
        present = self._sample(now)
        while self._segments and _end(self._segments[-1]) > present:
            start, audio = self._segments.pop()
            kept = max(0, present - start)
            self.dropped += len(audio) - kept
            if kept:
                self._segments.append((start, audio[:kept]))
                break
        self._head = min(self._head, present)
        moment = self._second(present)
        while self.bursts and self.bursts[-1].start >= moment:
            self.bursts.pop()
        if self.bursts:
            self.bursts[-1].end = min(self.bursts[-1].end, moment)
        self._cut = True
        pending = [name for _, name in self._marks]
        self._marks.clear()
        return pending

    def pending_marks(self) -> int:
        """How many marks are still to come."""
        return len(self._marks)

    def playing(self, now: float) -> bool:
        """Whether the buffer holds audio, audible or not."""
        return self._head > self._sample(now)

    def speaking_since(self, now: float) -> float | None:
        """When the burst that is audible now began; None in a pause."""
        if self.bursts and self.bursts[-1].start <= now < self.bursts[-1].end + BURST_GAP:
            return self.bursts[-1].start
        return None

    def quiet_since(self) -> float | None:
        """When the last audible audio ended or will end; None when there was none."""
        return self.bursts[-1].end if self.bursts else None

    def audio(self) -> list[tuple[int, bytes]]:
        """What was heard: (first sample since `origin`, mu-law audio), in order."""
        return list(self._segments)

    def _heard(self, start: int, length: int) -> None:
        first, last = self._second(start), self._second(start + length)
        if self.bursts and not self._cut and first - self.bursts[-1].end <= BURST_GAP:
            self.bursts[-1].end = last
        else:
            self.bursts.append(Burst(first, last))
        self._cut = False

    def _sample(self, now: float) -> int:
        return round((now - self.origin) * RATE)

    def _second(self, sample: int) -> float:
        return self.origin + sample / RATE


class Carrier:
    """Twilio's end of one stream: builds its messages and obeys the server's.

    What the server sends in a wrong form is ignored, as Twilio does, and kept in `faults`.
    """

    def __init__(
        self,
        *,
        stream_sid: str,
        call_sid: str,
        account_sid: str,
        parameters: Mapping[str, str],
        playback: Playback,
    ) -> None:
        self.playback = playback
        self.faults: list[str] = []
        self.clears: list[float] = []
        self.marks_received = 0
        self.marks_returned = 0
        self._stream_sid = stream_sid
        self._call_sid = call_sid
        self._account_sid = account_sid
        self._parameters = dict(parameters)
        self._sequence = 0
        self._chunk = 0
        self._tail = f'"}},"streamSid":"{stream_sid}"}}'

    def opening(self) -> list[str]:
        """`connected` and `start`."""
        start = {
            "accountSid": self._account_sid,
            "streamSid": self._stream_sid,
            "callSid": self._call_sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": RATE, "channels": 1},
            "customParameters": self._parameters,
        }
        return [
            '{"event":"connected","protocol":"Call","version":"1.0.0"}',
            self._message("start", start),
        ]

    def media(self, frame: bytes) -> str:
        """The caller's next 20 ms."""
        self._sequence += 1
        self._chunk += 1
        return (
            f'{{"event":"media","sequenceNumber":"{self._sequence}","media":{{"track":"inbound",'
            f'"chunk":"{self._chunk}","timestamp":"{(self._chunk - 1) * 20}","payload":"'
            f"{b2a_base64(frame, newline=False).decode('ascii')}{self._tail}"
        )

    def dtmf(self, digit: str) -> str:
        """A key press."""
        return self._message("dtmf", {"track": "inbound_track", "digit": digit})

    def stop(self) -> str:
        """The stream is over because the call is."""
        return self._message("stop", {"accountSid": self._account_sid, "callSid": self._call_sid})

    def due(self, now: float) -> list[str]:
        """Messages for the marks that playback has reached."""
        return [self._returned(name) for name in self.playback.due(now)]

    def receive(self, message: str | bytes, now: float) -> list[str]:
        """Obey one message of the server; return what Twilio answers at once."""
        if not isinstance(message, str):
            return self._fault("binary message")
        try:
            document = orjson.loads(message)
        except orjson.JSONDecodeError:
            return self._fault("message is not JSON")
        if type(document) is not dict or document.get("streamSid") != self._stream_sid:
            return self._fault(f"message for another stream: {message[:80]}")
        match document.get("event"):
            case "media":
                return self._media(document.get("media"), now)
            case "mark":
                mark = document.get("mark")
                name = mark.get("name") if type(mark) is dict else None
                if type(name) is not str or not name:
                    return self._fault("mark without a name")
                self.marks_received += 1
                self.playback.mark(name, now)
                return []
            case "clear":
                self.clears.append(now)
                return [self._returned(name) for name in self.playback.clear(now)]
            case event:
                return self._fault(f"unknown event {event!r:.80}")

    def _media(self, media: object, now: float) -> list[str]:
        payload = media.get("payload") if type(media) is dict else None
        if type(payload) is not str:
            return self._fault("media without a payload")
        try:
            audio = a2b_base64(payload, strict_mode=True)
        except ValueError:
            return self._fault("media payload is not base64")
        if not audio:
            return self._fault("media payload is empty")
        self.playback.add(audio, now)
        return []

    def _returned(self, name: str) -> str:
        self.marks_returned += 1
        return self._message("mark", {"name": name})

    def _message(self, event: str, body: Mapping[str, object]) -> str:
        self._sequence += 1
        message = {
            "event": event,
            "sequenceNumber": str(self._sequence),
            event: body,
            "streamSid": self._stream_sid,
        }
        return orjson.dumps(message).decode()

    def _fault(self, what: str) -> list[str]:
        if len(self.faults) < _MAX_FAULTS:
            self.faults.append(what)
        return []


def is_audible(piece: bytes) -> bool:
    """Whether mu-law audio (a few ms) is more than silence or comfort noise."""
    return piece != SILENCE and audioop.rms(audioop.ulaw2lin(piece, 2), 2) > AUDIBLE_RMS


def _end(segment: tuple[int, bytes]) -> int:
    """The sample after a segment's last."""
    return segment[0] + len(segment[1])
