"""A real call's book over an in-memory store, for tests of whatever writes into one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from handoff.commands import RequestOperator
from handoff.engine import CallEngine
from handoff.events import OperatorAssigned
from handoff.policy import Policy
from handoff.testing import MemoryStore, a_call, a_decision, a_turn
from tests.support.world import Screen
from voice_hitl.call.book import CallBook
from voice_hitl.call.journal import Journal
from voice_hitl.clock import Clock


@dataclass
class Desk:
    """A book, its engine, what consoles are shown and what is stored."""

    call_id: str = "CA1"
    screen: Screen = field(default_factory=Screen)
    store: MemoryStore = field(default_factory=MemoryStore)
    policy: Policy = field(default_factory=Policy)

    def __post_init__(self) -> None:
        self.clock = Clock(epoch=1_700_000_000.0)
        self.journal = Journal(self.store)
        started = a_call(self.call_id)
        self.engine = CallEngine(started, self.policy, self.clock.now())
        self.book = CallBook(
            started, self.engine, self.clock, self.journal, self.screen, self.policy.version
        )

    @property
    def shown(self) -> dict[int, str]:
        """The transcript on the consoles, by line."""
        lines = self.screen.lines.get(self.call_id, {})
        return {seq: line.text for seq, line in sorted(lines.items())}

    async def stored(self) -> MemoryStore:
        """The store, with everything written so far."""
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(self.journal.run())
            await self.journal.flush()
            writing.cancel()
        return self.store

    def request(
        self, why: str = "the caller asked for a person", number: int = 1
    ) -> RequestOperator:
        """What the core wants when a person is needed."""
        self.engine.handle(a_turn(number, why), self.clock.now())
        self.engine.take_commands()
        decision = a_decision(self.call_id)
        brief = self.engine._memory.brief(decision)
        return RequestOperator(self.call_id, brief, decision, request=number)

    def assignment(self, operator_id: str = "ana", epoch: int = 1) -> OperatorAssigned:
        """What the desk says when somebody has accepted."""
        return OperatorAssigned(operator_id, operator_id.title(), epoch)


@asynccontextmanager
async def a_desk() -> AsyncIterator[Desk]:
    """A book whose writer is running."""
    desk = Desk()
    async with asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(desk.journal.run())
        yield desk
        writing.cancel()
