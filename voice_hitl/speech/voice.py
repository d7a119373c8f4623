"""Speech in watched worker processes, seen from the server: light, and never without an end.

A sentence whose worker dies is spoken again by another one from where it broke off; a second loss raises
`SynthesisError`. The pool is the voice's own, so that recognition never starves it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Self

from voice_hitl.errors import ConfigError, SpeechError, SynthesisError
from voice_hitl.speech.workers.frames import Kind
from voice_hitl.speech.workers.pool import Lease, WorkerPool

MAX_TEXT = 4000  # characters of one sentence; an agent that says more in one breath is broken


@dataclass(frozen=True, slots=True)
class VoiceSettings:
    """How the voice sounds. `voice` is the engine's own name; empty means the engine's best.

    Raises `ConfigError` for a value outside its range.
    """

    voice: str = ""
    rate: int = 165  # words a minute, 80..400; espeak cannot go below 100
    pitch: int = 50  # 0..99, 50 is the voice's own
    pitch_range: int = 60  # 0..99, 0 is a monotone
    level: float = -20.0  # loudness of the speech, dBFS RMS, -40..-10
    pause: float = 0.12  # silence after a sentence, seconds, 0..2

    def __post_init__(self) -> None:
        ranges = {
            "rate": (80, 400),
            "pitch": (0, 99),
            "pitch_range": (0, 99),
            "level": (-40, -10),
            "pause": (0, 2),
        }
        for name, (low, high) in ranges.items():
            if not low <= getattr(self, name) <= high:
                raise ConfigError(
                    f"voice: {name} must lie between {low} and {high}, not {getattr(self, name)}"
                )

    def as_options(self) -> dict[str, Any]:
        """Return the settings as engine options."""
        return asdict(self)


class ProcessSynthesizer:
    """A `Synthesizer` whose engine runs in the workers of `pool`.

    An async context manager: entering opens the pool, leaving closes it. `chunk_within` is the most
    seconds between two pieces of a sentence before `SynthesisError`.
    """

    def __init__(self, name: str, pool: WorkerPool, *, chunk_within: float = 4.0) -> None:
        self.name = name
        self.pool = pool
        self._chunk_within = chunk_within

    async def __aenter__(self) -> Self:
        await self.pool.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.pool.__aexit__(kind, error, traceback)

    def synthesize(self, text: str) -> AsyncIterator[bytes]:
        """Yield mu-law 8 kHz chunks of one sentence; raise `SynthesisError`.

        Work starts at once, not with the first `anext`. Nothing to say yields nothing.
        """
        return _Sentence(self.pool, text, self._chunk_within)

    async def aclose(self) -> None:
        """Stop the workers and wait until they are gone; sentences under way fail."""
        await self.pool.aclose()


class _Sentence(AsyncIterator[bytes]):
    """The chunks of one sentence as they come."""

    def __init__(self, pool: WorkerPool, text: str, within: float) -> None:
        self._pool = pool
        self._text = text
        self._within = within
        self._chunks: asyncio.Queue[bytes | SynthesisError | None] = asyncio.Queue()
        self._given = 0  # bytes put into the queue
        self._skip = 0  # bytes that the second worker says again
        self._losses = 0
        self._lease: Lease | None = None
        if len(text) > MAX_TEXT:
            self._chunks.put_nowait(
                SynthesisError(f"a sentence of {len(text)} characters, at most {MAX_TEXT}")
            )
        elif text.strip():
            self._open(first=False)
        else:
            self._chunks.put_nowait(None)

    async def __anext__(self) -> bytes:
        try:
            async with asyncio.timeout(self._within):
                chunk = await self._chunks.get()
        except TimeoutError:
            await self.aclose()
            raise SynthesisError(f"no speech came within {self._within:g} s") from None
        if isinstance(chunk, bytes):
            return chunk
        self._chunks.put_nowait(chunk)  # whoever asks again gets the same answer
        if chunk is None:
            raise StopAsyncIteration
        raise chunk

    async def aclose(self) -> None:
        """Give the worker back; nothing more comes. Idempotent."""
        if self._lease is not None:
            self._lease.release()
            self._lease = None
        self._chunks.put_nowait(None)

    def _open(self, *, first: bool) -> None:
        try:
            self._lease = self._pool.lease(self, first=first)
        except SpeechError as error:
            self._fail(str(error))

    def _fail(self, reason: str) -> None:
        self._chunks.put_nowait(SynthesisError(f"the sentence could not be spoken: {reason}"))

    # What the pool calls.

    def granted(self, lease: Lease) -> None:
        self._lease = lease
        lease.send(Kind.OPEN, self._text.encode(errors="replace"))

    def received(self, kind: Kind, payload: bytes) -> None:
        if kind is Kind.PARTIAL:
            said = payload[self._skip :]
            self._skip = max(0, self._skip - len(payload))
            if said:
                self._given += len(said)
                self._chunks.put_nowait(said)
        elif kind is Kind.FINAL:
            self._lease = None
            self._chunks.put_nowait(None)
        else:
            self._lease = None
            self._fail(payload.decode(errors="replace"))

    def lost(self, reason: str) -> None:
        self._lease = None
        self._losses += 1
        if self._losses > 1:
            self._fail(f"its worker was lost twice, at last because {reason}")
        else:
            self._skip = self._given
            self._open(first=True)
