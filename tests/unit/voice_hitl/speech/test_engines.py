from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from voice_hitl.language import LanguageSource
from voice_hitl.speech import engines, espeak, whisper
from voice_hitl.speech.voice import VoiceSettings
from voice_hitl.speech.workers.process import RECOGNITION_NICENESS

SOURCE = LanguageSource(("my balance", "pay {who}"), {"who": ("ana", "bo")})


@pytest.mark.parametrize("cache", [None, Path("somewhere")])
def test_what_a_worker_is_told_is_plain_json(cache: Path | None) -> None:
    told = orjson.loads(engines.sphinx(SOURCE, cache).encode())
    assert told == {
        "engine": "voice_hitl.speech.engines:load_sphinx",
        "options": {
            "sentences": ["my balance", "pay {who}"],
            "classes": {"who": ["ana", "bo"]},
            "cache": None if cache is None else "somewhere",
        },
        "niceness": RECOGNITION_NICENESS,
    }


def test_every_engine_that_is_named_exists() -> None:
    for name in (
        engines.sphinx(SOURCE).engine,
        espeak.spec(VoiceSettings()).engine
        if espeak.available()
        else "voice_hitl.speech.espeak:load",
        "voice_hitl.speech.whisper:load",
    ):
        module, _, attribute = name.partition(":")
        assert callable(
            getattr({m.__name__: m for m in (engines, espeak, whisper)}[module], attribute)
        )


def test_the_server_imports_no_engine() -> None:
    code = (
        "import sys, voice_hitl.speech.choose, voice_hitl.speech.recognizer, voice_hitl.speech.cache\n"
        "heavy = {'pocketsphinx', 'faster_whisper', 'ctranslate2', 'onnxruntime', 'tokenizers',"
        " 'huggingface_hub', 'espeakng_loader'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""
