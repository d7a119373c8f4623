from __future__ import annotations

import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from handoff.moderation import fingerprint
from voice_hitl import checking
from voice_hitl.agent.pack import SHIPPED
from voice_hitl.checking import Finding, check_all
from voice_hitl.config import Config

SECRET = "hush-hush-token"
PUBLIC = "https://voice.example.com"


@pytest.fixture(autouse=True)
def _own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither this machine's configuration, models nor console have a say."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "models"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "models"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "models"))
    for name in [name for name in os.environ if name.startswith("VOICE_HITL_")]:
        monkeypatch.delenv(name)
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "index.html").write_text("<title>console</title>")
    monkeypatch.setattr(checking, "CONSOLE_FILES", tmp_path / "dist")


def config(tmp_path: Path, **sections: Any) -> Config:
    return Config.model_validate({"data_dir": tmp_path / "data", **sections})


def check(made: Config) -> tuple[bool, str]:
    """Whether the server can run, and what was printed."""
    screen = io.StringIO()
    good = check_all(made, Console(file=screen, width=200))
    return good, screen.getvalue()


def found(made: Config, what: str) -> Finding:
    """The finding of one name."""
    (finding,) = [f for look in checking.CHECKS for f in look(made) if f.what == what]
    return finding


def test_what_is_in_force_is_printed_and_can_run(tmp_path: Path) -> None:
    good, text = check(config(tmp_path, server={"port": 8123}))
    assert good
    rows = {
        cells[1].strip(): cells[2].strip()
        for line in text.splitlines()
        if len(cells := line.split("│")) == 4
    }
    assert rows["server.port"] == "8123"
    assert rows["data_dir"] == str(tmp_path / "data")
    assert rows["agent.pack"] == "banking"
    assert rows["server.public_url"] == ""
    for what in ("data folder", "pack", "policy", "recognizer", "voice", "console"):
        assert f"ok   {what}: " in text
    assert "FAIL" not in text


def test_every_setting_is_printed(tmp_path: Path) -> None:
    made = config(tmp_path)
    _, text = check(made)
    for section, value in made.model_dump().items():
        names = [f"{section}.{key}" for key in value] if isinstance(value, dict) else [section]
        for name in names:
            assert name in text


def test_a_secret_is_never_printed(tmp_path: Path) -> None:
    _, text = check(config(tmp_path, twilio={"auth_token": SECRET}))
    assert "twilio.auth_token" in text
    assert SECRET not in text


def test_one_thing_that_is_wrong_is_enough(tmp_path: Path) -> None:
    good, text = check(config(tmp_path, agent={"pack": "nowhere"}))
    assert not good
    assert "FAIL pack: no pack 'nowhere'" in text
    assert "ok   data folder" in text, "the other checks are made all the same"


def test_markup_in_a_value_is_shown_as_it_is(tmp_path: Path) -> None:
    _, text = check(config(tmp_path, agent={"pack": "[red]nowhere[/]"}))
    assert "no pack '[red]nowhere[/]'" in text


def test_a_data_folder_that_cannot_be_written_is_found(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "deeper"):
        finding = found(config(tmp_path, data_dir=folder), "data folder")
        assert finding.good is False
        assert "choose another --data" in finding.words
    (tmp_path / "data").mkdir()
    assert found(config(tmp_path), "data folder").good is True
    assert list((tmp_path / "data").iterdir()) == []


def test_a_data_folder_that_is_not_there_is_said_and_not_made(tmp_path: Path) -> None:
    finding = found(config(tmp_path, data_dir=tmp_path / "deep" / "slip"), "data folder")
    assert finding.good is True
    assert finding.words == f"{tmp_path / 'deep' / 'slip'}; not there yet, `serve` makes it"
    assert not (tmp_path / "deep").exists()


def test_a_data_folder_that_others_may_look_into_is_noted(tmp_path: Path) -> None:
    made = config(tmp_path)
    made.data_dir.mkdir(mode=0o700)
    _, text = check(made)
    assert "its rights" not in text
    made.data_dir.chmod(0o755)
    finding = found(made, "its rights")
    assert finding.good is None
    assert "chmod 700" in finding.words


def test_a_pack_is_named_with_its_folder_and_policy(tmp_path: Path) -> None:
    made = config(tmp_path)
    assert "banking" in found(made, "pack").words
    assert "intents" in found(made, "pack").words
    assert "version" in found(made, "policy").words


