from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from voice_hitl.errors import ConfigError
from voice_hitl.language import LanguageSource
from voice_hitl.speech import whisper
from voice_hitl.speech.choose import create_recognizer
from voice_hitl.speech.workers.pool import WorkerPool


async def opening(folder: Path) -> None:
    async with WorkerPool(whisper.spec(folder, device="cpu"), size=1):
        pytest.fail("it opened")


@pytest.fixture
def copy(tiny_whisper: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_whisper, tmp_path / "copy"))


async def test_a_models_weights_that_are_garbage_are_one_clear_error(copy: Path) -> None:
    (copy / "model.bin").write_bytes(b"garbage" * 1000)
    with pytest.raises(ConfigError, match="cannot be loaded as a faster-whisper model"):
        await opening(copy)


@pytest.mark.parametrize(
    "text", ["not json", "[]", "{}", '{"added_tokens": []}', '{"version": "1.0"}']
)
async def test_a_tokenizer_that_is_garbage_is_one_clear_error(copy: Path, text: str) -> None:
    (copy / "tokenizer.json").write_text(text)
    with pytest.raises(ConfigError, match="cannot be loaded as a faster-whisper model"):
        await opening(copy)


async def test_features_that_do_not_fit_the_model_are_one_clear_error(copy: Path) -> None:
    (copy / "preprocessor_config.json").write_text(json.dumps({"feature_size": 128}))
    with pytest.raises(ConfigError, match="cannot decode"):
        await opening(copy)


async def test_a_configured_model_is_what_auto_recognizes_with(tiny_whisper: Path) -> None:
    source = LanguageSource(("yes",))
    async with create_recognizer("auto", source, whisper_model=tiny_whisper) as recognizer:
        assert recognizer.name == "whisper tiny-random"
        assert len(recognizer.pool.pids) == 1
