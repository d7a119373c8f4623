"""Which engines a configuration means, with the pools and deadlines that suit each."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from voice_hitl.errors import ConfigError
from voice_hitl.language import LanguageSource
from voice_hitl.log import get_logger
from voice_hitl.speech import engines, espeak, whisper
from voice_hitl.speech.cache import CachedSynthesizer
from voice_hitl.speech.models import describe, find_whisper_model
from voice_hitl.speech.recognizer import ProcessRecognizer
from voice_hitl.speech.voice import ProcessSynthesizer, VoiceSettings
from voice_hitl.speech.workers.pool import Watch, WorkerPool

_log = get_logger(__name__)

# A model of gigabytes loads for minutes, and one decoding may take seconds.
_WHISPER_WATCH = Watch(start_within=300.0, hung_after=30.0)
_WHISPER_FINAL = 20.0
# A sentence takes milliseconds, and a caller hears the wait.
_VOICE_WATCH = Watch(ping_every=0.25, hung_after=1.5)


def create_recognizer(
    kind: Literal["auto", "sphinx", "whisper"],
    source: LanguageSource,
    *,
    whisper_model: Path | None = None,
    cache: Path | None = None,
    workers: int = 0,
    language: str = "en",
) -> ProcessRecognizer:
    """Return the recognizer, to be entered with ``async with``; its `name` says which it is.

    "auto" takes the whisper model that is configured or already on disk and otherwise the embedded
    engine, built for the words of `source`, which keeps its models in the folder `cache`. `workers` 0
    means one a core, less one, and for whisper, whose models are large, one. Reads the disk; raises
    `ConfigError`.
    """
    model = find_whisper_model(whisper_model) if kind != "sphinx" else None
    if kind == "whisper" and model is None:
        raise ConfigError(
            'recognizer = "whisper", but no model is on this machine: '
            "set whisper_model to the folder of a faster-whisper model"
        )
    if model is None:
        recognizer = ProcessRecognizer(
            "sphinx", WorkerPool(engines.sphinx(source, cache), size=workers or None)
        )
    else:
        pool = WorkerPool(
            whisper.spec(model, language=language),
            size=workers or 1,
            leases_each=16,
            watch=_WHISPER_WATCH,
        )
        recognizer = ProcessRecognizer(
            f"whisper {describe(model)}", pool, final_within=_WHISPER_FINAL
        )
    _log.info("recognizer_chosen", recognizer=recognizer.name, model=str(model or "embedded"))
    return recognizer


def create_synthesizer(settings: VoiceSettings) -> CachedSynthesizer:
    """Return the embedded voice, to be entered with ``async with``.

    Raises `ConfigError`, which says what to install, if it is missing.
    """
    pool = WorkerPool(espeak.spec(settings), size=1, leases_each=16, watch=_VOICE_WATCH)
    return CachedSynthesizer(ProcessSynthesizer("espeak", pool), settings)
