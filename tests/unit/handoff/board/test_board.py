from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from handoff.approvals import Outcome
from handoff.approvals import State as ApprovalState
from handoff.board import (
    BY_APPROVAL,
    FINISHED,
    MOVES_SHOWN,
    STEPS,
    ApprovalChanged,
    Board,
    BoardCommand,
    Card,
    Column,
    KeepAnomaly,
    KeepCard,
    Step,
    TaskAdded,
    TaskMoved,
    diagram,
)
from handoff.errors import ProtocolError, StorageError
from handoff.events import CallOver, DeadlinePassed, ServerDraining

PAGE = Path(__file__).parents[4] / "docs" / "patterns" / "work-board.md"
WAYS: dict[Column, tuple[Step, ...]] = {
    Column.QUEUED: (),
    Column.PROCESSING: (Step.START,),
    Column.REVIEW: (Step.START, Step.ASK),
    Column.APPROVED: (Step.START, Step.ASK, Step.APPROVE),
    Column.EXECUTED: (Step.START, Step.ASK, Step.APPROVE, Step.EXECUTE),
    Column.REJECTED: (Step.START, Step.ASK, Step.REJECT),
    Column.EXPIRED: (Step.EXPIRE,),
    Column.FAILED: (Step.START, Step.FAIL),
}


def send(board: Board, *events: Any, at: float = 0.0) -> list[BoardCommand]:
    for event in events:
        board.handle(event, at)
    return board.take_commands()


def at_column(column: Column, task_id: str = "a1", board: Board | None = None) -> Board:
    board = board or Board()
    steps = [TaskMoved(task_id, step, "agent") for step in WAYS[column]]
    send(board, TaskAdded(task_id, "c1", "block card"), *steps)
    card = board.card(task_id)
    assert card is not None
    assert card.column is column
    return board


@pytest.mark.parametrize("column", Column)
@pytest.mark.parametrize("step", Step)
def test_a_step_leads_where_the_table_says_or_nowhere(column: Column, step: Step) -> None:
    board = at_column(column)
    (command,) = send(board, TaskMoved("a1", step, "ann", "because"), at=5.0)
    card = board.card("a1")
    assert card is not None
    target = STEPS.get((column, step))
    if target is None:
        assert isinstance(command, KeepAnomaly)
        anomaly = command.anomaly
        assert (anomaly.column, anomaly.step, anomaly.by, anomaly.at) == (column, step, "ann", 5.0)
        assert board.anomalies() == (anomaly,)
        assert card.column is column
    else:
        assert command == KeepCard(card)
        last = card.moves[-1]
        assert (last.column, last.by, last.at, last.note) == (target, "ann", 5.0, "because")


def test_nothing_moves_what_is_finished_and_all_else_can_end() -> None:
    assert {column for column, _ in STEPS} == set(Column) - FINISHED
    for column in set(Column) - FINISHED:
        assert STEPS[column, Step.EXPIRE] is Column.EXPIRED


def test_a_step_leads_to_one_column_wherever_it_starts() -> None:
    for step in Step:
        assert len({target for (_, taken), target in STEPS.items() if taken is step}) == 1


def test_only_what_is_approved_is_executed() -> None:
    assert [column for column, step in STEPS if step is Step.EXECUTE] == [Column.APPROVED]


def test_unknown_and_double_tasks_are_anomalies() -> None:
    board = Board()
    (moved,) = send(board, TaskMoved("a1", Step.START, "agent"))
    assert isinstance(moved, KeepAnomaly)
    assert moved.anomaly.column is None
    at_column(Column.REVIEW, board=board)
    (added,) = send(board, TaskAdded("a1", "c2", "something else"))
    assert isinstance(added, KeepAnomaly)
    assert (added.anomaly.column, added.anomaly.step) == (Column.REVIEW, None)
    card = board.card("a1")
    assert card is not None
    assert card.call_id == "c1"


def test_an_event_of_somebody_else_is_an_error() -> None:
    with pytest.raises(ProtocolError, match="does not know ServerDraining"):
        Board().handle(ServerDraining(), 0.0)  # type: ignore[arg-type]


# --- approvals --------------------------------------------------------------------------------


def test_every_status_of_an_approval_is_known() -> None:
    statuses = [*ApprovalState, *Outcome]
    assert set(BY_APPROVAL) == {status.value for status in statuses} - {"closed"}
    with pytest.raises(ProtocolError, match="'lost'"):
        Board().handle(ApprovalChanged("a1", "lost", "ann"), 0.0)


