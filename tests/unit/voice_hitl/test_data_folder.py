from __future__ import annotations

from pathlib import Path

import pytest

from voice_hitl.config import Config
from voice_hitl.data_folder import SAMPLING_KEY, open_store, sampling_key
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
