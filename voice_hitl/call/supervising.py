"""The figures' shell: counts what is kept, takes samples, tells supervisors of warnings.

Everything that it is told is told without waiting and without failing: figures must never cost a call.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Protocol

from handoff.budget import AlarmCleared, AlarmRaised, BudgetEvent
from handoff.drift import Code, Warned, WarningCleared, WarningRaised
from handoff.events import DeadlinePassed
from handoff.metrics import Figures
from handoff.policy import Policy
from handoff.ports import EventRecord, MachineRecord, Record, Store
from handoff.shifts import ShiftAnswer, ShiftCurve
from handoff.supervision import (
    FloorSeen,
    Sampled,
    Supervision,
    SupervisionCommand,
    SupervisionEvent,
)
from voice_hitl.call.counting import HANDLED, Counting
from voice_hitl.call.journal import Journal
from voice_hitl.call.recounting import recounted
from voice_hitl.call.service import MachineService
from voice_hitl.clock import Clock
from voice_hitl.log import get_logger

log = get_logger(__name__)

FREEZES_NOT = frozenset({Code.UNDER_ROUTED})
"""Warnings that leave the price of a handoff to move: that it falls is what mends them."""


class FiguresConsole(Protocol):
    """Whoever shows figures and warnings to people. Methods never block and never raise."""

    def warning_raised(self, warning: Warned, since: float) -> None:
        """A warning stands; `since` in Unix seconds."""

    def warning_over(self, code: str) -> None:
        """A warning no longer stands."""

    def figures_sampled(self, figures: Figures) -> None:
        """The figures as they stand now; about once a minute."""


class FiguresService(MachineService[SupervisionEvent, SupervisionCommand]):
    """Owns the figures and the warnings."""

    def __init__(
        self,
        supervision: Supervision,
        clock: Clock,
        journal: Journal,
        consoles: FiguresConsole,
        floor: Callable[[], FloorSeen],
        budget: Callable[[BudgetEvent], None],
    ) -> None:
        """`floor` says who waits and who is overdue for rest, whenever a sample is taken; `budget` is told
        of warnings, whose cause the price of a handoff must not chase."""
        super().__init__(supervision, clock, wake=DeadlinePassed())
        self.supervision = supervision
        self._counting = Counting()
        self._journal = journal
        self._consoles = consoles
        self._floor = floor
        self._budget = budget

    async def rebuild(self, policy: Policy, store: Store) -> None:
        """Count what earlier runs kept, before this one begins to `run`; raises `StorageError`."""
        self.supervision, self._counting = await recounted(policy, store, self._clock)
        self._machine = self.supervision

    # --- what others tell it ---

    def kept(self, record: Record) -> None:
        """A record is on its way to the store."""
        self._count(*self._counting.of(record))

    def presence(self, operator_id: str, presence: str) -> None:
        """An operator's presence changed; the time that a call took them is kept, and so counted."""
        for handled in self._counting.presence(operator_id, presence, self._clock.now()):
            self._journal.put(
                MachineRecord(
                    machine=HANDLED,
                    key=uuid.uuid4().hex,
                    at=self._clock.wall(),
                    state="over",
                    open=False,
                    detail={"operator_id": operator_id, "seconds": handled.seconds},
                )
            )

    def scored(self, operator_id: str, minutes: float, right: bool) -> None:
        """An operator answered an item whose truth is known, so many minutes into their shift."""
        self._count(ShiftAnswer(operator_id, minutes, right))

    # --- what others ask ---

    def figures(self) -> Figures:
        """All figures as they stand."""
        return self.supervision.figures(self._clock.now())

    def shift(self) -> ShiftCurve:
        """Accuracy over minutes on shift."""
        return self.supervision.shift()

    def warnings(self) -> list[tuple[Warned, float]]:
        """Those that stand, oldest first, each with the Unix second since when."""
        return [(each, self._wall_of(each.since)) for each in self.supervision.warnings]

    # --- inside ---

    def _count(self, *events: SupervisionEvent) -> None:
        for event in events:
            self.post_or_drop(event)

    def _wall_of(self, moment: float) -> float:
        return self._clock.wall() - (self._clock.now() - moment)

    async def _before(self, event: SupervisionEvent) -> SupervisionEvent:
        if isinstance(event, DeadlinePassed):
            self.supervision.handle(self._floor(), self._clock.now())
        return event

    async def _carry_out(self, command: SupervisionCommand) -> None:
        match command:
            case WarningRaised(warning):
                log.warning("a warning stands", code=warning.code.value, words=warning.words)
                self._log("warning.raised", code=warning.code.value, words=warning.words)
                self._consoles.warning_raised(warning, self._wall_of(warning.since))
                if warning.code not in FREEZES_NOT:
                    self._budget(AlarmRaised(warning.code.value))
            case WarningCleared(code):
                self._log("warning.cleared", code=code.value)
                self._consoles.warning_over(code.value)
                if code not in FREEZES_NOT:
                    self._budget(AlarmCleared(code.value))
            case Sampled(figures):
                self._consoles.figures_sampled(figures)

    def _log(self, action: str, **detail: str) -> None:
        self._journal.put(
            EventRecord(
                event_id=uuid.uuid4().hex,
                at=self._clock.wall(),
                actor="server",
                action=action,
                detail=detail,
            )
        )
