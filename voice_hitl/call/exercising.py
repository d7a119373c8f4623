"""Calibration exercises among approvals: past ones whose answer a supervisor has confirmed, asked again.

An exercise is shown right before a real approval, to the same operator and for as long. It holds nothing up,
reaches no gate and no call, and is never carried out; what is learned is how well its operator judges.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from handoff import approvals as said
from handoff.errors import StorageError
from handoff.exercises import Serve
from handoff.oversight import Mode
from handoff.policy import Policy
from handoff.ports import MachineRecord
from voice_hitl.call.exercise_bank import ExerciseBank
from voice_hitl.call.journal import Journal, Ticket
from voice_hitl.clock import Clock

MACHINE = "exercises"  # the bank
SERVED = "exercises_served"
LEFT = ("away", "break", "gone", "in_call")  # presences of who answers nothing
APPROVE, OTHERWISE = "approve", "reject"  # known answers: as proposed, or anything else


class ExerciseConsole(Protocol):
    """The operators' consoles, as exercises see them. Methods never block and never raise."""

    def exercise_asked(self, ask: said.Show, seconds: float, caller: str) -> None:
        """Show what looks like any other approval, and expires in `seconds`."""

    def exercise_over(self, operator_id: str, approval_id: str, right: bool | None) -> None:
        """It was an exercise; whether the answer agrees with the known one, None: nobody answered."""

    def answer_refused(self, operator_id: str, approval_id: str, why: str) -> None:
        """An answer does not count; `why` is a code of `handoff.approvals` `WHY_NOT`."""


@dataclass(frozen=True, slots=True)
class Past:
    """An approval of the past with its known answer."""

    record: said.ApprovalRecord
    truth: str  # `APPROVE` or `OTHERWISE`

    @property
    def key(self) -> str:
        """Its id in the bank."""
        return self.record.approval_id

    def kept(self, wall: float) -> MachineRecord:
        """As it is stored."""
        return MachineRecord(
            machine=MACHINE,
            key=self.key,
            at=wall,
            state="kept",
            call_id=self.record.call_id,
            detail={"record": self.record.as_dict(), "truth": self.truth},
        )

    def is_known_to(self, operator_id: str) -> bool:
        """Whether they answered it themselves."""
        return operator_id == self.record.by

    @classmethod
    def of(cls, record: MachineRecord) -> Past:
        """Read what `kept` gave; raises `StorageError` for anything else."""
        detail = record.detail
        try:
            return cls(said.ApprovalRecord.from_dict(detail["record"]), str(detail["truth"]))
        except (KeyError, TypeError) as error:
            raise StorageError(f"an exercise cannot be read back: {error}") from error


@dataclass(slots=True)
class _Asked:
    ask: said.Show
    timer: asyncio.TimerHandle
    shown: bool = False


