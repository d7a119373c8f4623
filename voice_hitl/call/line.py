"""A caller's line: what comes over one media stream, and the call that it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from handoff.events import CallStarted
from handoff.policy import Policy
from handoff.risk import Models
from voice_hitl.agent.protocol import Agent
from voice_hitl.call.book import CallBook
from voice_hitl.call.calls import Calls
from voice_hitl.call.egress import Egress
from voice_hitl.call.inbox import DigitCame, StreamClosed
from voice_hitl.call.ingress import Ingress
from voice_hitl.call.journal import Journal
from voice_hitl.call.loopback import LoopbackCall
from voice_hitl.call.parts import CallParts
from voice_hitl.call.runner import CallRunner
from voice_hitl.call.ticker import Ticker
from voice_hitl.call.vad_service import VadService
from voice_hitl.call.whole_turns import WholeTurnsEngine
from voice_hitl.clock import Clock
from voice_hitl.errors import TelephonyError
from voice_hitl.telephony.media_stream import Media, MediaStream, Started
from voice_hitl.telephony.tokens import TokenStore
from voice_hitl.telephony.twiml import TOKEN_PARAMETER

CALLER = "caller"  # the stream parameter that names the caller's number


@dataclass(frozen=True, slots=True)
class LineParts:
    """What every line is made of."""

    calls: Calls
    call_parts: CallParts
    agent: Agent
    policy: Policy
    models: Models
    model_version: str  # of what was learned; empty: the shipped models
    pack: str
    language: str
    journal: Journal
    tokens: TokenStore
    ticker: Ticker
    vad: VadService


class Connection(Protocol):
    """The line's way to answer: `server.media.MediaConnection`."""

    stream: MediaStream

    def send(self, text: str) -> None:
        """Write one text message; never blocks."""

    def close(self, code: int = 1000, reason: str = "") -> None:
        """End the stream. Idempotent."""


class CallerLine:
    """The session of one media stream; see `server.media.StreamSession`."""

    def __init__(self, parts: LineParts) -> None:
        self._parts = parts
        self._call: CallRunner | None = None
        self._ingress: Ingress | None = None
        self._egress: Egress | None = None

    def on_started(self, started: Started, connection: Connection) -> None:
        """Admit the stream and start its call; raise `TelephonyError` if it may not come in."""
        parts = self._parts
        clock = parts.call_parts.clock
        now = clock.now()
        _redeem(parts.tokens, started, now)
        if parts.calls.knows(started.call_sid):
            raise TelephonyError("this call has had its stream")
        if not parts.calls.has_room():
            raise TelephonyError("no room for a further call")
        fact = CallStarted(
            call_id=started.call_sid,
            caller=started.parameters.get(CALLER, "unknown"),
            pack=parts.pack,
            language=parts.language,
        )
        engine = WholeTurnsEngine(fact, parts.policy, now, parts.models)
        book = CallBook(
            fact,
            engine,
            clock,
            parts.journal,
            parts.call_parts.watcher,
            parts.policy.version,
            parts.model_version,
        )
        self._ingress = Ingress(parts.vad)
        self._egress = Egress(connection.stream, connection.send, parts.ticker, clock.now)
        self._call = CallRunner(
            parts.call_parts,
            engine,
            parts.agent.converse(started.call_sid, _without_token(started.parameters)),
            self._ingress,
            self._egress,
            book,
            connection.close,
        )
        parts.calls.start(self._call)

    def on_media(self, media: Media) -> None:
        """The caller's audio."""
        if self._ingress is not None:
            self._ingress.media(media.payload, media.timestamp_ms)

    def on_mark(self, name: str) -> None:
        """Playback reached a mark."""
        if self._egress is not None:
            self._egress.mark(name)

    def on_dtmf(self, digit: str) -> None:
        """The caller pressed a key."""
        if self._call is not None:
            self._call.post(DigitCame(digit))

    def on_stopped(self) -> None:
        """The caller hung up."""
        self.closed()

    def closed(self, error: Exception | None = None) -> None:
        """The stream is over: the caller hung up, or `error` broke it while they were on. Idempotent."""
        call, self._call = self._call, None
        if call is not None and error is not None:
            call.fail(error)
        elif call is not None:
            call.post(StreamClosed())
        ingress, self._ingress = self._ingress, None
        if ingress is not None:
            ingress.close()
        egress, self._egress = self._egress, None
        if egress is not None:
            egress.close()


def _without_token(parameters: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if name != TOKEN_PARAMETER}


class LoopbackLine:
    """The session of a media stream that hears itself (`serve --loopback`)."""

    def __init__(
        self,
        tokens: TokenStore,
        vad: VadService,
        ticker: Ticker,
        clock: Clock,
        live: set[LoopbackLine],
    ) -> None:
        """`live` has it while its stream is open."""
        self._live = live
        self._tokens = tokens
        self._vad = vad
        self._ticker = ticker
        self._clock = clock
        self._call: LoopbackCall | None = None

    def on_started(self, started: Started, connection: Connection) -> None:
        """Start the echo; raise `TelephonyError` if the stream may not come in."""
        _redeem(self._tokens, started, self._clock.now())
        self._live.add(self)
        self._call = LoopbackCall(
            started.call_sid,
            connection.stream,
            connection.send,
            self._vad,
            self._ticker,
            self._clock.now,
        )

    def on_media(self, media: Media) -> None:
        """The caller's audio."""
        if self._call is not None:
            self._call.media(media.payload, media.timestamp_ms)

    def on_mark(self, name: str) -> None:
        """No marks are sent."""

    def on_dtmf(self, digit: str) -> None:
        """Keys mean nothing here."""

    def on_stopped(self) -> None:
        """The caller hung up."""
        self.closed()

    def closed(self, error: Exception | None = None) -> None:
        """The stream is over. Idempotent."""
        self._live.discard(self)
        if self._call is not None:
            self._call.close()


def _redeem(tokens: TokenStore, started: Started, now: float) -> None:
    if not tokens.redeem(started.parameters.get(TOKEN_PARAMETER, ""), started.call_sid, now):
        raise TelephonyError("no valid token for this call")
