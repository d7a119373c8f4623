"""What a worker and its parent say to each other: length-prefixed frames, no pickle, no I/O.

A frame is a 9-byte header, little-endian ``uint32 payload length, uint8 kind, uint32 lease``, and its
payload: JSON, or raw samples. Lease 0 speaks of the worker itself.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

_HEADER = struct.Struct("<IBI")
MAX_PAYLOAD = 4 * 1024 * 1024  # a pack's language source is well under 1 MiB, 30 s of audio 480 kB
MAX_LEASE = 0xFFFFFFFF


class FrameError(ValueError):
    """Bytes that are no frame: the other side is broken and must be replaced."""


class Kind(IntEnum):
    """The meaning of a frame."""

    # parent to worker
    CONFIGURE = 1  # JSON {"engine": "module:callable", "options": {...}}; always the first frame
    OPEN = 2  # a new lease; the payload is the engine's own
    FEED = 3  # more input for a lease
    FINISH = 4  # no more input will come
    CANCEL = 5  # throw the lease away, answer nothing
    PING = 6  # answered with a PONG of the same lease, before anything that follows is begun

    # worker to parent
    READY = 32  # the engine is loaded
    REFUSED = 33  # it cannot be loaded: the message for the person who configured it
    PARTIAL = 34  # a result so far, or a piece of it
    FINAL = 35  # the last result of a lease, which is over with it
    ERROR = 36  # the lease failed, with a message; it is over with it
    PONG = 37


@dataclass(frozen=True, slots=True)
class Frame:
    """One message on the socket."""

    kind: Kind
    lease: int = 0
    payload: bytes = b""


def encode(kind: Kind, lease: int = 0, payload: bytes = b"") -> bytes:
    """Return the bytes of one frame; raise `FrameError` for a payload over `MAX_PAYLOAD` bytes."""
    if len(payload) > MAX_PAYLOAD:
        raise FrameError(f"payload of {len(payload)} bytes, at most {MAX_PAYLOAD} are allowed")
    return _HEADER.pack(len(payload), kind, lease) + payload


class FrameReader:
    """Cuts a byte stream into frames, however it was split on the way."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def receive(self, data: bytes) -> list[Frame]:
        """Take the next bytes and return the frames they complete.

        Raises `FrameError` on an unknown kind or an impossible length; the reader is useless after.
        """
        self._buffer += data
        frames: list[Frame] = []
        start = 0
        while len(self._buffer) - start >= _HEADER.size:
            length, kind, lease = _HEADER.unpack_from(self._buffer, start)
            if length > MAX_PAYLOAD:
                raise FrameError(
                    f"a frame announces {length} bytes, at most {MAX_PAYLOAD} are allowed"
                )
            end = start + _HEADER.size + length
            if len(self._buffer) < end:
                break
            try:
                known = Kind(kind)
            except ValueError:
                raise FrameError(f"unknown frame kind {kind}") from None
            frames.append(Frame(known, lease, bytes(self._buffer[start + _HEADER.size : end])))
            start = end
        del self._buffer[:start]
        return frames
