from __future__ import annotations

import os

# As `voice_hitl.cli.main` does, and before numpy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

from voice_hitl.log import configure


@pytest.fixture(autouse=True, scope="session")
def _quiet_log() -> None:
    configure("error", "json")
