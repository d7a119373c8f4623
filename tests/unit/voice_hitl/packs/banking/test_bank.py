from __future__ import annotations

import asyncio
import datetime as dt
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_hitl.agent.tools import ToolCall, ToolResult
from voice_hitl.errors import ToolError
from voice_hitl.packs.banking.bank import Bank
from voice_hitl.packs.banking.ledger import Ledger

TODAY = dt.date(2025, 3, 12)
ALICE = "+15550100"


def call(action: str = "a1", caller: str = ALICE) -> ToolCall:
    return ToolCall("call", caller, action)


async def test_balances(bank: Bank) -> None:
    checking = await bank.get_balance(call(), account="checking")
    assert checking.values["balance"] == "two thousand eight hundred forty dollars and fifty cents"
    nobody = await bank.get_balance(call(caller="unknown"), account="checking")
    assert nobody.values["status"] == "none"
    odd = await bank.get_balance(call(caller="+15550101"), account="money_market")
    assert odd.values["status"] == "none"


async def test_a_transfer_moves_money_for_good(bank: Bank, tmp_path: Path) -> None:
    result = await bank.transfer(call(), source="checking", target="savings", amount="200.00")
    assert result.report == "Moved $200.00 from checking to savings"
    facts = await Bank(tmp_path, {}, today=lambda: TODAY).facts(ALICE)
    assert (facts["checking"], facts["savings"], facts["transfers"]) == ("2640.50", "6400.00", "1")


async def test_an_action_that_is_tried_again_is_done_once(bank: Bank) -> None:
    first = await bank.transfer(call("x"), source="checking", target="savings", amount="10.00")
    again = await bank.transfer(call("x"), source="checking", target="savings", amount="10.00")
    assert first == again
    assert (await bank.facts(ALICE))["transfers"] == "1"


async def test_many_transfers_at_once_lose_no_cent(bank: Bank) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(12):
            source, target = ("checking", "savings") if number % 3 else ("savings", "checking")
            group.create_task(
                bank.transfer(call(f"t{number}"), source=source, target=target, amount="10.01")
            )
    facts = await bank.facts(ALICE)
    assert float(facts["checking"]) + float(facts["savings"]) == pytest.approx(9040.50)
    assert facts["transfers"] == "12"


@pytest.mark.parametrize(
    ("source", "target", "amount"),
    [
        ("checking", "savings", "2840.51"),
        ("checking", "checking", "1.00"),
        ("checking", "nowhere", "1.00"),
    ],
)
async def test_a_transfer_that_cannot_be_changes_nothing(
    bank: Bank, source: str, target: str, amount: str
) -> None:
    before = await bank.facts(ALICE)
    with pytest.raises(ToolError):
        await bank.transfer(call(), source=source, target=target, amount=amount)
    assert await bank.facts(ALICE) == before


async def test_checking_a_transfer(bank: Bank) -> None:
    check = bank.check_transfer
    ok = await check(call(), source="checking", target="savings", amount="2840.50")
    assert ok.values["status"] == "ok"
    poor = await check(call(), source="checking", target="savings", amount="2840.51")
    assert poor.values["status"] == "insufficient"
    none = await check(
        call(caller="+15550101"), source="checking", target="money_market", amount="1.00"
    )
    assert none.values["status"] == "no_account"


async def test_verifying_by_card_digits(bank: Bank) -> None:
    assert (await bank.verify(call(), last_four="4321")).values["verified"] == "yes"
    assert (await bank.verify(call(), last_four="4322")).values["verified"] == "no"
    assert (await bank.verify(call(caller="x"), last_four="4321")).values["verified"] == "no"
    other = await bank.verify(call(caller="+15550101"), last_four="5432")
    assert other.values["verified"] == "yes"


async def test_blocking_and_ordering_a_card(bank: Bank) -> None:
    assert (await bank.find_card(call(), card="debit")).values == {
        "status": "active",
        "ending": "four three two one",
    }
    await bank.block_card(call("b"), card="debit")
    assert (await bank.find_card(call(), card="debit")).values["status"] == "blocked"
    ordered = await bank.order_card(call("o"), card="debit")
    assert ordered.values["arrival"] == "march nineteenth"
    delivery = await bank.card_delivery(call(), card="debit")
    assert "should arrive by march nineteenth" in delivery.values["delivery"]
    assert (await bank.find_card(call(caller="x"), card="debit")).values["status"] == "none"
    with pytest.raises(ToolError, match="no debit card"):
        await bank.block_card(call("c", "x"), card="debit")


async def test_card_deliveries(bank: Bank) -> None:
    assert (await bank.card_delivery(call())).values["status"] == "none"
    waiting = await bank.card_delivery(call(caller="+15550102"))
    assert waiting.values["status"] == "sent"
    credit = await bank.card_delivery(call(caller="+15550102"), card="credit")
    assert credit.values["status"] == "none"


