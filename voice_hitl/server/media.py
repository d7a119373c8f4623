"""The media WebSocket: `GET /twilio/media`.

aiohttp makes the handshake; then the connection's transport is handed to `MediaConnection`, an asyncio
protocol that reads frames and calls the session directly: no task, no queue and no future a message, which
is a third of what a frame costs the server. Sending is one `transport.write`, which never blocks.

A peer that goes silent is pinged after `QUIET` seconds and given up after twice that; one that does not read
is given up when `BACKLOG` bytes have waited for `STALLED` seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from aiohttp import web

from voice_hitl.errors import TelephonyError
from voice_hitl.log import get_logger
from voice_hitl.server import frames
from voice_hitl.telephony.media_stream import (
    MAX_MESSAGE,
    Dtmf,
    Mark,
    Media,
    MediaStream,
    Started,
    Stopped,
    StreamEvent,
    Violation,
)

log = get_logger(__name__)

QUIET = 15.0  # seconds without a byte; Twilio sends 50 messages a second
START_WITHIN = 10.0  # seconds from the handshake to `start`
BACKLOG = 64 * 1024  # bytes: 4 s of audio that the peer has not taken
STALLED = 3.0  # seconds
CLOSING = 2.0  # seconds to wait for the peer's close frame


class StreamSession(Protocol):
    """What a media stream drives: one object a connection, called in the reader, never awaited.

    `on_started` comes first and once; it refuses the stream (bad token, unknown call) by raising
    `TelephonyError`, which closes it with 1008. `on_stopped` comes when Twilio says that the call is over.
    `closed` comes last and exactly once, whatever happened, also when nothing started. Unless the caller hung
    up or the server closed, it is given what failed: an error that a method raised (which closes the stream
    with 1011), or `TelephonyError` for broken messages, for a peer that reads nothing or says nothing, and
    for a stream that is gone without `stop`: its caller may still be there.
    """

    def on_started(self, started: Started, connection: MediaConnection) -> None:
        """The stream is there; keep `connection` to answer."""

    def on_media(self, media: Media) -> None:
        """20 ms of the caller."""

    def on_mark(self, name: str) -> None:
        """A mark came back."""

    def on_dtmf(self, digit: str) -> None:
        """The caller pressed a key."""

    def on_stopped(self) -> None:
        """The caller hung up, or the call was sent elsewhere."""

    def closed(self, error: Exception | None = None) -> None:
        """The connection is gone, by `error` if it failed."""


async def media_socket(
    request: web.Request, open_session: Callable[[], StreamSession]
) -> web.StreamResponse:
    """Serve one media stream until it ends. Check the upgrade (signature, origin) before this."""
    response = web.WebSocketResponse(compress=False)
    await response.prepare(request)
    transport = request.transport
    if transport is None:  # gone during the handshake
        return response
    connection = MediaConnection(open_session(), transport, request.protocol)
    try:
        await connection.serve()
    finally:
        connection.abort()
    return response


class MediaConnection(asyncio.Protocol):
    """One Media Streams connection: the transport's protocol, and the session's way to answer."""

    def __init__(
        self, session: StreamSession, transport: asyncio.Transport, http: asyncio.BaseProtocol
    ) -> None:
        self.stream = MediaStream()
        self._session = session
        self._transport = transport
        self._http = http  # aiohttp's protocol: it must hear of the end, to forget the connection
        self._loop = asyncio.get_running_loop()
        self._gone: asyncio.Future[None] = self._loop.create_future()
        self._reader = frames.FrameReader(MAX_MESSAGE)
        self._heard = 0.0  # when bytes last came
        self._watch: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._closing = False
        self._on_air = False  # started, and not stopped
        self._over = False
        self._error: Exception | None = None  # what made the connection unfit

    async def serve(self) -> None:
        """Take over the transport; return when the connection is gone."""
        now = self._loop.time()
        self._heard = now
        self._watch = self._loop.call_at(now + START_WITHIN, self._check_started)
        self._transport.set_write_buffer_limits(high=BACKLOG)
        self._transport.set_protocol(self)
        if self._transport.is_closing():
            return
        await self._gone

    # --- the session's side -------------------------------------------------------------------

    def send(self, text: str) -> None:
        """Write one text message; never blocks, and does nothing once the connection is closing."""
        if not self._closing:
            self._transport.write(frames.frame(frames.TEXT, text.encode()))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye and close; the session's `closed` follows. Idempotent."""
        if self._closing:
            return
        self._closing = True
        self._transport.write(frames.close_frame(code, reason))
        self._cancel(self._watch)
        self._watch = self._loop.call_later(CLOSING, self.abort)

    def abort(self) -> None:
        """Drop the connection at once; what was not sent yet is lost. Idempotent."""
        self._closing = True
        if not self._over:
            self._transport.abort()
            self._end()

    # --- asyncio.Protocol ---------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Frames come in."""
        self._heard = self._loop.time()
        if self._reader.broken:  # whatever comes now answers our goodbye
            self._transport.close()
            return
        try:
            for opcode, payload in self._reader.feed(data):
                if opcode == frames.TEXT:
                    if self._closing:
                        continue
                    for event in self.stream.receive(payload.decode()):
                        self._dispatch(event)
                else:
                    self._control(opcode, payload)
        except frames.FrameError as error:
            self._fail(TelephonyError(error.reason), error.code, error.reason)
        except UnicodeDecodeError as error:
            self._fail(error, 1007, "a text message is not UTF-8")

    def pause_writing(self) -> None:
        """The peer does not read."""
        self._stalled = self._loop.call_later(STALLED, self._give_up)
        self._http.pause_writing()

    def resume_writing(self) -> None:
        """It does again."""
        self._cancel(self._stalled)
        self._http.resume_writing()

    def eof_received(self) -> bool:
        """The peer sends no more: the connection is closed."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone."""
        self._broke_off()
        self._closing = True
        self._end()
        self._http.connection_lost(exc)

    # --- within -------------------------------------------------------------------------------

    def _dispatch(self, event: StreamEvent) -> None:
        try:
            if type(event) is Media:
                self._session.on_media(event)
            elif isinstance(event, Mark):
                self._session.on_mark(event.name)
            elif isinstance(event, Started):
                self._started(event)
            elif isinstance(event, Dtmf):
                self._session.on_dtmf(event.digit)
            elif isinstance(event, Stopped):
                self._on_air = False
                self._session.on_stopped()
            elif isinstance(event, Violation):
                log.warning("stream_violation", code=event.close_code, why=event.reason)
                self._fail(TelephonyError(event.reason), event.close_code, event.reason)
        except Exception as error:  # one call's fault must not reach the others
            log.exception("session_failed", call_sid=self.stream.call_sid, exc_info=error)
            self._fail(error, 1011, "internal error")

    def _fail(self, error: Exception, code: int, reason: str) -> None:
        """The stream cannot go on, by no wish of the caller's."""
        if not self._closing:
            self._error = error
        self.close(code, reason)

    def _started(self, event: Started) -> None:
        try:
            self._session.on_started(event, self)
        except TelephonyError as error:
            log.warning("stream_refused", call_sid=event.call_sid, why=str(error))
            self.close(1008, str(error))
            return
        self._on_air = True
        self._cancel(self._watch)
        self._watch = self._loop.call_later(QUIET, self._check_alive)

    def _broke_off(self) -> None:
        """The peer is gone; neither the caller nor the server has ended the stream before."""
        if self._on_air and not self._closing:
            self._error = TelephonyError("the stream broke off")

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == frames.PING:
            if not self._closing:
                self._transport.write(frames.frame(frames.PONG, payload))
        elif opcode == frames.CLOSE:
            self._broke_off()
            self.close(min(frames.close_code(payload), 4999) if len(payload) > 1 else 1000)
            self._transport.close()
        elif opcode == frames.BINARY and not self._closing:
            for event in self.stream.receive(payload):
                self._dispatch(event)

    def _check_started(self) -> None:
        self.close(1008, f"no start within {START_WITHIN:g} s")

    def _check_alive(self) -> None:
        silent = self._loop.time() - self._heard
        if silent >= 2 * QUIET:
            log.warning("stream_silent", call_sid=self.stream.call_sid, seconds=round(silent, 1))
            self._drop("the stream fell silent")
            return
        if silent >= QUIET:
            self._transport.write(frames.frame(frames.PING, b""))
        self._watch = self._loop.call_later(QUIET, self._check_alive)

    def _give_up(self) -> None:
        log.warning("stream_stalled", call_sid=self.stream.call_sid, backlog=BACKLOG)
        self._drop("the peer reads nothing")

    def _drop(self, why: str) -> None:
        if not self._closing:
            self._error = TelephonyError(why)
        self.abort()

    def _end(self) -> None:
        """Tell the session, once, and free the handler."""
        if self._over:
            return
        self._over = True
        self._cancel(self._watch)
        self._cancel(self._stalled)
        try:
            self._session.closed(self._error)
        finally:
            if not self._gone.done():
                self._gone.set_result(None)

    @staticmethod
    def _cancel(timer: asyncio.TimerHandle | None) -> None:
        if timer is not None:
            timer.cancel()
