from __future__ import annotations

from pathlib import Path

import pytest

from voice_hitl.admin import add_operator, list_operators
from voice_hitl.config import Config
from voice_hitl.errors import ConfigError


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(data_dir=tmp_path / "data")


def test_accounts_are_made_and_listed(config: Config) -> None:
    assert list_operators(config) == []
    add_operator(config, "ana", "correct horse")
    with pytest.raises(ConfigError, match="already an operator named 'ana'"):
        add_operator(config, "ana", "battery staple")
    add_operator(config, "ben", "correct horse")
    found = list_operators(config)
    assert [(record.name, record.role) for record in found] == [
        ("ana", "operator"),
        ("ben", "operator"),
    ]
    assert all("correct horse" not in record.password_hash for record in found)


def test_a_data_folder_that_cannot_be_made_is_said(config: Config, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match="choose another folder"):
        list_operators(config.model_copy(update={"data_dir": tmp_path / "file" / "data"}))
