"""Recognition in watched worker processes, seen from the server: light, never blocking, loss-proof.

The audio of an utterance stays here until its text is known. If a worker dies in mid-sentence, the audio
is played again to another one and `finish` still returns the text; a second loss of the same audio
raises `RecognizerLost`, so that audio which kills decoders kills at most two.

Long utterances are recognized in segments: after `SEGMENT_SOFT` seconds the next quiet tenth of a second
ends a segment, after `SEGMENT_HARD` seconds any does. At most `MAX_PENDING` segments wait for
their text at a time; a caller who outtalks the workers by that much loses what comes then (`dropped`).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from voice_hitl.errors import RecognizerLost, SpeechError
from voice_hitl.language import Expectation, Hypothesis
from voice_hitl.speech.protocols import SpeakerMemory
from voice_hitl.speech.workers.frames import Kind
from voice_hitl.speech.workers.pool import Lease, WorkerPool
from voice_hitl.speech.workers.tasks import Result, decode_result, encode_opening

Pcm = NDArray[np.int16]

RATE = 8000
BATCH = 480  # samples sent at a time: 60 ms, a third of the wake-ups of 20 ms frames
SEGMENT_SOFT = 24.0
SEGMENT_HARD = 30.0
MAX_PENDING = 2
_QUIET_BLOCK = 800  # samples
_QUIET_SHARE = 0.15  # of the segment's RMS; speech rarely dips that low but between words


class ProcessRecognizer:
    """A `Recognizer` whose engine runs in the workers of `pool`.

    An async context manager: entering opens the pool, leaving closes it. `final_within` is the most
    seconds `finish` waits for a text before it raises `RecognizerLost`.
    """

    def __init__(self, name: str, pool: WorkerPool, *, final_within: float = 8.0) -> None:
        self.name = name
        self.pool = pool
        self._final_within = final_within

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

    def open(
        self,
        on_partial: Callable[[Hypothesis], None],
        expectation: Expectation = Expectation(),
        memory: SpeakerMemory | None = None,
    ) -> ProcessUtterance:
        """Start an utterance; it waits in line, its audio kept, while all decoders are busy.

        `memory` carries what is learnt of the speaker from one utterance of a call to the next.
        """
        return ProcessUtterance(
            self.pool, on_partial, expectation, memory or SpeakerMemory(), self._final_within
        )

    async def aclose(self) -> None:
        """Stop the workers and wait until they are gone; open utterances are lost."""
        await self.pool.aclose()


class ProcessUtterance:
    """An `Utterance`; see the module."""

    def __init__(
        self,
        pool: WorkerPool,
        on_partial: Callable[[Hypothesis], None],
        expectation: Expectation,
        memory: SpeakerMemory,
        final_within: float,
    ) -> None:
        self._pool = pool
        self._on_partial = on_partial
        self._expectation = expectation
        self._memory = memory
        self._final_within = final_within
        self._over = False
        self._segments: list[_Segment] = []
        self._starts: list[float] = []  # of each segment, in seconds
        self._begin_segment(0.0)
        self.dropped = 0.0  # seconds of audio that were not recognized

    def feed(self, pcm: Pcm) -> None:
        """Give the next samples (int16, 8 kHz mono, any length). Never blocks."""
        if self._over or len(pcm) == 0:
            return
        segment = self._segments[-1]
        if segment.seconds >= SEGMENT_HARD or (
            segment.seconds >= SEGMENT_SOFT and segment.is_quiet()
        ):
            if sum(not s.result.done() for s in self._segments) >= MAX_PENDING:
                self.dropped += len(pcm) / RATE
                return
            segment.finish()
            segment = self._begin_segment(self._starts[-1] + segment.seconds)
        segment.feed(pcm)

    async def finish(self) -> Hypothesis:
        """Return the final hypothesis; raise `RecognizerLost` if no worker could give one in time."""
        self._over = True
        self._segments[-1].finish()
        try:
            async with asyncio.timeout(self._final_within):
                results = [await segment.result for segment in self._segments]
        except TimeoutError:
            raise RecognizerLost(
                f"no text came within {self._final_within:g} s of the utterance's end"
            ) from None
        finally:
            self._release()
        if results[-1].speaker:
            self._memory.state = results[-1].speaker
        return join([r.hypothesis for r in results], self._starts, final=True)

    def cancel(self) -> None:
        """Give the decoder back without a result. Idempotent."""
        self._over = True
        self._release()

    def _release(self) -> None:
        for segment in self._segments:
            segment.release()

    def _begin_segment(self, start: float) -> _Segment:
        opening = encode_opening(self._expectation, self._memory.state)
        segment = _Segment(self._pool, opening, self._partial_came)
        self._segments.append(segment)
        self._starts.append(start)
        segment.open()
        return segment

    def _partial_came(self) -> None:
        # Through the loop, so that what the listener does cannot disturb the pool that calls us.
        asyncio.get_running_loop().call_soon(self._tell)

    def _tell(self) -> None:
        if not self._over:
            heard = [segment.heard for segment in self._segments]
            self._on_partial(join(heard, self._starts, final=False))


class _Segment:
    """A stretch of an utterance on one lease at a time; holds its audio until the result is there."""

    def __init__(self, pool: WorkerPool, opening: bytes, on_partial: Callable[[], None]) -> None:
        self._pool = pool
        self._opening = opening
        self._on_partial = on_partial
        self._audio = bytearray()
        self._sent = 0  # bytes of it, to the present worker
        self._energy = 0.0
        self._ending = False
        self._losses = 0
        self._lease: Lease | None = None
        self._granted = False
        self.heard = Hypothesis("")
        self.result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        # Nobody may ever ask for it: an utterance can be cancelled after its worker was lost.
        self.result.add_done_callback(lambda done: done.cancelled() or done.exception())

    @property
    def seconds(self) -> float:
        """How much audio it holds."""
        return len(self._audio) / 2 / RATE

    def is_quiet(self) -> bool:
        """Tell whether the last tenth of a second is far below the segment's own loudness."""
        last = np.frombuffer(bytes(self._audio[-2 * _QUIET_BLOCK :]), np.int16).astype(np.float64)
        samples = len(self._audio) / 2
        return float(np.mean(last**2)) <= _QUIET_SHARE**2 * self._energy / samples

    def open(self, *, first: bool = False) -> None:
        """Get in line for a worker."""
        try:
            self._lease = self._pool.lease(self, first=first)
        except SpeechError as error:
            self._fail(str(error))

    def feed(self, pcm: Pcm) -> None:
        """Keep the samples, and send them on in batches."""
        samples = pcm.astype(np.int16, copy=False)
        self._audio += samples.tobytes()
        self._energy += float(np.square(samples, dtype=np.float64).sum())
        if len(self._audio) - self._sent >= 2 * BATCH:
            self._flush()

    def finish(self) -> None:
        """No more audio will come."""
        if not self._ending:
            self._ending = True
            self._flush()
            self._send_finish()

    def release(self) -> None:
        """Give the lease back and forget the audio. Idempotent."""
        if self._lease is not None:
            self._lease.release()
            self._lease, self._granted = None, False
        self._audio.clear()
        if not self.result.done():
            self.result.cancel()

    # What the pool calls.

    def granted(self, lease: Lease) -> None:
        """A worker is there: bring it up to date."""
        self._lease, self._granted, self._sent = lease, True, 0
        lease.send(Kind.OPEN, self._opening)
        self._flush()
        if self._ending:
            self._send_finish()

    def received(self, kind: Kind, payload: bytes) -> None:
        """Take a result."""
        if kind is Kind.ERROR:
            self.lost(payload.decode(errors="replace"))
            return
        try:
            result = decode_result(payload)
        except (ValueError, KeyError, TypeError) as error:
            self.lost(f"the worker's result is no result ({error})")
            return
        self.heard = result.hypothesis
        if kind is Kind.PARTIAL:
            self._on_partial()
        elif not self.result.done():
            self._lease, self._granted = None, False
            self.result.set_result(result)
            self._audio.clear()

    def lost(self, reason: str) -> None:
        """The worker is gone or failed: once, try another."""
        if self._lease is not None:
            self._lease.release()
        self._lease, self._granted = None, False
        self._losses += 1
        if self._losses > 1:
            self._fail(f"lost twice, at last because {reason}")
        else:
            self.open(first=True)

    def _fail(self, reason: str) -> None:
        if not self.result.done():
            self.result.set_exception(RecognizerLost(f"the utterance was {reason}"))

    def _flush(self) -> None:
        if self._lease is not None and self._granted and self._sent < len(self._audio):
            self._lease.send(Kind.FEED, bytes(self._audio[self._sent :]))
            self._sent = len(self._audio)

    def _send_finish(self) -> None:
        if self._lease is not None and self._granted:
            self._lease.send(Kind.FINISH)


def join(parts: list[Hypothesis], starts: list[float], *, final: bool) -> Hypothesis:
    """Return one hypothesis of consecutive segments that begin at `starts` seconds.

    The confidence that all is right is the product; alternatives differ in the last segment only.
    """
    if len(parts) == 1:
        return replace(parts[0], final=final)
    before = " ".join(part.text for part in parts[:-1] if part.text)
    spoken = [part for part in parts if part.text]
    return Hypothesis(
        text=" ".join(part.text for part in spoken),
        confidence=math.prod(part.confidence for part in spoken) if spoken else 0.0,
        words=tuple(
            replace(word, start=word.start + start, end=word.end + start)
            for part, start in zip(parts, starts, strict=True)
            for word in part.words
        ),
        alternatives=tuple(f"{before} {other}".strip() for other in parts[-1].alternatives),
        final=final,
    )
