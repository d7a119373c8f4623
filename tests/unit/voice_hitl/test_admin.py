from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from voice_hitl.admin import (
    add_operator,
    change_password,
    change_role,
    list_operators,
    remove_operator,
)
from voice_hitl.config import Config
from voice_hitl.errors import ConfigError


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(data_dir=tmp_path / "data")


def test_accounts_are_made_and_listed(config: Config) -> None:
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


@pytest.mark.parametrize("name", ["", "   ", "\t\n"])
def test_an_account_has_a_name(config: Config, name: str) -> None:
    with pytest.raises(ConfigError, match="the name is empty"):
        add_operator(config, name, "correct horse")
    assert not config.data_dir.exists()


def test_a_password_is_more_than_space(config: Config) -> None:
    with pytest.raises(ConfigError, match="the password is blank"):
        add_operator(config, "ana", " " * 10)


def test_names_are_compared_without_space_around_them_and_without_case(config: Config) -> None:
    assert add_operator(config, " Bob ", "correct horse") == "Bob"
    with pytest.raises(ConfigError, match="already an operator named 'Bob'"):
        add_operator(config, "bob", "battery staple")
    change_role(config, "BOB ", "supervisor")
    assert [(each.name, each.role) for each in list_operators(config)] == [("Bob", "supervisor")]
    remove_operator(config, "bob", force=True)
    assert list_operators(config) == []


def test_a_data_folder_that_cannot_be_made_is_said(config: Config, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    config = config.model_copy(update={"data_dir": tmp_path / "file" / "data"})
    with pytest.raises(ConfigError, match="choose another folder"):
        add_operator(config, "ana", "correct horse")


@pytest.mark.parametrize(
    "read",
    [
        list_operators,
        lambda config: remove_operator(config, "ana"),
        lambda config: change_role(config, "ana", "supervisor"),
        lambda config: change_password(config, "ana", "battery staple"),
    ],
)
def test_only_a_first_account_makes_a_database(
    config: Config, read: Callable[[Config], object]
) -> None:
    with pytest.raises(ConfigError, match=r"there is no database in .*; give its folder as --data"):
        read(config)
    assert not config.data_dir.exists()
