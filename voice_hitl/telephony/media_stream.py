"""Twilio Media Streams, sans-I/O: text messages in, events out; frames, marks and clears encoded.

One `MediaStream` lives as long as one WebSocket. `receive` never raises, whatever the peer sends.

What bad input gets (no caller loses a call because of one odd message; a stranger gets nothing):

==============================================  =================================================
message                                         effect
==============================================  =================================================
over 64 KiB                                     `Violation` 1009 (the transport cannot go on)
binary, not JSON, not an object, `event` no     before `start`: `Violation` (1003, 1007 or 1008);
string                                          after it: counted as bad, ignored
`start` without usable sids                     `Violation` 1008
`start` with another audio format               `Violation` 1003
a second `start`                                same stream: counted, ignored; else `Violation` 1008
`media`, `mark`, `dtmf` of a wrong shape,       counted as bad, ignored
payload no base64 or empty
another stream's sid, the outbound track        counted as foreign, ignored
unknown event                                   counted as unknown, ignored
anything before `start` or after `stop`         counted as misplaced, ignored
`BAD_LIMIT` bad messages in a row               `Violation` 1008
==============================================  =================================================

Numbers are accepted as numbers or as strings of digits. A missing or unusable timestamp is replaced
by the time where the last frame ended; a missing sid is taken as this stream's (one socket carries one
stream).

Message shapes: https://www.twilio.com/docs/voice/media-streams/websocket-messages
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

import orjson

from voice_hitl.errors import TelephonyError
from voice_hitl.telephony.fields import is_mulaw, is_sid, json_text, number_of, text_of

MAX_MESSAGE = 64 * 1024  # bytes; a 20 ms media message has about 400
BAD_LIMIT = 250  # bad messages in a row: 5 s of audio at 50 messages a second
BYTES_PER_MS = 8  # mu-law at 8 kHz


@dataclass(frozen=True, slots=True)
class Connected:
    """The WebSocket speaks Media Streams; nothing is known of the call yet."""

    protocol: str
    version: str


@dataclass(frozen=True, slots=True)
class Started:
    """The stream's identity and what the TwiML's `<Parameter>`s said."""

    stream_sid: str
    call_sid: str
    account_sid: str  # "" when absent
    parameters: Mapping[str, str]
    tracks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Media:
    """The caller's audio: mu-law, 8 kHz, mono."""

    payload: bytes  # at least 1 byte; 160 bytes = 20 ms from Twilio
    timestamp_ms: int  # of the first sample, from the stream's start, >= 0
    chunk: int | None = None
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """Playback reached a mark, or a `clear` returned it unplayed."""

    name: str


@dataclass(frozen=True, slots=True)
class Dtmf:
    """The caller pressed a key."""

    digit: str  # one of 0-9 * # A-D


@dataclass(frozen=True, slots=True)
class Stopped:
    """The stream is over: the caller hung up or the call was sent elsewhere."""


@dataclass(frozen=True, slots=True)
class Violation:
    """The peer broke the protocol so badly that the socket must be closed."""

    close_code: int  # RFC 6455, 7.4.1
    reason: str  # at most 123 bytes


StreamEvent = Connected | Started | Media | Mark | Dtmf | Stopped | Violation


@dataclass(slots=True)
class StreamCounters:
    """How many messages of each sort came; `bad` counts those of a wrong form."""

    messages: int = 0
    media: int = 0
    bad: int = 0
    foreign: int = 0
    unknown: int = 0
    misplaced: int = 0


class _State(Enum):
    WAITING = auto()
    RUNNING = auto()
    STOPPED = auto()
    VIOLATED = auto()


