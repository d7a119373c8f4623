"""What a handoff costs now, told to every live call: the expected wait, and the price of one more.

The wait is the floor's own prediction for one more caller (`Desk.expected_wait`); the price comes from the
budget controller, which hears how every call was routed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import asdict

from pydantic import TypeAdapter, ValidationError

from handoff.budget import (
    Budget,
    BudgetChanged,
    BudgetEvent,
    BudgetRecord,
    CallCounted,
    KeepBudget,
)
from handoff.commands import DecisionKind
from handoff.desk import Desk
from handoff.events import FloorReported
from handoff.policy import Policy
from handoff.ports import MachineRecord
from voice_hitl.call.inbox import FloorSaid
from voice_hitl.call.journal import Journal
from voice_hitl.call.ports import Told
from voice_hitl.clock import Clock
from voice_hitl.log import get_logger

log = get_logger(__name__)

MACHINE = "budget"
KEY = "lambda"
EVERY = 5.0  # seconds between two looks where nothing has happened
PAUSE = 1.0  # seconds between two looks at least: every report is a stored fact of every call
WAIT_STEP = 0.5  # seconds of expected wait, and ...
PRICE_STEP = 0.01  # ... cost units: what differs by less is not told again
_RECORDS = TypeAdapter(BudgetRecord)


class CostService:
    """Watches the floor and steers the price; each call hears of it at its start and on every change."""

    def __init__(
        self,
        policy: Policy,
        desk: Desk,
        budget: Budget,
        clock: Clock,
        journal: Journal,
        find_call: Callable[[str], Told[FloorSaid] | None],
    ) -> None:
        self.budget = budget
        self._policy = policy
        self._desk = desk
        self._clock = clock
        self._journal = journal
        self._find_call = find_call
        self._told: dict[str, tuple[str, FloorReported]] = {}  # language and report, by live call
        self._routed: dict[str, DecisionKind] = {}  # of live calls, by their first handoff
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while True:
            try:
                async with asyncio.timeout(EVERY):
                    await self._news.wait()
            except TimeoutError:
                pass
            self._news.clear()
            self._tell_calls()
            await asyncio.sleep(PAUSE)

    def floor_changed(self) -> None:
        """Something on the floor is different: look soon."""
        self._news.set()

    # --- calls ---

    def began(self, call_id: str, language: str) -> FloorReported:
        """A call begins; returns what it is to be told first."""
        report = self.report(language)
        self._told[call_id] = (language, report)
        return report

    def routed(self, call_id: str, kind: DecisionKind) -> None:
        """A live call asked for a person, or was taken over; its first time counts."""
        if call_id in self._told:
            self._routed.setdefault(call_id, kind)

    def call_over(self, call_id: str) -> None:
        """A call has ended, however it ended; it counts once."""
        routed = self._routed.pop(call_id, None)
        if self._told.pop(call_id, None) is not None:
            self.tell_budget(CallCounted(routed))

    # --- the figures ---

    def tell_budget(self, event: BudgetEvent) -> None:
        """Tell the budget controller something, an alarm for example."""
        self.budget.handle(event, self._clock.now())
        for command in self.budget.take_commands():
            match command:
                case KeepBudget(record):
                    self._journal.put(self._kept(record))
                case BudgetChanged():
                    log.info("budget", state=command.state.value, price=command.price)
        self._news.set()

    def report(self, language: str) -> FloorReported:
        """What a handoff costs a call in this language now; never more than the longest wait of all."""
        wait = self._desk.expected_wait(self._policy.skill, language, self._clock.now())
        return FloorReported(round(wait, 1), round(self.budget.price, 4))

    def long_run_wait(self) -> float:
        """Mean seconds that callers wait if traffic and staffing stay as now; infinite with nobody there."""
        traffic = self._desk.traffic(self._policy.skill, None, self._clock.now())
        return traffic.mean_wait(self._policy.waiting.patience)

    def _tell_calls(self) -> None:
        reports: dict[str, FloorReported] = {}
        for call_id, (language, before) in list(self._told.items()):
            if language not in reports:
                reports[language] = self.report(language)
            report = reports[language]
            call = self._find_call(call_id)
            if call is not None and _differ(before, report):
                self._told[call_id] = (language, report)
                call.post(FloorSaid(report))

    def _kept(self, record: BudgetRecord) -> MachineRecord:
        return MachineRecord(
            machine=MACHINE,
            key=KEY,
            at=self._clock.wall(),
            state=record.leaning.value,
            detail=asdict(record),
        )


def _differ(before: FloorReported, after: FloorReported) -> bool:
    return (
        abs(after.expected_wait - before.expected_wait) >= WAIT_STEP
        or abs(after.price - before.price) >= PRICE_STEP
    )


def reopened_budget(policy: Policy, records: Iterable[MachineRecord]) -> Budget:
    """The controller as the last run of the server left it, or afresh where nothing readable was kept."""
    for record in records:
        try:
            return Budget(policy, _RECORDS.validate_python(dict(record.detail)))
        except (ValidationError, ValueError):
            log.exception("the budget of the last run is unreadable: it starts afresh")
    return Budget(policy)
