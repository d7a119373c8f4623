from __future__ import annotations

import os
from pathlib import Path

import pytest

import hatch_build

ROOT = Path(hatch_build.__file__).parent


@pytest.mark.slow
def test_the_consoles_own_tests_lint_and_types() -> None:
    """ESLint, Prettier, the TypeScript compiler and vitest; npm's output is in the failure."""
    if os.environ.get(hatch_build.SKIP, "") not in ("", "0"):
        pytest.skip(f"{hatch_build.SKIP} asks to do without the console")
    hatch_build.install_packages(ROOT)
    assert "passed" in hatch_build.npm(ROOT / hatch_build.CONSOLE, "test")
