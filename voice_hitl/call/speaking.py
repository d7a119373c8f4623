"""The agent's side of the line: sentences become clips, clips are played, and what was heard is known."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
import numpy as np

from voice_hitl.audio import g711
from voice_hitl.errors import SynthesisError
from voice_hitl.speech.protocols import Synthesizer

TONE_SECONDS = 2.0


class Voice:
    """A synthesizer and the prompts that were rendered before the first call."""

    def __init__(self, synthesizer: Synthesizer) -> None:
        self.synthesizer = synthesizer
        self._prompts: dict[str, bytes] = {}
        self.hold_tone = _hold_tone()

    async def render(self, prompts: Iterable[str]) -> None:
        """Render fixed prompts once; raise `SynthesisError` if one cannot be spoken."""
        for text in prompts:
            if text not in self._prompts:
                chunks = [chunk async for chunk in self.synthesizer.synthesize(text)]
                self._prompts[text] = b"".join(chunks)

    async def speak(self, text: str) -> AsyncIterator[bytes]:
        """Yield the mu-law chunks of one sentence; raise `SynthesisError`."""
        rendered = self._prompts.get(text)
        if rendered is not None:
            yield rendered
            return
        empty = True
        async for chunk in self.synthesizer.synthesize(text):
            empty = False
            yield chunk
        if empty:
            raise SynthesisError(f"the voice {self.synthesizer.name} made no sound of {text!r}")

    def prompt(self, text: str) -> bytes | None:
        """The clip of a fixed prompt, or None if it was not rendered."""
        return self._prompts.get(text)


def _hold_tone() -> bytes:
    """Two soft notes and a pause, `TONE_SECONDS` long: the caller knows that the line is alive."""
    rate = 8000
    samples = np.zeros(int(TONE_SECONDS * rate))
    for start, hertz in ((0.1, 523.25), (0.35, 659.25)):
        length = int(0.45 * rate)
        t = np.arange(length) / rate
        note = np.sin(2 * np.pi * hertz * t) * np.exp(-t * 7.0) * np.minimum(1.0, t * 100.0)
        begin = int(start * rate)
        samples[begin : begin + length] += note
    return g711.encode((samples * 2600).astype(np.int16))
