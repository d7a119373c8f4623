"""Sentences rendered once: a bounded store of finished clips, and a synthesizer that uses it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Hashable, Iterable
from types import TracebackType
from typing import Self

from voice_hitl.speech.voice import ProcessSynthesizer


class PromptCache:
    """Clips by voice and text, the least recently used dropped beyond `max_bytes` of audio."""

    def __init__(self, max_bytes: int = 16 * 1024 * 1024) -> None:  # 35 minutes of mu-law
        self._max_bytes = max_bytes
        self._clips: OrderedDict[tuple[Hashable, str], bytes] = OrderedDict()
        self.size = 0  # bytes of audio held

    def __len__(self) -> int:
        return len(self._clips)

    def get(self, voice: Hashable, text: str) -> bytes | None:
        """Return the clip of `text` in `voice`, or None."""
        key = (voice, text)
        clip = self._clips.get(key)
        if clip is not None:
            self._clips.move_to_end(key)
        return clip

    def put(self, voice: Hashable, text: str, clip: bytes) -> None:
        """Keep a clip; one larger than the whole store is not kept."""
        key = (voice, text)
        self.size -= len(self._clips.pop(key, b""))
        if len(clip) > self._max_bytes:
            return
        self._clips[key] = clip
        self.size += len(clip)
        while self.size > self._max_bytes:
            _, dropped = self._clips.popitem(last=False)
            self.size -= len(dropped)


class CachedSynthesizer:
    """A `Synthesizer` that says again what it has said before without rendering it again.

    `voice` is whatever makes the same text sound different (the voice settings).
    """

    def __init__(
        self, inner: ProcessSynthesizer, voice: Hashable, cache: PromptCache | None = None
    ) -> None:
        self._inner = inner
        self._voice = voice
        self._cache = PromptCache() if cache is None else cache
        self.name = inner.name

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._inner.__aexit__(kind, error, traceback)

    async def prepare(self, texts: Iterable[str]) -> None:
        """Render fixed prompts before the first caller needs them; raise `SynthesisError`."""
        for text in texts:
            async for _ in self.synthesize(text):
                pass

    def clip(self, text: str) -> bytes | None:
        """Return the whole sentence if it is at hand."""
        return self._cache.get(self._voice, text)

    async def synthesize(self, text: str) -> AsyncIterator[bytes]:
        """Yield mu-law 8 kHz chunks of one sentence, in one piece if known; raise `SynthesisError`."""
        if (known := self.clip(text)) is not None:
            yield known
            return
        chunks: list[bytes] = []
        async for chunk in self._inner.synthesize(text):
            chunks.append(chunk)
            yield chunk
        self._cache.put(self._voice, text, b"".join(chunks))

    async def aclose(self) -> None:
        """Stop the workers and wait until they are gone."""
        await self._inner.aclose()
