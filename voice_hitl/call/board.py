"""The work board's shell: where every action of the AI stands, kept in the store for whoever looks.

Calls tell it what they propose and do alone; where a person is asked, the approval's record moves the task.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from handoff import board as said
from handoff.approvals import ApprovalRecord
from handoff.errors import StorageError
from handoff.events import CallOver, DeadlinePassed
from handoff.ports import EventRecord, MachineRecord
from voice_hitl.agent.guard import mask
from voice_hitl.call.journal import Journal
from voice_hitl.call.service import MachineService
from voice_hitl.clock import Clock
from voice_hitl.log import get_logger

log = get_logger(__name__)

MACHINE = "board"
KEEP_SECONDS = 3600.0  # what is finished leaves the board after so long

BY = {
    "open": "agent",
    "executed": "agent",
    "failed": "agent",
    "unknown": "agent",
    "withdrawn": "agent",
    "expired": "deadline",
    "lapsed": "deadline",
    "caller_gone": "caller",
    "draining": "server",
    "interrupted": "server",
}
"""Who moved a task whose approval stands so, where it was no operator."""


class BoardService(MachineService[said.BoardEvent, said.BoardCommand]):
    """Owns the board."""

    def __init__(self, board: said.Board, clock: Clock, journal: Journal) -> None:
        super().__init__(board, clock, wake=DeadlinePassed())
        self.board = board
        self._journal = journal

    def post(self, event: said.BoardEvent) -> None:
        """Tell the board something; what it has no room for is dropped: it must not cost a call."""
        self.post_or_drop(event)

    def approval_kept(self, record: ApprovalRecord) -> None:
        """An approval stands differently: its task, which has its id, goes on."""
        status = record.status
        consented = status == "approved" and not record.by
        by = "policy" if consented else BY.get(status) or record.by
        self.post(said.ApprovalChanged(record.approval_id, status, by, mask(record.words)))

    async def _carry_out(self, command: said.BoardCommand) -> None:
        match command:
            case said.KeepCard(card):
                wall = self._clock.wall()
                kept = MachineRecord(
                    machine=MACHINE,
                    key=card.task_id,
                    at=wall,
                    state=card.column.value,
                    open=not card.is_finished,
                    call_id=card.call_id,
                    detail=card.shifted(wall - self._clock.now()).as_dict(),
                )
                self._journal.put(kept)
            case said.KeepAnomaly(anomaly):
                log.error("a task made a move that it may not", task_id=anomaly.task_id)
                self._journal.put(
                    EventRecord(
                        event_id=uuid.uuid4().hex,
                        at=self._clock.wall(),
                        actor=anomaly.by,
                        action="board.refused",
                        detail={
                            "task_id": anomaly.task_id,
                            "column": anomaly.column,
                            "step": anomaly.step,
                        },
                    )
                )


def reopened_board(records: Iterable[MachineRecord], clock: Clock) -> said.Board:
    """The board as the last run of the server left it; a card that cannot be read is logged and left."""
    shift = clock.now() - clock.wall()
    cards = []
    for record in records:
        try:
            cards.append(said.Card.from_dict(record.detail).shifted(shift))
        except StorageError:
            log.exception("a card of the last run is unreadable", key=record.key)
    return said.Board.reopened(cards, clock.now(), keep_seconds=KEEP_SECONDS)


def of_the_last_run(board: said.Board, asked: Iterable[str]) -> list[said.BoardEvent]:
    """What to tell a reopened board: no call survives the end of its server.

    `asked` are the approvals that the gate still knows: their records say how those tasks end.
    """
    known = frozenset(asked)
    approved = board.cards(said.Column.APPROVED)
    events: list[said.BoardEvent] = [
        said.TaskMoved(card.task_id, said.Step.FAIL, "server", "the server stopped: it may be done")
        for card in approved
        if card.task_id not in known
    ]
    left = (*board.cards(said.Column.QUEUED), *board.cards(said.Column.PROCESSING))
    return [*events, *(CallOver(call_id) for call_id in sorted({card.call_id for card in left}))]
