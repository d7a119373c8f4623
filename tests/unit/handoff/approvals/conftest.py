"""A gate, the time, and what it asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import pytest

from handoff.approvals import (
    Answer,
    Answered,
    ApprovalAsked,
    ApprovalRecord,
    ExecutionClaimed,
    Gate,
    State,
    digest,
)
from handoff.events import Effect
from handoff.oversight import Mode, Proposal, Verdict
from handoff.policy import Policy

C = TypeVar("C")
ARGUMENTS = {"card": "7788", "amount": "40"}


class Driver:
    """Asks as call `c1`, 1 s after the last event unless told otherwise; a deadline is 40 s."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.gate = Gate(policy or Policy())
        self.now = 0.0
        self.commands: list[Any] = []  # of the last event

    def send(self, event: Any, *, at: float | None = None) -> list[Any]:
        self.now = self.now + 1 if at is None else at
        self.gate.handle(event, self.now)
        self.commands = self.gate.take_commands()
        return self.commands

    def ask(
        self,
        *candidates: str,
        mode: Mode = Mode.IN,
        approval_id: str = "p1",
        arguments: Mapping[str, str] = ARGUMENTS,
    ) -> list[Any]:
        proposal = Proposal("a1", "c1", "refund", arguments, Effect.IRREVERSIBLE, "refund 40")
        verdict = Verdict(mode, 60, 40.0, ("call_risk",))
        return self.send(ApprovalAsked(approval_id, proposal, verdict, candidates), at=0.0)

    def answer(
        self, operator_id: str, answer: Answer, *, seen: str | None = None, at: float | None = None
    ) -> list[Any]:
        seen = digest("refund", ARGUMENTS) if seen is None else seen
        return self.send(Answered("p1", operator_id, seen, answer), at=at)

    def claim(self, *, wanted: str | None = None, at: float | None = None) -> list[Any]:
        wanted = self.record.digest if wanted is None else wanted
        return self.send(ExecutionClaimed("p1", wanted), at=at)

    @property
    def record(self) -> ApprovalRecord:
        record = self.gate.record("p1")
        assert record is not None
        return record

    @property
    def state(self) -> State:
        return self.record.state

    def the(self, kind: type[C]) -> C:
        """The one command of this kind that the last event led to."""
        (command,) = self.all(kind)
        return command

    def all(self, kind: type[C]) -> list[C]:
        return [command for command in self.commands if isinstance(command, kind)]


@pytest.fixture
def driver() -> Driver:
    return Driver()


@pytest.fixture
def make_driver() -> type[Driver]:
    return Driver