def test_what_moderates_is_said_and_tried(tmp_path: Path) -> None:
    assert "no classifier" in found(config(tmp_path), "moderation").words
    pack = tmp_path / "mine"
    shutil.copytree(SHIPPED / "banking", pack, ignore=shutil.ignore_patterns("scenarios"))
    (pack / "moderation").mkdir(exist_ok=True)
    known = pack / "moderation" / "known.txt"
    known.write_text(f"{fingerprint('burn it down')} arson\n")
    examples = pack / "moderation" / "examples.jsonl"
    texts = [f"the {one}{other} thing" for one in "abcdefgh" for other in "mnoprsuw"]
    for bad, good, words in (
        ("burn it", "insure it", "1 known texts, patterns of the agent's leaks, classifier of 128"),
        ("so", "well", "AUC 1.00"),
    ):
        lines = [
            json.dumps({"text": f"{text} {side}", "violation": side == bad})
            for text in texts
            for side in (bad, good)
        ]
        examples.write_text("\n".join(lines))
        assert words in found(config(tmp_path, agent={"pack": str(pack)}), "moderation").words
    examples.write_text("\n".join(lines[:20]))
    finding = found(config(tmp_path, agent={"pack": str(pack)}), "pack")
    assert finding.good is False
    assert "examples.jsonl:20" in finding.words


def test_a_ladder_is_compared_with_the_policy(tmp_path: Path) -> None:
    finding = found(config(tmp_path, agent={"ladder": ["flow"]}), "ladder")
    assert (finding.good, finding.words) == (True, "flow, within 2 s a turn")
    finding = found(config(tmp_path, agent={"ladder": ["flow", "mine:Llm"]}), "ladder")
    assert finding.good is False
    assert "names flow and agent.ladder flow, Llm: name the same" in finding.words
    assert not [each for each in checking._pack(config(tmp_path)) if each.what == "ladder"]


def test_a_bad_policy_is_found(tmp_path: Path) -> None:
    pack = tmp_path / "mine"
    shutil.copytree(SHIPPED / "banking", pack, ignore=shutil.ignore_patterns("scenarios"))
    (pack / "policy.yaml").write_text("hysteresis: {high: -1.0, low: 0.0}\n")
    finding = found(config(tmp_path, agent={"pack": str(pack)}), "pack")
    assert finding.good is False
    assert "policy.yaml" in finding.words
    assert "raise 'high' or lower 'low'" in finding.words


@pytest.mark.parametrize(
    ("engine", "good", "words"),
    [
        ("sphinx", True, "embedded"),
        ("auto", True, "embedded"),
        ("whisper", False, "voice-hitl models pull"),
    ],
)
def test_without_a_whisper_model_the_embedded_recognizer_is_said(
    tmp_path: Path, engine: str, good: bool, words: str
) -> None:
    finding = found(config(tmp_path, speech={"recognizer": engine}), "recognizer")
    assert finding.good is good
    assert words in finding.words


def test_a_model_folder_that_holds_none_is_found(tmp_path: Path) -> None:
    speech = {"recognizer": "whisper", "whisper_model": tmp_path / "absent"}
    finding = found(config(tmp_path, speech=speech), "recognizer")
    assert finding.good is False
    assert "absent" in finding.words


def test_a_missing_voice_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    finding = found(config(tmp_path), "voice")
    assert finding.good is False
    assert "voice-hitl[espeak]" in finding.words


def test_a_console_that_was_never_built_is_found(tmp_path: Path) -> None:
    (tmp_path / "dist" / "index.html").unlink()
    assert found(config(tmp_path), "console").good is False


@pytest.mark.parametrize(
    ("twilio", "url", "good", "words"),
    [
        ({}, None, None, "only callers on this machine"),
        ({"auth_token": SECRET}, None, False, "server.public_url is not"),
        ({"auth_token": SECRET}, "http://voice.example.com", None, "not https"),
        ({"auth_token": SECRET}, PUBLIC, None, "no twilio.fallback_number"),
        (
            {"auth_token": SECRET, "fallback_number": "+15550123"},
            PUBLIC,
            True,
            f"{PUBLIC}/twilio/voice",
        ),
    ],
)
def test_what_twilio_needs_is_said_step_by_step(
    tmp_path: Path, twilio: dict[str, str], url: str | None, good: bool | None, words: str
) -> None:
    finding = found(config(tmp_path, twilio=twilio, server={"public_url": url}), "telephony")
    assert finding.good is good
    assert words in finding.words
    assert SECRET not in finding.words


def test_more_workers_than_cores_are_remarked_on(tmp_path: Path) -> None:
    cores = len(os.sched_getaffinity(0))
    assert cores < 64
    finding = found(config(tmp_path, speech={"workers": 64}), "workers")
    assert finding.good is None
    assert f"{cores} cores" in finding.words
    made = config(tmp_path, speech={"workers": cores})
    assert not [f for look in checking.CHECKS for f in look(made) if f.what == "workers"]
