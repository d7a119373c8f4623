from __future__ import annotations

import pytest

from voice_hitl.log import configure


@pytest.fixture(autouse=True, scope="session")
def _quiet_log() -> None:
    configure("error", "json")
