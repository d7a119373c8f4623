from __future__ import annotations

from pathlib import Path

import pytest

from voice_hitl.config import load_config
from voice_hitl.errors import ConfigError


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_the_defaults_hold() -> None:
    assert load_config().server.port == 8080


def test_the_file_of_the_working_directory_is_read(tmp_path: Path) -> None:
    write(tmp_path / "voice-hitl.toml", "[server]\nport = 9000\n")
    assert load_config().server.port == 9000


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "my.toml", "[server]\nport = 9000\nmax_calls = 5\n")
    monkeypatch.setenv("VOICE_HITL_SERVER__PORT", "9001")
    config = load_config(file)
    assert (config.server.port, config.server.max_calls) == (9001, 5)


def test_a_ladder_is_a_list_in_the_file_and_json_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "my.toml", '[agent]\nladder = ["flow", "mine:Llm"]\n')
    assert load_config(file).agent.ladder == ("flow", "mine:Llm")
    monkeypatch.setenv("VOICE_HITL_AGENT__LADDER", '["flow", "other:Llm"]')
    assert load_config(file).agent.ladder == ("flow", "other:Llm")


def test_an_empty_variable_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICE_HITL_SERVER__PUBLIC_URL", "")
    assert load_config().server.public_url is None


def test_proxies_are_addresses_and_networks(tmp_path: Path) -> None:
    assert load_config().server.trusted_proxies == ()
    text = '[server]\ntrusted_proxies = ["127.0.0.1", "10.0.0.0/8"]\n'
    file = write(tmp_path / "my.toml", text)
    assert load_config(file).server.trusted_proxies == ("127.0.0.1/32", "10.0.0.0/8")


def test_calls_are_kept_half_a_year_unless_told_otherwise(tmp_path: Path) -> None:
    assert load_config().storage.keep_days == 180
    file = write(tmp_path / "my.toml", "[storage]\nkeep_days = 0\n")
    assert load_config(file).storage.keep_days == 0
    with pytest.raises(ConfigError, match=r"storage\.keep_days"):
        load_config(write(tmp_path / "bad.toml", "[storage]\nkeep_days = -1\n"))


def test_a_public_url_loses_its_trailing_slash(tmp_path: Path) -> None:
    file = write(tmp_path / "my.toml", '[server]\npublic_url = "https://voice.example/"\n')
    assert load_config(file).server.public_url == "https://voice.example"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[server]\nport = 99999\n", "server.port"),
        ("[server]\nprot = 1\n", "server.prot: there is no such setting: write 'port'"),
        ("[sever]\nport = 1\n", "sever: there is no such setting: write 'server'"),
        (
            "[log]\nxyz = 1\n",
            "log.xyz: there is no such setting: remove it, known here: format, level",
        ),
        ('[server]\npublic_url = "voice.example"\n', "must start with https://"),
        ('[server]\ntrusted_proxies = ["my.proxy"]\n', "my.proxy"),
        ("[server\n", "not valid TOML"),
        ('[agent]\nagent = "a:B"\nladder = ["flow"]\n', "'agent' and 'ladder' are both set"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    file = write(tmp_path / "my.toml", text)
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert words in str(caught.value)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value) or "TOML" in str(caught.value)


def test_every_mistake_is_listed_unknown_keys_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "[server]\nport = 'x'\nmax_calls = 0\nprot = 1\n[log]\nlevel = 'loud'\n"
    file = write(tmp_path / "my.toml", text)
    monkeypatch.setenv("VOICE_HITL_SERVER__PUBLIC_URL", "voice.example")
    monkeypatch.setenv("VOICE_HITL_STORAGE__KEEP_DAY", "3")
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    lines = str(caught.value).split("\n  ")
    assert lines[0] == "6 mistakes in the configuration:"
    assert set(lines[1:3]) == {
        f"{file}: server.prot: there is no such setting: write 'port'",
        "environment variable VOICE_HITL_STORAGE__KEEP_DAY: storage.keep_day: there is no such "
        "setting: write 'keep_days'",
    }
    assert set(lines[3:]) == {
        f"{file}: server.port: must be a whole number (got 'x')",
        f"{file}: server.max_calls: must be 1 or more (got 0)",
        "environment variable VOICE_HITL_SERVER__PUBLIC_URL: server.public_url: must start with "
        "https:// (or http:// for tests) (got 'voice.example')",
        f"{file}: log.level: must be 'debug', 'info', 'warning' or 'error' (got 'loud')",
    }


def test_the_variable_is_named_and_not_the_file_that_it_overrules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "my.toml", '[server]\nport = 9000\n[agent]\nagent = "a:B"\n')
    monkeypatch.setenv("VOICE_HITL_SERVER__PORT", "99999")
    monkeypatch.setenv("VOICE_HITL_AGENT__LADDER", '["flow"]')
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    said = str(caught.value)
    assert (
        "environment variable VOICE_HITL_SERVER__PORT: server.port: must be 65535 or less" in said
    )
    assert f"{file} and environment variable VOICE_HITL_AGENT__LADDER: agent: " in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"port": "x"}', "environment variable VOICE_HITL_SERVER: server.port: must be a whole"),
        ("{port", "environment variable VOICE_HITL_SERVER: must be JSON, e.g. "),
    ],
)
def test_a_section_in_one_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    monkeypatch.setenv("VOICE_HITL_SERVER", text)
    with pytest.raises(ConfigError) as caught:
        load_config()
    assert str(caught.value).startswith(words)


def test_a_list_in_a_variable_that_is_no_json_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICE_HITL_AGENT__LADDER", "flow")
    with pytest.raises(ConfigError, match=r"VOICE_HITL_AGENT__LADDER: must be JSON, e\.g\. \["):
        load_config()


def test_a_secret_that_cannot_be_used_is_not_shown(tmp_path: Path) -> None:
    file = write(tmp_path / "my.toml", "[twilio]\nauth_token = 4711\n")
    with pytest.raises(ConfigError, match=r"twilio\.auth_token: must be text$"):
        load_config(file)


def test_a_missing_file_is_an_error_when_it_was_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "absent.toml")


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICE_HITL_TWILIO__AUTH_TOKEN", "hush-hush")
    assert "hush-hush" not in repr(load_config())
