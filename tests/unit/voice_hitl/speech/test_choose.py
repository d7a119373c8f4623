from __future__ import annotations

from pathlib import Path

import pytest

from voice_hitl.errors import ConfigError
from voice_hitl.language import LanguageSource
from voice_hitl.speech import choose
from voice_hitl.speech.choose import create_recognizer, create_synthesizer
from voice_hitl.speech.voice import VoiceSettings

SOURCE = LanguageSource(("what is my balance",))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.json"):
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


@pytest.fixture
def no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "find_whisper_model", lambda configured: configured)


@pytest.mark.usefixtures("no_cache")
def test_auto_is_whisper_where_a_model_is_and_else_the_embedded_engine(model: Path) -> None:
    assert create_recognizer("auto", SOURCE).name == "sphinx"
    assert create_recognizer("auto", SOURCE, whisper_model=model).name == f"whisper {model.name}"
    assert create_recognizer("sphinx", SOURCE, whisper_model=model).name == "sphinx"


@pytest.mark.usefixtures("no_cache")
def test_whisper_without_a_model_says_what_to_set() -> None:
    with pytest.raises(ConfigError, match="set whisper_model to the folder"):
        create_recognizer("whisper", SOURCE)


def test_a_model_folder_that_is_none_is_refused_even_by_auto(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="missing"):
        create_recognizer("auto", SOURCE, whisper_model=tmp_path)


def test_the_voice_is_espeak() -> None:
    pytest.importorskip("espeakng_loader")
    assert create_synthesizer(VoiceSettings()).name == "espeak"
