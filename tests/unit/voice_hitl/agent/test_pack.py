from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from handoff.commands import Notice
from voice_hitl.agent.pack import SHIPPED, Pack, load_pack, shipped_packs
from voice_hitl.agent.yaml_source import YamlSource
from voice_hitl.errors import PackError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "mine"
    shutil.copytree(SHIPPED / "banking", copy, ignore=shutil.ignore_patterns("scenarios"))
    return copy


def test_shipped_packs_load_by_name() -> None:
    assert "banking" in shipped_packs()
    for name in shipped_packs():
        pack = load_pack(name)
        assert pack.name == name
        assert pack.guidelines.strip()


def test_a_folder_loads_like_a_shipped_pack(folder: Path) -> None:
    pack = load_pack(folder)
    assert (pack.name, pack.path) == ("banking", folder)
    assert pack.policy == load_pack("banking").policy
    assert pack.scenarios_path == folder / "scenarios"


def test_every_notice_has_words_and_repeats_vary_in_a_circle() -> None:
    pack = load_pack("banking")
    for notice in Notice:
        variants = len(pack.info.notices[notice])
        assert pack.notice(notice) == pack.notice(notice, variants)
        assert "{" not in pack.notice(notice)


def test_fixed_prompts_are_whole_and_hold_all_that_never_changes() -> None:
    pack = load_pack("banking")
    prompts = pack.fixed_prompts()
    assert len(set(prompts)) == len(prompts)
    assert not [text for text in prompts if "{" in text]
    assert set(pack.greeting) <= set(prompts)
    assert pack.notice(Notice.CONNECTING) in prompts
    assert set(pack.info.prompts.no_match) <= set(prompts)
    assert pack.agent.slots["source"].ask[0] in prompts


def test_unknown_names_and_folders(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"no pack 'nonesuch'; give the path .* banking"):
        load_pack("nonesuch")
    with pytest.raises(PackError, match=r"has no pack\.yaml"):
        load_pack(tmp_path)


@pytest.mark.parametrize("file", ["agent.yaml", "policy.yaml", "guidelines.md"])
def test_a_missing_file_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(PackError, match=file):
        load_pack(folder)


def test_any_missing_part_is_an_error_or_a_pack_but_never_a_crash(folder: Path) -> None:
    """Takes every slot, tool, flow and intent away once."""
    file = folder / "agent.yaml"
    whole: dict[str, Any] = YamlSource(file).data
    tried = 0
    for section in ("slots", "tools", "flows", "intents"):
        for name in whole[section]:
            rest = {key: value for key, value in whole[section].items() if key != name}
            file.write_text(
                json.dumps({**whole, section: rest})
            )  # JSON is YAML, and quick to write
            tried += 1
            try:
                assert isinstance(load_pack(folder), Pack)
            except PackError as error:
                assert "agent.yaml:" in str(error)
    assert tried > 40
