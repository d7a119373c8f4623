"""A caller's line: what comes over one media stream, and the call that it starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from handoff.engine import CallEngine
from handoff.events import CallStarted
from handoff.policy import Policy
from voice_hitl.agent.protocol import Agent
from voice_hitl.call.book import CallBook
from voice_hitl.call.calls import Calls
from voice_hitl.call.egress import Egress
from voice_hitl.call.inbox import DigitCame, StreamClosed
from voice_hitl.call.ingress import Ingress
from voice_hitl.call.journal import Journal
from voice_hitl.call.runner import CallParts, CallRunner
from voice_hitl.call.ticker import Ticker
from voice_hitl.call.vad_service import VadService
from voice_hitl.errors import TelephonyError
from voice_hitl.telephony.media_stream import Dtmf, Mark, Media, MediaStream, Started
from voice_hitl.telephony.tokens import TokenStore

CALLER = "caller"  # the stream parameter that names the caller's number


@dataclass(frozen=True, slots=True)
class LineParts:
    """What every line is made of."""

    calls: Calls
    call_parts: CallParts
    agent: Agent
    policy: Policy
    policy_version: str
    pack: str
    language: str
    journal: Journal
    tokens: TokenStore
    ticker: Ticker
    vad: VadService


class CallerLine:
    """One media stream's session. `send` writes a text message, `close` ends the stream."""

    def __init__(
        self,
        parts: LineParts,
        stream: MediaStream,
        send: Callable[[str], None],
        close: Callable[[], None],
    ) -> None:
        self._parts = parts
        self._stream = stream
        self._send = send
        self._close = close
        self._call: CallRunner | None = None
        self._ingress: Ingress | None = None
        self._egress: Egress | None = None

    def started(self, started: Started) -> None:
        """Admit the stream and start its call; raise `TelephonyError` if it may not come in."""
        parts = self._parts
        clock = parts.call_parts.clock
        now = clock.now()
        token = started.parameters.get("token", "")
        if not parts.tokens.redeem(token, started.call_sid, now):
            raise TelephonyError("no valid token for this call")
        if not parts.calls.has_room():
            raise TelephonyError("no room for a further call")
        fact = CallStarted(
            call_id=started.call_sid,
            caller=started.parameters.get(CALLER, "unknown"),
            pack=parts.pack,
            language=parts.language,
        )
        engine = CallEngine(fact, parts.policy, now)
        book = CallBook(
            fact, engine, clock, parts.journal, parts.call_parts.watcher, parts.policy_version
        )
        self._ingress = Ingress(parts.vad)
        self._egress = Egress(self._stream, self._send, parts.ticker, clock.now)
        self._call = CallRunner(
            parts.call_parts,
            engine,
            parts.agent.converse(started.call_sid, _without_token(started.parameters)),
            self._ingress,
            self._egress,
            book,
            self._close,
        )
        parts.calls.start(self._call)

    def media(self, media: Media) -> None:
        """The caller's audio."""
        if self._ingress is not None:
            self._ingress.media(media.payload, media.timestamp_ms)

    def mark(self, mark: Mark) -> None:
        """Playback reached a mark."""
        if self._egress is not None:
            self._egress.mark(mark.name)

    def dtmf(self, dtmf: Dtmf) -> None:
        """The caller pressed a key."""
        if self._call is not None:
            self._call.post(DigitCame(dtmf.digit))

    def closed(self) -> None:
        """The stream is over, whoever ended it. Idempotent."""
        call, self._call = self._call, None
        if call is not None:
            call.post(StreamClosed())
        if self._ingress is not None:
            self._ingress.close()
        if self._egress is not None:
            self._egress.close()


def _without_token(parameters: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if name != "token"}
