"""The bank behind the pack: a small SQLite file that really changes and stays changed.

It knows its customers by telephone number. Every change is one transaction and remembers its action
id, so that an action that is tried again is not done again.
"""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

from voice_hitl.agent.dates import WEEKDAYS, say_date, show_date
from voice_hitl.agent.money import CURRENCIES, say_amount, show_amount
from voice_hitl.agent.numbers import spell_digits
from voice_hitl.agent.tools import ToolCall, ToolResult
from voice_hitl.errors import ToolError
from voice_hitl.packs.banking.ledger import Ledger

_DOLLAR = CURRENCIES["USD"]
_DELIVERY_DAYS = 7
_DATE_SLACK_DAYS = 3  # callers remember days only roughly


class Bank:
    """Tools of the banking pack."""

    def __init__(
        self,
        data: Path,
        parameters: Mapping[str, str],
        today: Callable[[], dt.date] = dt.date.today,
    ) -> None:
        """Keep the bank in `data`/bank.db; made now where it is not there, seeded when first needed.

        It is for its owner alone; SQLite gives those beside it the same mode.
        """
        file = data / "bank.db"
        with suppress(OSError):  # it is there, or the ledger says why it cannot be
            data.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        self._ledger = Ledger(file, today)
        self._today = today

    async def aclose(self) -> None:
        """Nothing to release: connections live as long as one operation."""

    # --- reading ------------------------------------------------------------------------------

    async def get_balance(self, call: ToolCall, *, account: str) -> ToolResult:
        """Balance of one account."""

        def work(db: sqlite3.Connection) -> ToolResult:
            cents = _cents(db, call.caller, account)
            if cents is None:
                return ToolResult(f"No {account} account", {"status": "none", "balance": ""})
            return ToolResult(
                f"{account} balance is {_shown(cents)}", {"status": "ok", "balance": _said(cents)}
            )

        return await self._ledger.read(work)

    async def verify(self, call: ToolCall, *, last_four: str) -> ToolResult:
        """Whether the digits are those of the caller's debit card."""

        def work(db: sqlite3.Connection) -> ToolResult:
            row = db.execute(
                "SELECT last_four FROM cards WHERE phone = ? AND kind = 'debit'", (call.caller,)
            ).fetchone()
            good = row is not None and row[0] == last_four
            report = "Debit card digits match" if good else "Debit card digits do not match"
            return ToolResult(report, {"verified": "yes" if good else "no"})

        return await self._ledger.read(work)

    async def check_transfer(
        self, call: ToolCall, *, source: str, target: str, amount: str
    ) -> ToolResult:
        """Whether a transfer could be made now."""

        def work(db: sqlite3.Connection) -> ToolResult:
            have, other = _cents(db, call.caller, source), _cents(db, call.caller, target)
            if have is None or other is None:
                return ToolResult(
                    f"No {source if have is None else target} account",
                    {"status": "no_account", "source_balance": ""},
                )
            status = "ok" if have >= _to_cents(amount) else "insufficient"
            return ToolResult(
                f"{_shown(have)} in {source}: {status}",
                {"status": status, "source_balance": _said(have)},
            )

        return await self._ledger.read(work)

    async def find_card(self, call: ToolCall, *, card: str) -> ToolResult:
        """Status of a card."""

        def work(db: sqlite3.Connection) -> ToolResult:
            row = db.execute(
                "SELECT status, last_four FROM cards WHERE phone = ? AND kind = ?",
                (call.caller, card),
            ).fetchone()
            if row is None:
                return ToolResult(f"No {card} card", {"status": "none", "ending": ""})
            return ToolResult(
                f"The {card} card ending in {row[1]} is {row[0]}",
                {"status": row[0], "ending": spell_digits(row[1])},
            )

        return await self._ledger.read(work)

    async def find_charge(
        self,
        call: ToolCall,
        *,
        merchant: str,
        charge_date: str | None = None,
        amount: str | None = None,
    ) -> ToolResult:
        """The latest charge from a merchant; nearest to the day and amount where those are known."""

        def work(db: sqlite3.Connection) -> ToolResult:
            rows = db.execute(
                "SELECT id, name, cents, day FROM charges WHERE phone = ? AND merchant = ? "
                "AND day >= ? ORDER BY day DESC",
                (call.caller, merchant, (self._today() - dt.timedelta(days=60)).isoformat()),
            ).fetchall()
            if charge_date is not None:
                wanted = dt.date.fromisoformat(charge_date)
                rows = [row for row in rows if _days(row[3], wanted) <= _DATE_SLACK_DAYS]
                rows.sort(key=lambda row: _days(row[3], wanted))
            if amount is not None:
                rows.sort(key=lambda row: abs(row[2] - _to_cents(amount)))
            if not rows:
                return ToolResult(
                    f"No charge from {merchant} found",
                    {"status": "none", "charge": "", "charge_id": ""},
                )
            charge_id, name, cents, day = rows[0]
            on = dt.date.fromisoformat(day)
            return ToolResult(
                f"Charge {charge_id}: {_shown(cents)} at {name} on {show_date(on)}",
                {
                    "status": "found",
                    "charge": f"{_said(cents)} at {name} on {say_date(on)}",
                    "charge_id": str(charge_id),
                },
            )

        return await self._ledger.read(work)

    async def card_delivery(self, call: ToolCall, *, card: str | None = None) -> ToolResult:
        """The card that is on its way to the caller."""

        def work(db: sqlite3.Connection) -> ToolResult:
            row = db.execute(
                "SELECT card, ordered_on, due_on FROM deliveries WHERE phone = ? "
                "AND (? IS NULL OR card = ?) AND due_on >= ? ORDER BY id DESC",
                (call.caller, card, card, self._today().isoformat()),
            ).fetchone()
            if row is None:
                return ToolResult("No card on its way", {"status": "none", "delivery": ""})
            ordered, due = (dt.date.fromisoformat(text) for text in row[1:])
            return ToolResult(
                f"{row[0]} card ordered on {show_date(ordered)}, due on {show_date(due)}",
                {
                    "status": "sent",
                    "delivery": f"{row[0]} card was sent on {say_date(ordered)} "
                    f"and should arrive by {say_date(due)}",
                },
            )

        return await self._ledger.read(work)

    async def branch_hours(
        self, call: ToolCall, *, branch: str, day: str | None = None
    ) -> ToolResult:
        """When a branch is open."""

        def work(db: sqlite3.Connection) -> ToolResult:
            weekdays, saturday, sunday = db.execute(
                "SELECT weekdays, saturday, sunday FROM branches WHERE name = ?", (branch,)
            ).fetchone()
            if day is None:
                weekend = f", and on saturday from {saturday}" if saturday else ""
                hours = f"open monday to friday from {weekdays}{weekend}"
            else:
                name, weekday = self._weekday(day)
                span = {"saturday": saturday, "sunday": sunday}.get(weekday, weekdays)
                hours = f"open {name} from {span}" if span else f"closed {name}"
            return ToolResult(f"{branch}: {hours}", {"hours": hours})

        return await self._ledger.read(work)

    async def find_branch(self, call: ToolCall, *, branch: str | None = None) -> ToolResult:
        """Where a branch is, or where they all are."""

        def work(db: sqlite3.Connection) -> ToolResult:
            if branch is not None:
                (address,) = db.execute(
                    "SELECT address FROM branches WHERE name = ?", (branch,)
                ).fetchone()
                where = f"The {branch} branch is at {address}"
            else:
                names = [row[0] for row in db.execute("SELECT name FROM branches ORDER BY rowid")]
                where = f"Our branches are {', '.join(names[:-1])} and {names[-1]}"
            return ToolResult(where, {"where": where})

        return await self._ledger.read(work)

    # --- changing -----------------------------------------------------------------------------

    async def transfer(
        self, call: ToolCall, *, source: str, target: str, amount: str
    ) -> ToolResult:
        """Move money between the caller's accounts."""

        def work(db: sqlite3.Connection) -> ToolResult:
            cents, have = _to_cents(amount), _cents(db, call.caller, source)
            if have is None or _cents(db, call.caller, target) is None or source == target:
                raise ToolError(f"No transfer from {source} to {target} is possible")
            if have < cents:
                raise ToolError(f"Only {_shown(have)} in {source}")
            move = "UPDATE accounts SET cents = cents + ? WHERE phone = ? AND kind = ?"
            db.execute(move, (-cents, call.caller, source))
            db.execute(move, (cents, call.caller, target))
            db.execute(
                "INSERT INTO transfers (phone, source, target, cents, day) VALUES (?, ?, ?, ?, ?)",
                (call.caller, source, target, cents, self._today().isoformat()),
            )
            return ToolResult(
                f"Moved {_shown(cents)} from {source} to {target}",
                {"source_balance": _said(have - cents)},
            )

        return await self._ledger.change(call.action_id, work)

    async def block_card(self, call: ToolCall, *, card: str) -> ToolResult:
        """Block a card; a person at the bank can lift the block within a day."""

        def work(db: sqlite3.Connection) -> ToolResult:
            self._block(db, call.caller, card)
            return ToolResult(f"Blocked the {card} card", {"status": "blocked"})

        return await self._ledger.change(call.action_id, work)

    async def order_card(self, call: ToolCall, *, card: str) -> ToolResult:
        """Send a new card to the caller's address."""

        def work(db: sqlite3.Connection) -> ToolResult:
            today = self._today()
            due = today + dt.timedelta(days=_DELIVERY_DAYS)
            db.execute(
                "INSERT INTO deliveries (phone, card, ordered_on, due_on) VALUES (?, ?, ?, ?)",
                (call.caller, card, today.isoformat(), due.isoformat()),
            )
            return ToolResult(
                f"Ordered a new {card} card, due on {show_date(due)}", {"arrival": say_date(due)}
            )

        return await self._ledger.change(call.action_id, work)

    async def open_dispute(self, call: ToolCall, *, charge_id: str, reason: str) -> ToolResult:
        """Open a dispute about a charge."""

        def work(db: sqlite3.Connection) -> ToolResult:
            row = db.execute(
                "SELECT card FROM charges WHERE id = ? AND phone = ?", (charge_id, call.caller)
            ).fetchone()
            if row is None:
                raise ToolError(f"No charge {charge_id} of this customer")
            case = self._case(db, call.caller, "dispute", row[0], reason, charge_id)
            return ToolResult(
                f"Opened dispute {case} on charge {charge_id}", {"case": spell_digits(str(case))}
            )

        return await self._ledger.change(call.action_id, work)

    async def report_fraud(self, call: ToolCall, *, card: str) -> ToolResult:
        """Block a card and open a fraud case."""

        def work(db: sqlite3.Connection) -> ToolResult:
            self._block(db, call.caller, card)
            case = self._case(db, call.caller, "fraud", card, None, None)
            return ToolResult(
                f"Blocked the {card} card and opened fraud case {case}",
                {"case": spell_digits(str(case))},
            )

        return await self._ledger.change(call.action_id, work)

    # --- for checks from outside --------------------------------------------------------------

    async def facts(self, caller: str) -> dict[str, str]:
        """What holds of a customer now: balances, card states, counts of what was done."""

        def work(db: sqlite3.Connection) -> dict[str, str]:
            found = {
                row[0]: f"{row[1] / 100:.2f}"
                for row in db.execute("SELECT kind, cents FROM accounts WHERE phone = ?", (caller,))
            }
            for kind, status in db.execute(
                "SELECT kind, status FROM cards WHERE phone = ?", (caller,)
            ):
                found[f"{kind}_card"] = status
            for table in ("transfers", "deliveries"):
                (count,) = db.execute(
                    f"SELECT count(*) FROM {table} WHERE phone = ?",
                    (caller,),
                ).fetchone()
                found[table] = str(count)
            for kind, name in (("dispute", "disputes"), ("fraud", "fraud_cases")):
                (count,) = db.execute(
                    "SELECT count(*) FROM cases WHERE phone = ? AND kind = ?", (caller, kind)
                ).fetchone()
                found[name] = str(count)
            return found

        return await self._ledger.read(work)

    # --- shared by the changes --------------------------------------------------------------------

    @staticmethod
    def _block(db: sqlite3.Connection, phone: str, card: str) -> None:
        changed = db.execute(
            "UPDATE cards SET status = 'blocked' WHERE phone = ? AND kind = ?", (phone, card)
        )
        if changed.rowcount != 1:
            raise ToolError(f"This customer has no {card} card")

    def _case(
        self,
        db: sqlite3.Connection,
        phone: str,
        kind: str,
        card: str,
        reason: str | None,
        charge_id: str | None,
    ) -> int:
        # Numbers of four digits can be said and written down.
        cursor = db.execute(
            "INSERT INTO cases (id, phone, kind, charge_id, card, reason, opened_on) VALUES "
            "((SELECT coalesce(max(id), 1000) + 1 FROM cases), ?, ?, ?, ?, ?, ?)",
            (phone, kind, charge_id, card, reason, self._today().isoformat()),
        )
        return int(cursor.lastrowid or 0)

    def _weekday(self, day: str) -> tuple[str, str]:
        """How to say a day of the slot `day`, and its weekday."""
        if day in ("today", "tomorrow"):
            on = self._today() + dt.timedelta(days=day == "tomorrow")
            return day, WEEKDAYS[on.weekday()]
        return f"on {day}", day


def _cents(db: sqlite3.Connection, phone: str, kind: str) -> int | None:
    row = db.execute(
        "SELECT cents FROM accounts WHERE phone = ? AND kind = ?", (phone, kind)
    ).fetchone()
    return None if row is None else int(row[0])


def _to_cents(amount: str) -> int:
    return int(Decimal(amount) * 100)


def _said(cents: int) -> str:
    return say_amount(Decimal(cents) / 100, _DOLLAR)


def _shown(cents: int) -> str:
    return show_amount(Decimal(cents) / 100, _DOLLAR)


def _days(text: str, other: dt.date) -> int:
    return abs((dt.date.fromisoformat(text) - other).days)