@pytest.mark.parametrize(
    ("statuses", "column"),
    [
        (("open",), Column.REVIEW),
        (("open", "open", "escalated"), Column.REVIEW),
        (("open", "approved", "executing"), Column.APPROVED),
        (("open", "approved", "executing", "executed"), Column.EXECUTED),
        (("open", "approved", "executing", "unknown"), Column.FAILED),
        (("open", "responded"), Column.PROCESSING),
        (("open", "responded", "open", "rejected"), Column.REJECTED),
        (("open", "expired", "expired"), Column.EXPIRED),
        (("open", "approved", "lapsed"), Column.EXPIRED),
        (("open", "taken_over"), Column.REJECTED),
        (("draining",), Column.EXPIRED),
    ],
)
def test_a_task_follows_its_approval(statuses: tuple[str, ...], column: Column) -> None:
    board = at_column(Column.PROCESSING)
    send(board, *(ApprovalChanged("a1", status, "ann") for status in statuses))
    assert [card.task_id for card in board.cards(column)] == ["a1"]
    assert board.anomalies() == ()


def test_an_approval_of_what_has_left_the_board_is_no_anomaly() -> None:
    assert send(Board(), ApprovalChanged("a1", "expired", "")) == []


@pytest.mark.parametrize("column", [column for column in Column if column not in FINISHED])
def test_a_hang_up_expires_what_the_ai_still_has(column: Column) -> None:
    board = at_column(column)
    send(board, CallOver("c2"))
    assert board.cards(column)
    send(board, CallOver("c1"))
    with_ai = column in (Column.QUEUED, Column.PROCESSING)
    assert bool(board.cards(Column.EXPIRED)) is with_ai
    assert board.anomalies() == ()


# --- views and bounds -------------------------------------------------------------------------


def test_columns_have_counts_and_ages() -> None:
    board = Board()
    send(board, TaskAdded("a1", "c1", "one"), at=0.0)
    send(board, TaskAdded("a2", "c1", "two"), at=4.0)
    send(board, TaskMoved("a2", Step.START, "agent"), TaskAdded("a3", "c1", "three"), at=6.0)
    views = {view.column: view for view in board.columns(10.0)}
    assert tuple(views) == tuple(Column)
    queued, working = views[Column.QUEUED], views[Column.PROCESSING]
    assert (queued.count, queued.oldest, queued.mean) == (2, 10.0, 7.0)
    assert (working.count, working.oldest) == (1, 4.0)
    assert (views[Column.FAILED].count, views[Column.FAILED].oldest) == (0, 0.0)
    assert [card.task_id for card in board.cards(Column.QUEUED)] == ["a1", "a3"]


def test_what_is_finished_leaves_after_a_time() -> None:
    board = at_column(Column.EXECUTED)
    assert board.next_deadline() == 3600.0
    assert send(board, DeadlinePassed(), at=3599.0) == []
    assert board.card("a1") is not None
    assert send(board, DeadlinePassed(), at=3600.0) == []
    assert board.card("a1") is None
    assert board.next_deadline() is None


def test_what_is_finished_leaves_behind_newer_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handoff.board.board.KEEP_FINISHED", 2)
    board = Board()
    for task_id in ("a1", "a2", "a3"):
        at_column(Column.FAILED, task_id, board)
    assert [card.task_id for card in board.cards(Column.FAILED)] == ["a2", "a3"]


@pytest.mark.parametrize("column", [column for column in Column if column not in FINISHED])
def test_what_does_not_move_expires(column: Column) -> None:
    board = at_column(column)
    assert board.next_deadline() == 3600.0
    send(board, DeadlinePassed(), at=3600.0)
    (card,) = board.cards(Column.EXPIRED)
    assert card.moves[-1].by == "deadline"


def test_a_card_shows_its_first_move_and_the_last() -> None:
    board = at_column(Column.PROCESSING)
    for number in range(50):
        send(board, TaskMoved("a1", Step.ASK, "agent"), at=float(number))
        send(board, TaskMoved("a1", Step.RETURN, "ann"), at=number + 0.5)
    card = board.card("a1")
    assert card is not None
    assert (len(card.moves), card.moved) == (MOVES_SHOWN, 102)
    assert card.moves[0].column is Column.QUEUED
    assert card.moves[-1].at == 49.5


