from __future__ import annotations

import errno
import fcntl
from pathlib import Path

import pytest

from handoff.errors import StorageError
from handoff.ports import CallRecord
from voice_hitl.config import Config
from voice_hitl.data_folder import SAMPLING_KEY, held_folder, is_held, open_store, sampling_key
from voice_hitl.errors import ConfigError


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(data_dir=tmp_path / "data")


def test_the_key_of_draws_is_made_once_and_kept_secret(config: Config) -> None:
    config.data_dir.mkdir(parents=True)
    key = sampling_key(config)
    file = config.data_dir / SAMPLING_KEY
    assert (len(key), file.stat().st_mode & 0o777) == (32, 0o600)
    assert sampling_key(config) == key
    for spoilt in ("not hex", ""):
        file.write_text(spoilt)
        with pytest.raises(ConfigError, match="remove it to get a new one"):
            sampling_key(config)


async def test_a_database_is_made_only_where_that_is_wanted(config: Config) -> None:
    with pytest.raises(ConfigError, match="there is no database in"):
        async with open_store(config, make=False):
            pass
    assert not config.data_dir.exists()
    async with open_store(config):
        pass
    async with open_store(config, make=False) as store:
        assert await store.calls() == []


async def test_a_folder_that_cannot_be_made_is_said_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    config = Config(data_dir=tmp_path / "file" / "data")
    with pytest.raises(ConfigError, match="choose another folder"):
        async with open_store(config):
            pass


def test_a_folder_has_one_server_at_a_time(config: Config) -> None:
    with (
        held_folder(config),
        pytest.raises(StorageError, match="another server is running on"),
        held_folder(config),
    ):
        pass
    with held_folder(config):
        pass


def test_a_folder_that_cannot_be_locked_is_not_taken_for_another_servers(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(_handle: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    assert not is_held(config)
    monkeypatch.setattr(fcntl, "flock", refuses)
    with (
        pytest.raises(ConfigError, match=r"server\.lock: cannot be locked \(No locks available\)"),
        held_folder(config),
    ):
        pass
    assert is_held(config), "it may be"


async def test_what_callers_said_is_for_the_owner_alone(config: Config) -> None:
    with held_folder(config):
        async with open_store(config) as store:
            await store.save([CallRecord("CA1", "+15550100", "test", "en", 1.0)])
            modes = {file.name: file.stat().st_mode & 0o777 for file in config.data_dir.iterdir()}
    assert len(modes) >= 4, "the lock, and the database with its log and index"
    assert set(modes.values()) == {0o600}
    assert config.data_dir.stat().st_mode & 0o777 == 0o700
