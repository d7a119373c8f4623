"""A client WebSocket over the `websockets` library's own sans-I/O protocol.

Sending and receiving are plain calls without a task or a queue, so that sixty callers fit on a core and
the time a message arrives is the time its bytes did.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from typing import cast

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidURI
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from voice_hitl.errors import TelephonyError


class CarrierSocket(asyncio.Protocol):
    """One connection; `on_message` gets text as `str` and binary as `bytes`.

    `closed` is done when the connection is over, whoever ended it.
    """

    def __init__(self, protocol: ClientProtocol, on_message: Callable[[str | bytes], None]) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        self.bytes_in = 0
        self.bytes_out = 0
        self._protocol = protocol
        self._on_message = on_message
        self._transport: asyncio.Transport | None = None
        self._headers: Mapping[str, str] = {}
        self._parts: list[bytes] = []
        self._is_text = True

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        headers: Mapping[str, str],
        on_message: Callable[[str | bytes], None],
        timeout: float = 10.0,
    ) -> CarrierSocket:
        """Connect and upgrade; raises `TelephonyError` when the server cannot be reached or refuses."""
        loop = asyncio.get_running_loop()
        try:
            uri = parse_uri(url)
        except InvalidURI as error:
            raise TelephonyError(f"stream URL {url!r} is no WebSocket address") from error
        protocol = ClientProtocol(uri, max_size=1 << 20)
        context = ssl.create_default_context() if uri.secure else None
        transport: asyncio.Transport | None = None
        try:
            async with asyncio.timeout(timeout):
                transport, connection = await loop.create_connection(
                    lambda: cls(protocol, on_message), uri.host, uri.port, ssl=context
                )
                connection._upgrade(headers)
                await connection.opened
        except (OSError, TimeoutError) as error:
            if transport is not None:
                transport.abort()
            raise TelephonyError(f"{url}: {str(error) or 'no answer to the upgrade'}") from error
        return connection

    @property
    def close_code(self) -> int | None:
        """Why the connection is over (RFC 6455, 7.4.1); None while it lasts."""
        return self._protocol.close_code

    @property
    def close_reason(self) -> str:
        """The server's words for it."""
        return self._protocol.close_reason or ""

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._protocol.state is State.OPEN

    def send(self, messages: list[str]) -> None:
        """Send text messages in one write; dropped when the connection is over."""
        if not self.is_open or not messages:
            return
        for message in messages:
            self._protocol.send_text(message.encode())
        self._flush()

    def close(self) -> None:
        """Begin the closing handshake; `closed` tells when it is done."""
        if self.is_open:
            self._protocol.send_close(CloseCode.NORMAL_CLOSURE)
            self._flush()

    async def finish(self, timeout: float = 2.0) -> None:
        """Close and wait until the connection is over; one that does not answer is cut."""
        self.close()
        try:
            async with asyncio.timeout(timeout):
                await asyncio.shield(self.closed)
        except TimeoutError:
            self.abort()
            await self.closed

    def abort(self) -> None:
        """Cut the connection without a word, as a network failure does."""
        if self._transport is not None:
            self._transport.abort()

    # --- asyncio.Protocol ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast(
            asyncio.Transport, transport
        )  # uvloop's is one without being a subclass

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self.bytes_in += len(data)
        self._protocol.receive_data(data)
        self._flush()
        self._dispatch()
        if self._protocol.close_expected() and self._transport is not None:
            self._transport.close()

    def eof_received(self) -> None:
        """See `asyncio.Protocol`."""
        self._protocol.receive_eof()
        self._flush()
        self._dispatch()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._protocol.receive_eof()
        if not self.opened.done():
            self.opened.set_exception(ConnectionError(f"the upgrade was cut off ({exc})"))
        if not self.closed.done():
            self.closed.set_result(None)

    def _upgrade(self, headers: Mapping[str, str]) -> None:
        request = self._protocol.connect()
        for name, value in headers.items():
            request.headers[name] = value
        self._protocol.send_request(request)
        self._flush()

    def _flush(self) -> None:
        chunks = self._protocol.data_to_send()
        data = b"".join(chunks)
        if self._transport is None or self._transport.is_closing():
            return
        if data:
            self.bytes_out += len(data)
            self._transport.write(data)
        if chunks and chunks[-1] == b"" and self._transport.can_write_eof():
            self._transport.write_eof()

    def _dispatch(self) -> None:
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._frame(event)
            elif isinstance(event, Response) and not self.opened.done():
                self._answered(event)

    def _answered(self, response: Response) -> None:
        if self._protocol.handshake_exc is None:
            self.opened.set_result(None)
            return
        body = bytes(response.body or b"").decode("utf-8", "replace").strip()
        self.opened.set_exception(
            ConnectionRefusedError(f"upgrade refused: HTTP {response.status_code} {body}".strip())
        )

    def _frame(self, frame: Frame) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._is_text = frame.opcode is Opcode.TEXT
            self._parts = [bytes(frame.data)]
        elif frame.opcode is Opcode.CONT:
            self._parts.append(bytes(frame.data))
        else:
            return
        if frame.fin:
            message = b"".join(self._parts)
            self._on_message(message.decode("utf-8", "replace") if self._is_text else message)