async def test_finding_a_charge(bank: Bank) -> None:
    found = await bank.find_charge(call(), merchant="super_electronics")
    assert found.values["charge"] == (
        "seven hundred forty nine dollars at super electronics on march eleventh"
    )
    near = await bank.find_charge(call(), merchant="green_market", charge_date="2025-03-09")
    assert near.values["status"] == "found"
    far = await bank.find_charge(call(), merchant="green_market", charge_date="2025-02-20")
    assert far.values["status"] == "none"
    assert (await bank.find_charge(call(caller="x"), merchant="green_market")).values[
        "charge_id"
    ] == ""


async def test_disputes_and_fraud_cases(bank: Bank) -> None:
    charge = (await bank.find_charge(call(), merchant="corner_coffee")).values["charge_id"]
    case = await bank.open_dispute(call("d"), charge_id=charge, reason="duplicate")
    assert case.values["case"] == "one zero zero one"
    fraud = await bank.report_fraud(call("f"), card="credit")
    assert fraud.values["case"] == "one zero zero two"
    facts = await bank.facts(ALICE)
    assert (facts["disputes"], facts["fraud_cases"], facts["credit_card"]) == ("1", "1", "blocked")
    with pytest.raises(ToolError, match="No charge"):
        await bank.open_dispute(call("e", "+15550101"), charge_id=charge, reason="duplicate")


@pytest.mark.parametrize(
    ("branch", "day", "hours"),
    [
        (
            "downtown",
            None,
            "open monday to friday from nine to five, and on saturday from ten to two",
        ),
        ("university", None, "open monday to friday from ten to six"),
        ("downtown", "sunday", "closed on sunday"),
        ("airport", "sunday", "open on sunday from eight to eight"),
        ("riverside", "today", "open today from nine to six"),
        ("riverside", "tomorrow", "open tomorrow from nine to six"),
    ],
)
async def test_hours(bank: Bank, branch: str, day: str | None, hours: str) -> None:
    assert (await bank.branch_hours(call(), branch=branch, day=day)).values["hours"] == hours


async def test_branches(bank: Bank) -> None:
    one = await bank.find_branch(call(), branch="downtown")
    assert one.values["where"] == "The downtown branch is at twelve main street"
    every = await bank.find_branch(call())
    assert every.values["where"].endswith("university and airport")


@settings(max_examples=15, deadline=None)
@given(amounts=st.lists(st.decimals("0.01", "900.00", places=2), min_size=1, max_size=6))
def test_money_is_only_ever_moved(
    tmp_path_factory: pytest.TempPathFactory, amounts: list[object]
) -> None:
    bank = Bank(tmp_path_factory.mktemp("bank"), {}, today=lambda: TODAY)

    async def move() -> dict[str, str]:
        for number, amount in enumerate(amounts):
            try:
                await bank.transfer(
                    call(f"m{number}"), source="checking", target="savings", amount=f"{amount:.2f}"
                )
            except ToolError:
                continue
        return await bank.facts(ALICE)

    facts = asyncio.run(move())
    assert round(float(facts["checking"]) + float(facts["savings"]), 2) == 9040.50
    assert float(facts["checking"]) >= 0


async def test_the_bank_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    bank = Bank(folder, {}, today=lambda: TODAY)
    assert (await bank.facts(ALICE))["checking"] == "2840.50"
    assert folder.stat().st_mode & 0o777 == 0o700
    modes = {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}
    assert modes["bank.db"] == 0o600
    assert set(modes.values()) == {0o600}


async def test_a_bank_whose_file_cannot_be_made_is_a_tool_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    bank = Bank(tmp_path / "file", {}, today=lambda: TODAY)
    with pytest.raises(ToolError, match="bank database"):
        await bank.facts(ALICE)


async def test_a_ledger_that_cannot_be_used_is_a_tool_error(tmp_path: Path) -> None:
    (tmp_path / "bank.db").write_text("no database")
    with pytest.raises(ToolError, match="bank database"):
        await Ledger(tmp_path / "bank.db", lambda: TODAY).read(lambda db: None)


async def test_a_change_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "bank.db", lambda: TODAY)

    def half(db: sqlite3.Connection) -> ToolResult:
        db.execute("UPDATE accounts SET cents = 0")
        raise ToolError("half way")

    def total(db: sqlite3.Connection) -> int:
        return int(db.execute("SELECT sum(cents) FROM accounts").fetchone()[0])

    before = await ledger.read(total)
    with pytest.raises(ToolError, match="half way"):
        await ledger.change("h", half)
    assert await ledger.read(total) == before > 0
