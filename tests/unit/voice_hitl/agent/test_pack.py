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


def change(file: Path, old: str, new: str) -> int:
    """Replace text in a file that must hold it; returns the line where it begins."""
    text = file.read_text()
    assert old in text
    at = text.index(old)
    file.write_text(text[:at] + new + text[at + len(old) :])
    return text[:at].count("\n") + 1


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


AGENT_FAULTS = [
    ("flow: balance\n    examples", "flow: balanse\n    examples", "write 'balance'"),
    ("of my {account} account", "of my {acount} account", "write '{account}'"),
    ("- ask: source\n", "- ask: sourse\n", "no slot 'sourse'; write 'source'"),
    ("- run: verify\n", "- run: verfy\n", "no tool 'verfy'; write 'verify'"),
    ("- goto: fraud\n", "- goto: frad\n", "no flow 'frad'; write 'fraud'"),
    ("when: {account: credit}", "when: {account: credt}", "none of its values"),
    ("when: {status: none}", "when: {statuss: none}", "write 'status'"),
    ("differs_from: target", "differs_from: targt", "no slot 'targt'"),
    ("emergency_when: no", "emergency_when: maybe", "none of its values; use yes, no"),
    ("forget: [last_four]", "forget: [last]", "no slot 'last'"),
    ("There is only {source_balance}", "There is only {balanc}", "write '{balance}'"),
    ("    - ask: card\n    - run: find_card", "    - run: find_card", "add '- ask: card' before"),
    ("returns: [status, balance]", "returns: [status, amount]", "a slot's name too"),
    (
        "    - confirm: I'll move {amount} from {source} to {target}. Is that right?\n",
        "",
        "put a 'confirm' step before it",
    ),
    ("I'll move {amount} from", "I'll move it from", "reads 'amount' back"),
    ("forget: [amount]", "forget: [charge_date]", "asks for 'charge_date' again"),
    ("tools:\n", "tools:\n  verfy: {effect: read, summary: x}\n", "rename it to 'verify'"),
    (
        "arguments: [account]\n",
        "arguments: [account]\n    optional: [card]\n",
        "no keyword-only 'card'",
    ),
    ("arguments: [last_four]", "arguments: []", "needs 'last_four'; add it"),
    ("effect: reversible\n    above", "effect: reversable\n    above", "effect"),
    ("amount: amount\n    limit", "amount: target_amount\n    limit", "not among 'arguments'"),
    ("    limit: 1000\n", "", "'amount' and 'limit' go together"),
]


@pytest.mark.parametrize(("old", "new", "mend"), AGENT_FAULTS)
def test_faults_in_agent_yaml_name_file_line_and_mend(
    folder: Path, old: str, new: str, mend: str
) -> None:
    change(folder / "agent.yaml", old, new)
    with pytest.raises(PackError) as caught:
        load_pack(folder)
    message = str(caught.value)
    head = f"{folder / 'agent.yaml'}:"
    assert message.startswith(head)
    assert message.removeprefix(head).split(":")[0].isdigit()
    assert mend in message


def test_the_line_is_the_faulty_one(folder: Path) -> None:
    line = change(folder / "agent.yaml", "- goto: fraud", "- goto: frad")
    with pytest.raises(PackError, match=rf"agent\.yaml:{line}: flows\.dispute"):
        load_pack(folder)


PACK_FAULTS = [
    (
        '  goodbye: "Thank you for calling {bank}. Goodbye."\n  draining',
        "  draining",
        "notices lack goodbye",
    ),
    ("language: en", "language: xx", "no language 'xx'; use one of en"),
    ("currency: USD", "currency: XYZ", "use one of USD"),
    ("of {bank}.", "of {bnk}.", "write '{bank}'"),
    ("bank:Bank", "bank:Bnak", "has no class Bnak"),
    ("banking.bank:Bank", "banking.bnk:Bank", "cannot import"),
    ("tools: voice_hitl.packs.banking.bank:Bank\n", "", "add 'tools: module:Class'"),
    ("oversight: on_the_loop", "oversight: sometimes", "oversight"),
]


@pytest.mark.parametrize(("old", "new", "mend"), PACK_FAULTS)
def test_faults_in_pack_yaml(folder: Path, old: str, new: str, mend: str) -> None:
    change(folder / "pack.yaml", old, new)
    with pytest.raises(PackError) as caught:
        load_pack(folder)
    assert str(caught.value).startswith(f"{folder / 'pack.yaml'}:")
    assert mend in str(caught.value)


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