class MediaStream:
    """One Media Streams connection, seen from the server."""

    __slots__ = (
        "_bad_in_a_row",
        "_clear",
        "_mark_head",
        "_media_head",
        "_next_ms",
        "_state",
        "call_sid",
        "counters",
        "stream_sid",
    )

    def __init__(self) -> None:
        self.stream_sid = ""
        self.call_sid = ""
        self.counters = StreamCounters()
        self._state = _State.WAITING
        self._bad_in_a_row = 0
        self._next_ms = 0
        self._media_head = ""
        self._mark_head = ""
        self._clear = ""

    def receive(self, message: str | bytes) -> list[StreamEvent]:
        """Take one WebSocket message (text as `str`, binary as `bytes`) and say what it means.

        Never raises. After a `Violation` every further message is ignored.
        """
        counters = self.counters
        counters.messages += 1
        if self._state is _State.VIOLATED:
            return []
        size = len(message)
        if size > MAX_MESSAGE or (
            isinstance(message, str)
            and not message.isascii()
            and len(message.encode("utf-8", "replace")) > MAX_MESSAGE
        ):
            counters.bad += 1
            return self._violate(1009, f"message over {MAX_MESSAGE} bytes")
        if not isinstance(message, str):
            return self._bad(1003, "binary message")
        try:
            document = orjson.loads(message)
        except orjson.JSONDecodeError:
            return self._bad(1007, "message is not JSON")
        if type(document) is not dict:
            return self._bad(1008, "message is not a JSON object")
        event = document.get("event")
        if event == "media":
            return self._media(document)
        if type(event) is not str:
            return self._bad(1008, "message without an event name")
        return self._other(event, document)

    def encode_media(self, frame: bytes) -> str:
        """One `media` message with mu-law audio for the caller.

        Raises `TelephonyError` before `Started`, as all `encode_…` do.
        """
        if not self._media_head:
            raise TelephonyError("the media stream has not started: nothing can be sent yet")
        return f'{self._media_head}{b2a_base64(frame, newline=False).decode("ascii")}"}}}}'

    def encode_mark(self, name: str) -> str:
        """A mark that comes back when playback reaches it."""
        if not self._mark_head:
            raise TelephonyError("the media stream has not started: nothing can be sent yet")
        return f"{self._mark_head}{json_text(name)}}}}}"

    def encode_clear(self) -> str:
        """Drop all audio that the caller has not heard yet; pending marks come back."""
        if not self._clear:
            raise TelephonyError("the media stream has not started: nothing can be sent yet")
        return self._clear

    # --- one event each -----------------------------------------------------------------------

    def _media(self, document: dict[str, object]) -> list[StreamEvent]:
        if not self._running(document):
            return []
        media = document.get("media")
        if type(media) is not dict:
            return self._bad(1008, "media without its object")
        track = media.get("track", "inbound")
        if track != "inbound":
            self.counters.foreign += 1
            return []
        encoded = media.get("payload")
        if type(encoded) is not str:
            return self._bad(1008, "media without a payload")
        try:
            payload = a2b_base64(encoded, strict_mode=True)
        except ValueError:  # binascii.Error is one; non-ASCII text raises a plain one
            return self._bad(1008, "media payload is not base64")
        if not payload:
            return self._bad(1008, "media payload is empty")
        timestamp = number_of(media.get("timestamp"))
        if timestamp is None:
            timestamp = self._next_ms
        self._next_ms = timestamp + len(payload) // BYTES_PER_MS
        self.counters.media += 1
        self._bad_in_a_row = 0
        return [
            Media(
                payload,
                timestamp,
                number_of(media.get("chunk")),
                number_of(document.get("sequenceNumber")),
            )
        ]

    def _other(self, event: str, document: dict[str, object]) -> list[StreamEvent]:
        match event:
            case "connected":
                if self._state is not _State.WAITING:
                    self.counters.misplaced += 1
                    return []
                protocol = text_of(document.get("protocol")) or ""
                return [Connected(protocol, text_of(document.get("version")) or "")]
            case "start":
                return self._start(document)
            case "mark":
                return self._mark(document)
            case "dtmf":
                return self._dtmf(document)
            case "stop":
                if not self._running(document):
                    return []
                self._state = _State.STOPPED
                return [Stopped()]
            case _:
                self.counters.unknown += 1
                return []

    def _start(self, document: dict[str, object]) -> list[StreamEvent]:
        if self._state is _State.STOPPED:
            self.counters.misplaced += 1
            return []
        start = document.get("start")
        if type(start) is not dict:
            return self._bad(1008, "start without its object")
        outer = document.get("streamSid")
        stream_sid = start.get("streamSid", outer)
        if not is_sid(stream_sid) or (outer is not None and outer != stream_sid):
            return self._bad(1008, "start without a usable streamSid")
        if self._state is _State.RUNNING:
            self.counters.misplaced += 1
            if stream_sid == self.stream_sid:
                return []
            return self._violate(1008, "a second stream on the same socket")
        call_sid = start.get("callSid")
        if not is_sid(call_sid):
            return self._bad(1008, "start without a usable callSid")
        if not is_mulaw(start.get("mediaFormat")):
            return self._bad(1003, "audio format is not mono audio/x-mulaw at 8000 Hz")
        account = start.get("accountSid")
        tracks = start.get("tracks")
        self._state = _State.RUNNING
        self._bad_in_a_row = 0
        self.stream_sid, self.call_sid = stream_sid, call_sid
        sid = json_text(stream_sid)
        self._media_head = f'{{"event":"media","streamSid":{sid},"media":{{"payload":"'
        self._mark_head = f'{{"event":"mark","streamSid":{sid},"mark":{{"name":'
        self._clear = f'{{"event":"clear","streamSid":{sid}}}'
        return [
            Started(
                stream_sid,
                call_sid,
                account if is_sid(account) else "",
                self._parameters(start.get("customParameters")),
                tuple(t for t in tracks if type(t) is str) if type(tracks) is list else (),
            )
        ]

    def _parameters(self, given: object) -> dict[str, str]:
        if given is None:
            return {}
        if type(given) is not dict:
            self.counters.bad += 1
            return {}
        known = {
            name: text for name, value in given.items() if (text := text_of(value)) is not None
        }
        self.counters.bad += len(given) - len(known)
        return known

    def _mark(self, document: dict[str, object]) -> list[StreamEvent]:
        if not self._running(document):
            return []
        mark = document.get("mark")
        name = text_of(mark.get("name")) if type(mark) is dict else None
        if name is None:
            return self._bad(1008, "mark without a name")
        self._bad_in_a_row = 0
        return [Mark(name)]

    def _dtmf(self, document: dict[str, object]) -> list[StreamEvent]:
        if not self._running(document):
            return []
        dtmf = document.get("dtmf")
        digit = text_of(dtmf.get("digit")) if type(dtmf) is dict else None
        if digit is None or len(digit) != 1 or digit not in "0123456789*#ABCD":
            return self._bad(1008, "dtmf without a digit")
        self._bad_in_a_row = 0
        return [Dtmf(digit)]

    # --- judging ------------------------------------------------------------------------------

    def _running(self, document: dict[str, object]) -> bool:
        if self._state is not _State.RUNNING:
            self.counters.misplaced += 1
            return False
        sid = document.get("streamSid")
        if sid is not None and sid != self.stream_sid:
            self.counters.foreign += 1
            return False
        return True

    def _bad(self, close_code: int, reason: str) -> list[StreamEvent]:
        self.counters.bad += 1
        if self._state is _State.WAITING:
            return self._violate(close_code, reason)
        self._bad_in_a_row += 1
        if self._bad_in_a_row >= BAD_LIMIT:
            return self._violate(1008, f"{BAD_LIMIT} bad messages in a row, the last: {reason}")
        return []

    def _violate(self, close_code: int, reason: str) -> list[StreamEvent]:
        self._state = _State.VIOLATED
        return [Violation(close_code, reason)]