class ExerciseService:
    """Owns the exercises; `run` must be running while any are asked."""

    def __init__(
        self,
        policy: Policy,
        key: bytes,
        kept: Iterable[MachineRecord],
        clock: Clock,
        journal: Journal,
        consoles: ExerciseConsole,
        minutes: Callable[[str], float],
        on_scored: Callable[[str, float, bool], None],
    ) -> None:
        """`kept` is what the last run left, of both machines; for the others see `ExerciseBank`."""
        self._clock = clock
        self._journal = journal
        self._consoles = consoles
        self._open: dict[str, _Asked] = {}
        self._left: set[str] = set()  # operators
        self._bank = ExerciseBank(
            policy, key, kept, Past.of, MACHINE, SERVED, clock, journal, minutes, on_scored
        )

    async def run(self) -> None:
        """Let what nobody answers lapse, until cancelled."""
        try:
            await asyncio.Event().wait()
        finally:
            for asked in self._open.values():
                asked.timer.cancel()

    def add(self, past: Past) -> Ticket:
        """Take a past approval into the bank; once more with another answer replaces it."""
        return self._bank.add(past)

    async def before(self, real: said.Show) -> None:
        """A real approval is about to be shown: an exercise may come first."""
        if real.second or real.operator_id in self._left:
            return  # the first has let half the time pass: this one is in a hurry
        for serve in self._bank.drawn(real.operator_id):
            await self._serve(serve, real)

    def answered(self, event: said.Answered) -> bool:
        """Take an answer, if it is to an exercise; returns whether it was."""
        if not self._bank.is_exercise(event.approval_id):
            return False
        asked = self._open.get(event.approval_id)
        if asked is None or asked.ask.operator_id != event.operator_id:
            why = "late" if asked is None else "not_yours"
            self._consoles.answer_refused(event.operator_id, event.approval_id, why)
        elif event.digest != asked.ask.record.digest:
            self._consoles.answer_refused(event.operator_id, event.approval_id, "stale_digest")
        else:
            self._score(event)
        return True

    def presence(self, operator_id: str, presence: str) -> None:
        """Who is no longer there to answer is asked nothing."""
        self._left.discard(operator_id)
        if presence in LEFT:
            self._left.add(operator_id)
            for approval_id, asked in list(self._open.items()):
                if asked.ask.operator_id == operator_id:
                    self._lapse(approval_id)

    # --- inside ---

    async def _serve(self, serve: Serve, real: said.Show) -> None:
        past, ticket = self._bank.serving(serve)
        record = _as_new(past.record, serve.item_id, real.record)
        ask = said.Show(serve.item_id, serve.operator_id, record, second=False)
        seconds = max(0.0, record.deadline - self._clock.now())
        timer = asyncio.get_running_loop().call_later(seconds, self._lapse, serve.item_id)
        self._open[serve.item_id] = asked = _Asked(ask, timer)  # at once: they may leave meanwhile
        stored = await self._journal.stored(ticket)  # who has seen what must be known
        if serve.item_id not in self._open:
            return
        if not stored:
            self._lapse(serve.item_id)
            return
        asked.shown = True
        seconds = max(0.0, timer.when() - self._clock.now())
        self._consoles.exercise_asked(ask, seconds, nobodys_number(serve.item_id))

    def _score(self, event: said.Answered) -> None:
        answer = APPROVE if isinstance(event.answer, said.Approve) else OTHERWISE
        scored = self._bank.score(event.approval_id, event.operator_id, answer)
        self._close(event.approval_id)
        if scored is not None:
            self._consoles.exercise_over(scored.operator_id, scored.item_id, scored.right)

    def _lapse(self, approval_id: str) -> None:
        self._bank.lapse(approval_id)
        asked = self._close(approval_id)
        if asked.shown:
            self._consoles.exercise_over(asked.ask.operator_id, approval_id, None)

    def _close(self, approval_id: str) -> _Asked:
        asked = self._open.pop(approval_id)
        asked.timer.cancel()
        return asked


def nobodys_number(item_id: str) -> str:
    """A telephone number to show with an exercise: the caller's is none of its operator's business.

    The North American plan keeps 555-0100 to 555-0199 of each area for fiction (ATIS-0300115, 555 NXX Line
    Number Reference Document).
    """
    drawn = int(hashlib.sha256(item_id.encode()).hexdigest(), 16)
    area = f"{2 + drawn % 8}{2 + drawn // 8 % 7}{drawn // 56 % 10}"  # no N11, no N9X
    return f"+1{area}55501{drawn // 560 % 100:02}"


def _as_new(
    past: said.ApprovalRecord, approval_id: str, real: said.ApprovalRecord
) -> said.ApprovalRecord:
    """A past approval as it was first asked, with the times of a real one."""
    proposal = past.proposal
    return replace(
        past,
        approval_id=approval_id,
        arguments=dict(proposal.arguments),
        digest=said.digest(proposal.name, proposal.arguments),
        asked_at=real.asked_at,
        escalate_at=real.escalate_at,
        deadline=real.deadline,
        due_at=real.due_at,
        silence_consents=past.mode is Mode.ON,
        state=said.State.OPEN,
        outcome=None,
        by="",
        decided_at=None,
        closed_at=None,
        words="",
        follow_up=False,
        followed_up_by="",
    )
