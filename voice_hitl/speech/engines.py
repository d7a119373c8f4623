"""Makes, inside a worker process, the engine that the parent's `EngineSpec` names.

The parent uses the functions that return an `EngineSpec`; only a worker calls `load_…`, so that no
engine's libraries are imported into the server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from voice_hitl.language import Expectation, Hypothesis, LanguageSource
from voice_hitl.speech.workers.process import RECOGNITION_NICENESS, EngineSpec
from voice_hitl.speech.workers.tasks import Pcm, RecognitionEngine

if TYPE_CHECKING:
    from voice_hitl.speech.sphinx import SphinxDecoder


def sphinx(source: LanguageSource, cache: Path | None = None) -> EngineSpec:
    """Return the embedded recognizer for the words of `source`; `cache` keeps what it builds."""
    return EngineSpec(
        engine="voice_hitl.speech.engines:load_sphinx",
        options={
            "sentences": list(source.sentences),
            "classes": {name: list(values) for name, values in source.classes.items()},
            "cache": None if cache is None else str(cache),
        },
        niceness=RECOGNITION_NICENESS,
    )


def load_sphinx(options: Mapping[str, Any]) -> RecognitionEngine:
    """Build the models of the options that `sphinx` wrote."""
    from voice_hitl.speech.sphinx import SphinxEngine

    source = LanguageSource(
        sentences=tuple(options["sentences"]),
        classes={name: tuple(values) for name, values in options["classes"].items()},
    )
    engine = SphinxEngine(source, None if options["cache"] is None else Path(options["cache"]))
    return RecognitionEngine(lambda: _SphinxStream(engine.decoder()))


class _SphinxStream:
    """A `StreamDecoder` of a `SphinxDecoder`."""

    def __init__(self, decoder: SphinxDecoder) -> None:
        self._decoder = decoder
        self._nobody = decoder.speaker  # or a caller would inherit the last one's voice
        self._new: str | None = None

    def start(self, expectation: Expectation, speaker: str) -> None:
        from voice_hitl.speech.sphinx import Speaker

        self._new = None
        known = Speaker(**orjson.loads(speaker)) if speaker else self._nobody
        self._decoder.start(expectation, known)

    def feed(self, pcm: Pcm) -> None:
        text = self._decoder.feed(pcm)
        if text is not None:
            self._new = text

    def partial(self) -> Hypothesis | None:
        text, self._new = self._new, None
        return None if text is None else Hypothesis(text, confidence=0.0)

    def finish(self) -> Hypothesis:
        return self._decoder.finish()

    def speaker(self) -> str:
        return orjson.dumps(asdict(self._decoder.speaker)).decode()

    def cancel(self) -> None:
        self._decoder.cancel()