# --- keeping ----------------------------------------------------------------------------------


@given(st.floats(-1e6, 1e6))
def test_a_card_survives_a_store_and_another_clock(shift: float) -> None:
    (card,) = at_column(Column.APPROVED).cards(Column.APPROVED)
    assert Card.from_dict(json.loads(json.dumps(card.as_dict()))) == card
    assert [move.at for move in card.shifted(shift).moves] == [shift] * 4


@pytest.mark.parametrize("changes", [{"moves": []}, {"moves": [{}]}, {"title": None}])
def test_what_is_no_card_is_refused(changes: dict[str, Any]) -> None:
    (card,) = at_column(Column.QUEUED).cards(Column.QUEUED)
    with pytest.raises(StorageError, match="cannot be read back"):
        Card.from_dict(card.as_dict() | changes)


def test_the_page_shows_the_diagram_of_the_table() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert f"```mermaid\n{diagram()}\n```" in text, f"paste:\n{diagram()}"


TASKS = st.sampled_from(["a1", "a2", "a3"])


class Tasks(RuleBasedStateMachine):
    """Any events in any order, beside a plain dictionary that follows the table."""

    def __init__(self) -> None:
        super().__init__()
        self.limits = pytest.MonkeyPatch()
        self.limits.setattr("handoff.board.board.KEEP_FINISHED", 2)
        self.limits.setattr("handoff.board.board.STALE_SECONDS", 120.0)
        self.board = Board(keep_seconds=60.0)
        self.now = 0.0
        self.kept: dict[str, Card] = {}
        self.refused = 0

    def teardown(self) -> None:
        self.limits.undo()

    def send(self, event: Any) -> None:
        self.board.handle(event, self.now)
        for command in self.board.take_commands():
            if isinstance(command, KeepCard):
                self.keep(command.card)
            else:
                self.refused += 1

    def keep(self, card: Card) -> None:
        before = self.kept.get(card.task_id)
        if before is not None and card.moved > 1:
            assert card.moved == before.moved + 1
            ways = {target for (column, _), target in STEPS.items() if column is before.column}
            assert card.column in ways, "a move that the table does not have"
            assert card.since >= before.since
        else:
            assert (card.column, card.moved) == (Column.QUEUED, 1)
        self.kept[card.task_id] = card

    @rule(task=TASKS, call=st.sampled_from(["c1", "c2"]))
    def add(self, task: str, call: str) -> None:
        self.send(TaskAdded(task, call, task))

    @rule(task=TASKS, step=st.sampled_from(Step))
    def move(self, task: str, step: Step) -> None:
        self.send(DeadlinePassed())
        card, refused = self.board.card(task), self.refused
        self.send(TaskMoved(task, step, "ann"))
        legal = card is not None and (card.column, step) in STEPS
        assert self.refused == refused + (not legal)

    @rule(task=TASKS, status=st.sampled_from(sorted(BY_APPROVAL)))
    def approve(self, task: str, status: str) -> None:
        self.send(ApprovalChanged(task, status, "ann"))

    @rule(call=st.sampled_from(["c1", "c2"]))
    def hang_up(self, call: str) -> None:
        self.send(CallOver(call))
        for card in self.board.cards(Column.PROCESSING) + self.board.cards(Column.QUEUED):
            assert card.call_id != call

    @rule(seconds=st.sampled_from([1.0, 30.0, 61.0, 130.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.send(DeadlinePassed())
        deadline = self.board.next_deadline()
        assert deadline is None or deadline > self.now

    @rule()
    def kill(self) -> None:
        before = self.board
        cards = [Card.from_dict(card.as_dict()) for card in self.kept.values()]
        self.board = Board.reopened(cards, self.now, keep_seconds=60.0)
        for command in self.board.take_commands():
            assert isinstance(command, KeepCard)
            self.keep(command.card)
        for column in set(Column) - FINISHED:
            assert set(self.board.cards(column)) == set(before.cards(column))

    @invariant()
    def nothing_is_in_two_places_or_for_ever(self) -> None:
        shown = [card.task_id for column in Column for card in self.board.cards(column)]
        assert len(shown) == len(set(shown))
        assert sum(len(self.board.cards(column)) for column in FINISHED) <= 2
        assert sum(view.count for view in self.board.columns(self.now)) == len(shown)


TestTasks = Tasks.TestCase
TestTasks.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
