"""The receiving side of RFC 6455 for a server, sans-I/O, and the few frames that it sends.

Made for many small text messages: a whole unfragmented frame costs one slice and one exclusive-or over a
big integer. No extensions.
"""

from __future__ import annotations

from voice_hitl.errors import TelephonyError

TEXT = 0x1
BINARY = 0x2
CLOSE = 0x8
PING = 0x9
PONG = 0xA

_CONTINUATION = 0x0
_FIN = 0x80
_RESERVED = 0x70
_MASKED = 0x80
_MAX_CONTROL = 125


class FrameError(TelephonyError):
    """The peer broke the framing; `code` is the close code (RFC 6455, 7.4.1)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class FrameReader:
    """Bytes in, messages out. After a `FrameError` it takes nothing more."""

    __slots__ = ("_fragments", "_limit", "_opcode", "_rest", "_size", "broken")

    def __init__(self, limit: int) -> None:
        """Refuse messages of more than `limit` bytes."""
        self._limit = limit
        self._rest = b""
        self._opcode = 0  # of the message whose fragments are being collected; 0: none is
        self._fragments: list[bytes] = []
        self._size = 0
        self.broken = False

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Take received bytes; return whole messages as (opcode, payload), control frames included.

        Raises `FrameError`; messages of the same bytes that came before the error are lost with it.
        """
        if self.broken:
            return []
        if self._rest:
            data = self._rest + data
        messages: list[tuple[int, bytes]] = []
        position = 0
        try:
            while True:
                message, position, more = self._frame(data, position)
                if message is not None:
                    messages.append(message)
                if not more:
                    break
        except FrameError:
            self.broken = True
            raise
        self._rest = data[position:]
        return messages

    def _frame(self, data: bytes, position: int) -> tuple[tuple[int, bytes] | None, int, bool]:
        """Read one frame: (message it completes, position behind it, whether there was a frame)."""
        available = len(data) - position
        if available < 2:
            return None, position, False
        first, second = data[position], data[position + 1]
        length = second & 0x7F
        start = position + 2
        if first & _RESERVED:
            raise FrameError(1002, "reserved bits are set")
        if not second & _MASKED:
            raise FrameError(1002, "a client's frame must be masked")
        opcode = first & 0xF
        if opcode & 0x8 and (length > _MAX_CONTROL or not first & _FIN):
            raise FrameError(1002, "a control frame is short and whole")
        if length == 126:
            if available < 4:
                return None, position, False
            length = data[start] << 8 | data[start + 1]
            start += 2
        elif length == 127:
            if available < 10:
                return None, position, False
            length = int.from_bytes(data[start : start + 8], "big")
            start += 8
        if length + self._size > self._limit:
            raise FrameError(1009, f"a message is at most {self._limit} bytes")
        end = start + 4 + length
        if len(data) < end:
            return None, position, False
        payload = unmask(data[start : start + 4], data[start + 4 : end])
        if first == _FIN | TEXT and not self._opcode:
            return (TEXT, payload), end, True
        return self._sort(opcode, bool(first & _FIN), payload), end, True

    def _sort(self, opcode: int, final: bool, payload: bytes) -> tuple[int, bytes] | None:
        """All but the plain text frame."""
        if opcode in (CLOSE, PING, PONG):
            return opcode, payload
        if opcode == _CONTINUATION:
            if not self._opcode:
                raise FrameError(1002, "a continuation of nothing")
        elif opcode not in (TEXT, BINARY):
            raise FrameError(1002, f"unknown opcode {opcode}")
        elif self._opcode:
            raise FrameError(1002, "a new message within a fragmented one")
        else:
            self._opcode = opcode
        self._fragments.append(payload)
        self._size += len(payload)
        if not final:
            return None
        message = self._opcode, b"".join(self._fragments)
        self._opcode = self._size = 0
        self._fragments = []
        return message


def unmask(key: bytes, payload: bytes) -> bytes:
    """The payload exclusive-or the repeated 4-byte key; masking is the same."""
    length = len(payload)
    pad = (key * (length // 4 + 1))[:length]
    mixed = int.from_bytes(payload, "little") ^ int.from_bytes(pad, "little")
    return mixed.to_bytes(length, "little")


def frame(opcode: int, payload: bytes) -> bytes:
    """An unmasked, unfragmented frame, as servers send them."""
    length = len(payload)
    if length < 126:
        return bytes((_FIN | opcode, length)) + payload
    if length < 0x10000:
        return bytes((_FIN | opcode, 126, length >> 8, length & 0xFF)) + payload
    return bytes((_FIN | opcode, 127)) + length.to_bytes(8, "big") + payload


def close_frame(code: int, reason: str) -> bytes:
    """A close frame; the reason is cut to what fits."""
    text = reason.encode()[: _MAX_CONTROL - 2].decode(errors="ignore").encode()
    return frame(CLOSE, code.to_bytes(2, "big") + text)


def close_code(payload: bytes) -> int:
    """The code of a received close frame; 1005 for none, 1002 for one that may not be sent."""
    if not payload:
        return 1005
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or code < 1000 or code in (1004, 1005, 1006, 1015) or code >= 5000:
        return 1002
    return code
