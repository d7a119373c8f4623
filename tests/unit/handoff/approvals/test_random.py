"""Approvals and board under any order of events, with the server killed between any two commands.

The shell here does the least that it is allowed to do: it stores a record when it comes to its `Keep`, and
whatever comes after a kill is lost. While its disk is sick records only wait to be stored, which a kill loses
too: it lets nothing be done then, says so to whoever approved it, and to the gate some events later. Each
life of the server has a clock of its own. All times are multiples of 1/8 s: moved from clock to clock they
stay exact, so that what is late is late on every clock.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from handoff.approvals import (
    ENDINGS,
    Acknowledge,
    Answer,
    Answered,
    ApprovalAsked,
    ApprovalRecord,
    Approve,
    ApproveEdited,
    Audit,
    CallTakenOver,
    CandidatesChanged,
    Execute,
    ExecutionClaimed,
    ExecutionFinished,
    FollowUp,
    FollowUpDone,
    Gate,
    Keep,
    NotKept,
    Outcome,
    Permit,
    ProposalWithdrawn,
    RefuseAnswer,
    Reject,
    Respond,
    ReviewerLeft,
    Show,
    State,
    TellCaller,
    digest,
)
from handoff.board import (
    ApprovalChanged,
    Board,
    Card,
    Column,
    KeepAnomaly,
    KeepCard,
    Step,
    TaskAdded,
    TaskMoved,
)
from handoff.events import CallOver, DeadlinePassed, Effect, ServerDraining
from handoff.oversight import Mode, Proposal, Verdict
from handoff.policy import Policy

POLICY = Policy()
CALLS = ("c1", "c2")
OPERATORS = ("ann", "bob", "cyd")
ARGUMENTS = {"card": "7788", "amount": "40"}
EDITED = {"card": "7788", "amount": "30"}
FOREIGN = {"card": "7788", "amount": "40", "to": "me"}
ANSWERS: tuple[Answer, ...] = (
    Approve(),
    ApproveEdited(EDITED),
    ApproveEdited(FOREIGN),
    Reject("no"),
    Respond("ask again"),
)
SELDOM = st.sampled_from([False, False, False, True])
COLUMNS = {
    "open": Column.REVIEW,
    "escalated": Column.REVIEW,
    "approved": Column.APPROVED,
    "executing": Column.APPROVED,
    "executed": Column.EXECUTED,
    "failed": Column.FAILED,
    "unknown": Column.FAILED,
    "rejected": Column.REJECTED,
    "withdrawn": Column.REJECTED,
    "taken_over": Column.REJECTED,
    "responded": Column.PROCESSING,
}
FROM_APPROVED = {
    Outcome.EXECUTED,
    Outcome.FAILED,
    Outcome.UNKNOWN,
    Outcome.LAPSED,
    Outcome.CALLER_GONE,
    Outcome.TAKEN_OVER,
    Outcome.WITHDRAWN,
    Outcome.INTERRUPTED,
}


@dataclass
class Watched:
    """What the world knows of one approval, without asking the gate."""

    mode: Mode
    call_id: str
    deadline: float  # on the wall
    half: float
    undisturbed: bool = True  # no kill and no drain since it was asked
    shown: dict[str, float] = field(default_factory=dict)  # who has seen it and is still there
    acknowledged: tuple[str, Answer] | None = None
    permitted_until: float | None = None
    permitted: str = ""
    executed: list[str] = field(default_factory=list)
    escalations: int = 0


class Killed(Exception):
    """The server dies here."""


class World(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.offset = 1000.0  # the wall's time minus the machine's
        self.gate = Gate(POLICY)
        self.board = Board()
        self.stored: dict[str, str] = {}
        self.cards: dict[str, str] = {}
        self.waiting: list[tuple[dict[str, str], str, str]] = []  # for the disk to be well again
        self.sick = False
        self.unkept: set[str] = set()  # nothing of these may be done
        self.withheld: set[str] = set()
        self.not_kept: deque[NotKept] = deque()  # on their way to the gate
        self.watched: dict[str, Watched] = {}
        self.follow_ups: set[str] = set()
        self.calls = dict.fromkeys(CALLS, 0)  # how often each line was hung up
        self.dead_calls: set[str] = set()
        self.asked = 0
        self.kill_after: int | None = None
        self.trying: Answered | None = None
        self.is_restarting = False  # what is still said to a caller reaches no one

    # --- the shell --------------------------------------------------------------------------

    @property
    def wall(self) -> float:
        return self.now + self.offset

    def tell(self, event: Any) -> list[Any]:
        self.gate.handle(event, self.now)
        assert all(r.due_at is not None and r.due_at > self.now for r in self.gate.live())
        deadline = self.gate.next_deadline()
        assert deadline is None or deadline > self.now
        commands = self.gate.take_commands()
        try:
            for command in commands:
                if self.kill_after is not None:
                    if self.kill_after == 0:
                        raise Killed
                    self.kill_after -= 1
                self.carry_out(command)
        except Killed:
            self.restart()
        else:
            self.check_board()
        return commands

    def carry_out(self, command: Any) -> None:
        match command:
            case Keep(record):
                self.save(record)
                self.note_unkept(record)
            case Show(approval_id, operator_id, record, second):
                assert record.status in ("open", "escalated")
                assert second is (record.state is State.ESCALATED)
                self.watched[approval_id].shown[operator_id] = self.wall
            case Acknowledge(approval_id) if approval_id in self.unkept:
                pass  # who approved is told that it could not be stored
            case Permit(approval_id) | Execute(approval_id) if approval_id in self.unkept:
                self.withheld.add(approval_id)
                self.not_kept.append(NotKept(approval_id))
            case Acknowledge(approval_id, operator_id, status):
                self.check_acknowledged(approval_id, operator_id, status)
            case Permit():
                self.check_permit(command)
            case Execute():
                self.check_execute(command)
            case TellCaller(_, call_id, _):
                assert call_id not in self.dead_calls or self.is_restarting
            case FollowUp(approval_id, record):
                assert record.follow_up
                assert self.sick or self.load(approval_id) == record
                self.follow_ups.add(approval_id)
            case Audit(_, _, _, _, counted, why):
                assert counted is (why == "")

    def save(self, record: ApprovalRecord) -> None:
        watched = self.watched[record.approval_id]
        before = self.newest(record.approval_id)
        if before is not None:
            if before.outcome is not None:
                assert record.outcome is before.outcome, "a second outcome"
            if before.decided_at is not None:
                assert (record.by, record.digest) == (before.by, before.digest), "redecided"
            was_open = before.state is State.OPEN
            watched.escalations += was_open and record.state is State.ESCALATED
        as_text = json.dumps(record.shifted(self.offset).as_dict())
        self.put(self.stored, record.approval_id, as_text)
        event = ApprovalChanged(record.proposal.action_id, record.status, record.by)
        self.board.handle(event, self.now)
        self.save_cards()  # with the record, as the wiring must

    def save_cards(self) -> None:
        for command in self.board.take_commands():
            assert not isinstance(command, KeepAnomaly)
            assert isinstance(command, KeepCard)
            card = command.card.shifted(self.offset)
            self.put(self.cards, card.task_id, json.dumps(card.as_dict()))

    def put(self, table: dict[str, str], key: str, text: str) -> None:
        self.waiting.append((table, key, text))
        self.store_what_waits()

    def store_what_waits(self) -> None:
        if not self.sick:
            for table, key, text in self.waiting:
                table[key] = text
            self.waiting.clear()

    def note_unkept(self, record: ApprovalRecord) -> None:
        if self.sick and record.state is not State.CLOSED:
            self.unkept.add(record.approval_id)
        elif record.approval_id not in self.withheld:
            self.unkept.discard(record.approval_id)

    def newest(self, approval_id: str) -> ApprovalRecord | None:
        """As given to be stored last, on the machine's clock."""
        texts = [t for table, key, t in self.waiting if table is self.stored and key == approval_id]
        text = texts[-1] if texts else self.stored.get(approval_id)
        if text is None:
            return None
        return ApprovalRecord.from_dict(json.loads(text)).shifted(-self.offset)

    def load(self, approval_id: str) -> ApprovalRecord:
        """As stored, on the machine's clock."""
        record = ApprovalRecord.from_dict(json.loads(self.stored[approval_id]))
        return record.shifted(-self.offset)

    def restart(self) -> None:
        self.kill_after = None
        self.now, self.offset = 7.0, self.wall - 7.0  # another clock
        self.waiting.clear()
        self.unkept.clear()
        self.withheld.clear()
        self.not_kept.clear()
        for approval_id, watched in list(self.watched.items()):
            watched.undisturbed = False
            watched.shown.clear()
            self.forget_unstored(approval_id, watched)
        records = [self.load(approval_id) for approval_id in self.stored]
        cards = [
            Card.from_dict(json.loads(card)).shifted(-self.offset) for card in self.cards.values()
        ]
        self.gate = Gate.reopened(POLICY, records, self.now)
        self.board = Board.reopened(cards, self.now)
        for command in self.gate.take_commands():
            assert not isinstance(command, (Execute, Permit, TellCaller, Acknowledge))
            self.carry_out(command)
        assert {r.approval_id for r in self.gate.follow_ups()} <= self.follow_ups
        for record in self.gate.live():
            assert record.state in (State.OPEN, State.ESCALATED)
        self.check_board()
        self.is_restarting = True
        for call_id in sorted(self.dead_calls):  # the kill may have come before this was kept
            self.tell(CallOver(call_id))
        self.is_restarting = False
        for record in self.gate.live():  # consoles come back
            if self.gate.record(record.approval_id) == record:
                self.tell(CandidatesChanged(record.approval_id, ("ann", "bob")))

    def forget_unstored(self, approval_id: str, watched: Watched) -> None:
        """A kill with a sick disk loses who refused, and what was asked: neither was to be done."""
        if approval_id not in self.stored:
            assert not watched.executed
            del self.watched[approval_id]
            return
        record = self.load(approval_id)
        if record.state is State.OPEN:
            watched.escalations = 0
        if watched.acknowledged is not None and not record.by:
            assert isinstance(watched.acknowledged[1], Reject | Respond)
            watched.acknowledged = None

    def disk(self, sick: bool, really: bool) -> None:
        if really:
            self.sick = sick
            self.store_what_waits()

    # --- what must hold ---------------------------------------------------------------------

    def check_acknowledged(self, approval_id: str, operator_id: str, status: str) -> None:
        watched, record = self.watched[approval_id], self.newest(approval_id)
        assert record is not None
        assert self.trying is not None
        refused = isinstance(self.trying.answer, Reject | Respond)
        assert refused or record == self.load(approval_id), "acknowledged, not stored"
        assert (record.by, record.status) == (operator_id, status), "acknowledged, not kept"
        assert watched.acknowledged is None, "two answers"
        assert self.wall < watched.deadline, "a late answer"
        assert self.trying.digest == digest("block", ARGUMENTS), "an answer to something else"
        watched.acknowledged = (operator_id, self.trying.answer)

    def check_permit(self, permit: Permit) -> None:
        watched = self.watched[permit.approval_id]
        assert self.load(permit.approval_id).state is State.APPROVED
        if self.load(permit.approval_id).by:
            assert self.trying is not None
            edits = isinstance(self.trying.answer, ApproveEdited)
            assert edits or isinstance(self.trying.answer, Approve)
        else:  # nobody vetoed
            edits = False
            assert watched.mode is Mode.ON
            assert watched.undisturbed
            assert self.wall >= watched.deadline
            assert any(at <= watched.half for at in watched.shown.values()), "nobody saw it"
        assert permit.arguments == (EDITED if edits else ARGUMENTS)
        assert permit.digest == digest("block", permit.arguments)
        watched.permitted, watched.permitted_until = permit.digest, self.wall + 15.0

    def check_execute(self, execute: Execute) -> None:
        watched = self.watched[execute.approval_id]
        record = self.load(execute.approval_id)
        assert record.state is State.EXECUTING, "not written ahead"
        assert execute.digest == digest(execute.name, execute.arguments) == watched.permitted
        assert watched.permitted_until is not None
        assert self.wall < watched.permitted_until, "after its validity"
        assert watched.call_id not in self.dead_calls
        assert watched.acknowledged or watched.mode is Mode.ON, "nobody approved"
        watched.executed.append(execute.digest)
        assert len(watched.executed) == 1, "executed twice"

    def check_board(self) -> None:
        for approval_id in self.stored:
            record = self.gate.record(approval_id)
            card = self.board.card(record.proposal.action_id) if record else None
            if record is not None and card is not None:
                expected = COLUMNS.get(record.status, Column.EXPIRED)
                given_up = record.status == "responded" and card.column is Column.EXPIRED
                assert card.column is expected or given_up  # the AI had it back, then a hang-up

    def is_open(self, approval_id: str) -> bool:
        record = self.gate.record(approval_id)
        return (
            record is not None
            and record.state in (State.OPEN, State.ESCALATED)
            and self.wall < self.watched[approval_id].deadline
        )

    def pick(self, data: Any) -> str:
        """Some approval, mostly one that is not over."""
        live = [record.approval_id for record in self.gate.live()]
        return str(data.draw(st.sampled_from(live * 4 + sorted(self.watched))))

    # --- what happens -----------------------------------------------------------------------

    @rule(
        call=st.sampled_from(CALLS),
        mode=st.sampled_from([Mode.IN, Mode.ON]),
        seconds=st.sampled_from([8.0, 45.0, 45.0, 0.0]),
        candidates=st.lists(st.sampled_from(OPERATORS), max_size=4),
    )
    def ask(self, call: str, mode: Mode, seconds: float, candidates: list[str]) -> None:
        call = f"{call}.{self.calls[call]}"
        self.asked += 1
        action_id, approval_id = f"a{self.asked}", f"p{self.asked}"
        half = self.wall + seconds / 2
        self.watched[approval_id] = Watched(mode, call, self.wall + seconds, half)
        self.board.handle(TaskAdded(action_id, call, "block the card"), self.now)
        self.board.handle(TaskMoved(action_id, Step.START, "agent"), self.now)
        self.save_cards()
        proposal = Proposal(action_id, call, "block", ARGUMENTS, Effect.IRREVERSIBLE, "block")
        asked = ApprovalAsked(approval_id, proposal, Verdict(mode, 50, seconds), tuple(candidates))
        self.gate.handle(asked, self.now)
        self.tell(asked)  # told twice: must make no difference
        if self.newest(approval_id) is None:  # killed before it was kept: as if never asked
            self.watched.pop(approval_id, None)

    @precondition(lambda self: self.watched)
    @rule(
        data=st.data(),
        answer=st.sampled_from(ANSWERS),
        right=st.sampled_from([True, True, True, False]),
    )
    def answer(self, data: Any, answer: Answer, right: bool) -> None:
        self.tell(DeadlinePassed())
        if not self.watched:  # a kill has lost all that was asked
            return
        approval_id = self.pick(data)
        seats = {State.OPEN: 1, State.ESCALATED: 2}
        record = self.gate.record(approval_id)
        assert record is not None
        reviewers = self.gate.reviewers(approval_id)
        operator = data.draw(st.sampled_from([*OPERATORS, *reviewers]))
        counts = (
            right
            and self.is_open(approval_id)
            and (operator in reviewers or len(reviewers) < seats[record.state])
            and answer != ApproveEdited(FOREIGN)
        )
        seen = digest("block", ARGUMENTS if right else EDITED)
        self.trying = Answered(approval_id, operator, seen, answer)
        commands = self.tell(self.trying)
        self.trying = None
        assert any(isinstance(command, Acknowledge) for command in commands) is counts
        assert any(isinstance(command, RefuseAnswer) for command in commands) is not counts
        logged = [c for c in commands if isinstance(c, Audit) and c.actor == operator]
        assert [line.counted for line in logged] == [counts]

    @precondition(lambda self: self.watched)
    @rule(data=st.data(), arguments=st.sampled_from([ARGUMENTS, EDITED, FOREIGN, None, None]))
    def claim(self, data: Any, arguments: dict[str, str] | None) -> None:
        approval_id = self.pick(data)
        record = self.gate.record(approval_id)
        assert record is not None
        wanted = digest("block", arguments) if arguments else record.digest
        commands = self.tell(ExecutionClaimed(approval_id, wanted))
        assert wanted == record.digest or not any(isinstance(c, Execute) for c in commands)

    @precondition(lambda self: self.gate.live())
    @rule(data=st.data())
    def answer_and_claim(self, data: Any) -> None:
        """The good path, which chance alone finds too seldom."""
        approval_id = self.pick(data)
        operator = next(iter(self.gate.reviewers(approval_id)), "ann")
        answer = data.draw(st.sampled_from([Approve(), ApproveEdited(EDITED)]))
        self.trying = Answered(approval_id, operator, digest("block", ARGUMENTS), answer)
        self.tell(self.trying)
        self.trying = None
        self.disk(not self.sick, really=data.draw(st.booleans()))
        record = self.gate.record(approval_id)
        if record is not None:
            self.tell(ExecutionClaimed(approval_id, record.digest))

    @precondition(lambda self: self.watched)
    @rule(data=st.data(), ok=st.sampled_from([True, False, None]))
    def finish(self, data: Any, ok: bool | None) -> None:
        begun = [r.approval_id for r in self.gate.live() if r.state is State.EXECUTING]
        approval_id = data.draw(st.sampled_from(begun * 8 + sorted(self.watched)))
        self.tell(ExecutionFinished(approval_id, ok))

    @precondition(lambda self: self.watched)
    @rule(data=st.data(), candidates=st.lists(st.sampled_from(OPERATORS), max_size=3))
    def rank(self, data: Any, candidates: list[str]) -> None:
        approval_id = self.pick(data)
        self.tell(CandidatesChanged(approval_id, tuple(candidates)))

    @rule(operator=st.sampled_from(OPERATORS), really=SELDOM)
    def leave(self, operator: str, really: bool) -> None:
        if not really:
            return
        self.tell(DeadlinePassed())
        for watched in self.watched.values():
            watched.shown.pop(operator, None)
        self.tell(ReviewerLeft(operator))

    @precondition(lambda self: self.asked > 3)
    @rule(call=st.sampled_from(CALLS), really=SELDOM)
    def hang_up(self, call: str, really: bool) -> None:
        if not really:
            return
        self.tell(DeadlinePassed())
        gone = CallOver(f"{call}.{self.calls[call]}")
        self.calls[call] += 1
        self.dead_calls.add(gone.call_id)
        self.tell(gone)
        self.board.handle(gone, self.now)
        self.save_cards()

    @precondition(lambda self: self.asked > 3)
    @rule(call=st.sampled_from(CALLS), really=SELDOM)
    def take_over(self, call: str, really: bool) -> None:
        if really:
            self.tell(DeadlinePassed())
            taken = CallTakenOver(f"{call}.{self.calls[call]}")
            self.calls[call] += 1
            self.dead_calls.add(taken.call_id)  # for the AI: it says no more to this caller
            self.tell(taken)

    @precondition(lambda self: self.watched)
    @rule(data=st.data(), really=SELDOM)
    def withdraw(self, data: Any, really: bool) -> None:
        if really:
            self.tell(ProposalWithdrawn(self.pick(data)))

    @precondition(lambda self: self.follow_ups)
    @rule(data=st.data())
    def follow_up(self, data: Any) -> None:
        self.tell(FollowUpDone(data.draw(st.sampled_from(sorted(self.follow_ups))), "dee"))

    @precondition(lambda self: self.asked > 3)
    @rule(really=SELDOM)
    def drain(self, really: bool) -> None:
        if not really:
            return
        self.tell(DeadlinePassed())
        for watched in self.watched.values():
            watched.undisturbed = False
        self.tell(ServerDraining())

    @rule(seconds=st.sampled_from([0.125, 0.5, 1.0, 3.0, 4.0, 8.0, 22.5]), late=st.booleans())
    def wait(self, seconds: float, late: bool) -> None:
        self.now += seconds
        if not late:
            self.tell(DeadlinePassed())

    @rule(really=SELDOM)
    def wait_for_the_timer(self, really: bool) -> None:
        deadline = self.gate.next_deadline()
        if really and deadline is not None:
            self.now = max(self.now, deadline)
            self.tell(DeadlinePassed())

    @rule(commands=st.integers(0, 8), really=SELDOM)
    def kill_soon(self, commands: int, really: bool) -> None:
        if really:
            self.kill_after = commands

    @rule(sick=st.booleans(), really=SELDOM)
    def fall_sick_or_get_well(self, sick: bool, really: bool) -> None:
        self.disk(sick, really)

    @precondition(lambda self: self.not_kept)
    @rule()
    def hear_that_it_was_not_kept(self) -> None:
        self.tell(self.not_kept.popleft())

    def teardown(self) -> None:
        self.kill_after = None
        self.sick = False
        self.store_what_waits()
        while self.not_kept:
            self.tell(self.not_kept.popleft())
        for _ in range(4 * len(self.watched) + 1):  # three timers at most in a life
            deadline = self.gate.next_deadline()
            if deadline is None:
                break
            self.now = max(self.now, deadline)
            self.tell(DeadlinePassed())
        assert self.gate.next_deadline() is None
        assert self.gate.live() == ()
        for approval_id, watched in self.watched.items():
            record = self.load(approval_id)
            assert record.outcome is not None
            assert watched.escalations <= 1
            if watched.acknowledged:
                operator, answer = watched.acknowledged
                assert record.by == operator
                if isinstance(answer, Reject):
                    assert record.outcome is Outcome.REJECTED
                elif isinstance(answer, Respond):
                    assert record.outcome is Outcome.RESPONDED
                else:
                    assert record.outcome in FROM_APPROVED
            if watched.executed:
                assert record.outcome in (Outcome.EXECUTED, Outcome.FAILED, Outcome.UNKNOWN)
            if ENDINGS[record.outcome].follow_up:
                assert approval_id in self.follow_ups
        self.restart()
        assert self.gate.next_deadline() is None


TestApprovals = World.TestCase
TestApprovals.settings = settings(
    max_examples=60, stateful_step_count=80, deadline=None, derandomize=True
)
