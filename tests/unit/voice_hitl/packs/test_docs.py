"""The pack that docs/packs.md teaches is a pack, and its test passes."""

from __future__ import annotations

import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from voice_hitl.agent.flow import FlowAgent
from voice_hitl.agent.pack import load_pack
from voice_hitl.agent.testing import TextCall
from voice_hitl.packs.banking.bank import Bank

DOCS = Path(__file__).parents[4] / "docs" / "packs.md"
FILES = re.compile(r"^`([\w.]+)`[^\n]*\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)
ROWS = re.compile(r"^\| (\+\d+), (\+\d+) \| (\d{4}) \| (\d{4}) \|$", re.MULTILINE)


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = dict(FILES.findall(DOCS.read_text(encoding="utf-8")))
    assert set(files) == {"pack.yaml", "agent.yaml", "my_library.py"}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "policy.yaml").write_text("name: library\n")
    (tmp_path / "guidelines.md").write_text("Be kind.\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "my_library", raising=False)
    return tmp_path


async def test_the_pack_of_the_documentation_works(library: Path, tmp_path: Path) -> None:
    agent = FlowAgent(load_pack(library), tmp_path)
    call = TextCall(agent)
    read_back = await call.say("could i keep moby dick a bit longer")
    assert "I'll renew moby dick" in read_back.text
    done = await call.say("yes please")
    assert [proposal.name for proposal in done.proposals] == ["renew"]
    assert "due on may third" in done.text
    hours = await call.say("when do you close on sunday")
    assert "On the weekend we are closed" in hours.text
    again = TextCall(agent, call_id="second")
    await again.say("please renew moby dick for me")
    failed = await again.say("yes")
    assert "that didn't work" in failed.text
    await agent.aclose()


async def test_the_table_of_customers_is_true(tmp_path: Path) -> None:
    await Bank(tmp_path, {}).facts("")
    with closing(sqlite3.connect(tmp_path / "bank.db")) as db:
        cards = {
            (row[0], row[1]): row[2]
            for row in db.execute("SELECT phone, kind, last_four FROM cards")
        }
    rows = ROWS.findall(DOCS.read_text(encoding="utf-8"))
    assert len(rows) == 10
    for first, second, debit, credit in rows:
        for phone in (first, second):
            assert (cards[phone, "debit"], cards[phone, "credit"]) == (debit, credit)
