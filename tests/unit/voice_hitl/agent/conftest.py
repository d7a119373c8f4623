from __future__ import annotations

import pytest

from voice_hitl.agent.flow import Models
from voice_hitl.agent.testing import trained


@pytest.fixture(scope="session")
def models() -> Models:
    """The banking pack's models, trained once a process."""
    return trained("banking")
