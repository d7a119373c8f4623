from __future__ import annotations

import os
from pathlib import Path

import pytest

from voice_hitl.errors import ConfigError
from voice_hitl.speech.models import (
    describe,
    find_whisper_model,
    missing_files,
    model_name,
    pull_model,
    repository_name,
)

FILES = ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt")


def model(folder: Path, *, without: str = "") -> Path:
    folder.mkdir(parents=True)
    for name in FILES:
        if name != without:
            (folder / name).write_bytes(b"x")
    return folder


def cached(cache: Path, repository: str, revision: str = "a" * 40, *, without: str = "") -> Path:
    """Lay out a model the way the Hugging Face cache does: blobs, and snapshots that point to them."""
    root = cache / f"models--{repository.replace('/', '--')}"
    (root / "refs").mkdir(parents=True, exist_ok=True)
    (root / "refs" / "main").write_text(revision)
    (root / "blobs").mkdir(exist_ok=True)
    snapshot = root / "snapshots" / revision
    snapshot.mkdir(parents=True)
    for name in FILES:
        if name != without:
            (root / "blobs" / name).write_bytes(b"x")
            (snapshot / name).symlink_to(Path(os.path.relpath(root / "blobs" / name, snapshot)))
    return snapshot


def test_a_configured_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = model(tmp_path / "my-model")
    assert find_whisper_model(folder) == folder
    assert describe(folder) == "my-model"


def test_a_configured_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    folder = model(tmp_path / "broken", without="tokenizer.json")
    assert missing_files(folder) == ["tokenizer.json"]
    with pytest.raises(ConfigError, match=r"broken.*tokenizer\.json missing"):
        find_whisper_model(folder)
    with pytest.raises(ConfigError, match="the folder missing"):
        find_whisper_model(tmp_path / "nowhere")


def test_without_a_cache_nothing_is_found(tmp_path: Path) -> None:
    assert find_whisper_model(cache=tmp_path / "none") is None
    assert find_whisper_model(cache=tmp_path) is None


def test_the_best_complete_model_of_the_cache_is_taken(tmp_path: Path) -> None:
    cached(tmp_path, "Systran/faster-whisper-large-v3")
    cached(tmp_path, "someone/bert")
    cached(tmp_path, "Systran/faster-whisper-small.en", without="model.bin")
    tiny = cached(tmp_path, "Systran/faster-whisper-tiny")
    found = find_whisper_model(cache=tmp_path)
    assert found == tiny
    assert describe(found) == "tiny"
    base = cached(tmp_path, "Systran/faster-whisper-base.en")
    assert find_whisper_model(cache=tmp_path) == base


def test_the_cache_is_where_the_environment_puts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(
        "huggingface_hub.utils._cache_manager.HF_HUB_CACHE", str(tmp_path), raising=False
    )
    snapshot = cached(tmp_path, "Systran/faster-distil-whisper-small.en")
    assert find_whisper_model() == snapshot


@pytest.mark.parametrize(
    ("repository", "name"),
    [
        ("Systran/faster-whisper-small.en", "small.en"),
        ("Systran/faster-distil-whisper-large-v3", "distil-large-v3"),
        ("openai/whisper-small", None),
    ],
)
def test_names_of_repositories(repository: str, name: str | None) -> None:
    assert model_name(repository) == name
    if name is not None:
        assert repository_name(name) == repository


def test_a_repository_is_named_in_full_or_by_its_size() -> None:
    assert repository_name("me/mine") == "me/mine"
    assert repository_name("turbo") == "mobiuslabsgmbh/faster-whisper-large-v3-turbo"


def test_a_model_that_cannot_be_fetched_is_one_clear_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(
        ConfigError, match=r"Systran/faster-whisper-small\.en could not be fetched"
    ) as error:
        pull_model("small.en", tmp_path / "models")
    assert "\n" not in str(error.value)
