from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from voice_hitl.agent.pack import SHIPPED, load_pack
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
    (
        "  amount:\n    type",
        "  amount:\n    sensitive: true\n    type",
        "'amount' is sensitive and never",
    ),
    ("  target:\n    type", "  target:\n    sensitive: true\n    type", "would be told its value"),
    ("  recognized:\n", "  recognized:\n    sensitive: true\n", "a yes or no cannot be hidden"),
    ("    emergency_when: no\n", "    sensitive: yes\n", "a yes or no cannot be hidden"),
    (
        "    arguments: [account]\n",
        "    arguments: [account]\n    sensitive: [pin]\n",
        "'sensitive' names 'pin', which it neither takes nor returns",
    ),
    (
        "    returns: [status, ending]\n",
        "    returns: [status, ending]\n    sensitive: ending\n",
        "remove '{ending}'",
    ),
]


def test_what_is_sensitive_is_not_read_back(folder: Path) -> None:
    agent = folder / "agent.yaml"
    change(agent, "  merchant:\n", "  merchant:\n    sensitive: true\n")
    text = agent.read_text()
    agent.write_text(text.replace("{merchant}", "it"))
    spec = load_pack(folder).agent
    assert spec.sensitive == {"merchant"}


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
