"""Fixtures for speech: toy engines in real workers, and proof that none is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> str:
    """Let workers import `toy_speech_engine`; return the module's name."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent / "toys"))
    return "toy_speech_engine"


@pytest.fixture(autouse=True)
def no_worker_left() -> Iterator[None]:
    """Fail a test that leaves a child process behind."""
    before = set(psutil.Process().children(recursive=True))
    yield
    left = [p for p in psutil.Process().children(recursive=True) if p not in before]
    assert not left, f"left running: {left}"
