from __future__ import annotations

import os

# As `voice_hitl.cli.main` does, and before numpy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings

from voice_hitl.log import configure

# Every run tries the same examples, so that nothing fails by chance, and none against a clock: the machines
# that run these tests are shared and may be slow. `--hypothesis-profile default` searches at random.
settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")


@pytest.fixture(autouse=True, scope="session")
def _quiet_log() -> None:
    configure("error", "json")
