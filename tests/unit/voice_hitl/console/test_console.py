from __future__ import annotations

from pathlib import Path

import pytest

from voice_hitl import console
from voice_hitl.errors import ConfigError


def test_where_the_built_console_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "__file__", str(tmp_path / "__init__.py"))
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "index.html").write_text("")
    assert console.dist() == tmp_path / "dist"


def test_a_console_that_was_never_built_says_how_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(ConfigError, match="without VOICE_HITL_SKIP_CONSOLE"):
        console.dist()
