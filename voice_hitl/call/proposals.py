"""What becomes of the AI's proposals in one call: done alone, after a person's approval, or not at all.

Part of the call's owner: every method runs in the owner task and none waits. One proposal is under way at a
time, because an agent waits for the verdict on one before it makes the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from handoff import approvals as gate
from handoff import events as facts
from handoff.board import BoardEvent, Step, TaskAdded, TaskMoved
from handoff.commands import Notice
from handoff.engine import CallEngine
from handoff.oversight import PATHS, REASONS, Mode
from handoff.oversight import Proposal as Overseen
from handoff.oversight import Verdict as Oversight
from handoff.session import State
from voice_hitl.agent.guard import mask
from voice_hitl.agent.protocol import Acted, Proposal, Verdict
from voice_hitl.call import inbox as at
from voice_hitl.call.book import CallBook
from voice_hitl.call.masking import masked_values, masked_words
from voice_hitl.call.ports import Told
from voice_hitl.call.second_opinions import SecondOpinions
from voice_hitl.log import get_logger

log = get_logger(__name__)

SPOKEN_INSTEAD = {
    gate.Outcome.EXPIRED: Notice.NOT_DONE,
    gate.Outcome.LAPSED: Notice.NOT_DONE,
    gate.Outcome.DRAINING: Notice.NOT_DONE,
    gate.Outcome.INTERRUPTED: Notice.NOT_DONE,
    gate.Outcome.UNKNOWN: Notice.UNSURE,
}
"""What the caller is told, instead of the agent's own refusal, where nobody has refused."""


GRACE = 5.0  # seconds: an answer in the last moment is still stored, claimed and passed on


class GatePort(Told[gate.ApprovalEvent], Protocol):
    """The approval gate, as a call sees it."""

    def ask(self, proposal: Overseen, verdict: Oversight, turn: int) -> str:
        """Ask for an approval; returns its id. The answer comes to the call as `GateSaid`."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """How an action that may be done now is overseen, for whoever judges it afterwards."""

    task_id: str  # on the board
    summary: str
    path: str  # of `PATHS`
    risk: float  # 0..1


@dataclass(frozen=True, slots=True)
class Pending:
    """A proposal that a person has been asked about."""

    approval_id: str
    proposal: Proposal
    verdict: asyncio.Future[Verdict]
    allowed: Allowed  # once it is approved
    until: float  # monotonic seconds; then the gate itself must be broken


class Proposals:
    """The proposals of one call."""

    def __init__(
        self,
        engine: CallEngine,
        book: CallBook,
        port: GatePort,
        board: Told[BoardEvent],
        opinions: SecondOpinions,
        say: Callable[[Notice], None],
        words: Callable[[Notice], str],
    ) -> None:
        """`say` speaks a notice to the caller at once; `words` gives a notice's words to the agent."""
        self.under_way = False  # an action is being done and cannot be stopped
        self._engine = engine
        self._book = book
        self._port = port
        self._board = board
        self._opinions = opinions
        self._count = 0
        self._allowed: Allowed | None = None
        self._say = say
        self._words = words
        self._pending: Pending | None = None
        self._left: Pending | None = None  # open when a person was called; the AI will not do it
        self._executing: str | None = (
            None  # the approval that the action under way was claimed from
        )

    @property
    def awaited(self) -> bool:
        """Whether a person has been asked and has not answered."""
        return self._pending is not None

    def propose(self, event: at.ProposalCame, now: float) -> None:
        """The agent wants to act: let it, refuse, or ask a person."""
        proposal = event.proposal
        if not _are_texts(proposal.arguments):
            log.error("arguments of an action are not all texts", call_id=self._book.call_id)
            at.answer(event.verdict, Verdict(False, "bad_arguments"))
            return
        fact = facts.ActionProposed(
            action_id=proposal.action_id,
            name=proposal.name,
            arguments=proposal.arguments,
            effect=proposal.effect,
            amount=proposal.amount,
            regulated=proposal.regulated,
            over_limit=proposal.over_limit,
        )
        hidden = masked_values(fact.arguments, proposal.sensitive)
        self._engine.handle(replace(fact, arguments=hidden), now)
        overseen = Overseen.of(
            fact,
            self._book.call_id,
            proposal.summary,
            pack=self._book.started.pack,
            reasoning=proposal.reasoning,
            alternatives=proposal.alternatives,
            doubts=self._engine.doubts(fact.action_id),
            limit=proposal.limit,
            sensitive=proposal.sensitive,
        )
        oversight = self._engine.oversee(overseen)
        self._opinions.proposed(proposal)
        self._count += 1
        task_id = f"{self._book.call_id}:{self._count}"
        if self._left is not None and self._left.proposal.name == proposal.name:
            self._port.post(gate.ProposalWithdrawn(self._left.approval_id))  # this one replaces it
            self._left = None
        if oversight is None:
            code = _why_not_in_charge(proposal)
            self._begin(task_id, proposal)
            self._board.post(TaskMoved(task_id, Step.REJECT, "policy", code))
            self._book.proposed(proposal, f"not allowed: {code}")
            self._refuse(event.verdict, proposal, Verdict(False, code), now)
        elif oversight.mode is Mode.OUT:
            self._begin(task_id, proposal)
            self._board.post(TaskMoved(task_id, Step.APPROVE, "policy"))
            self._allowed = _allowed(task_id, proposal, oversight)
            self._book.proposed(proposal, "allowed")
            self.under_way = True
            at.answer(event.verdict, Verdict(True))
        else:
            why = ", ".join(REASONS[code] for code in oversight.reasons)
            asked = "may be vetoed" if oversight.mode is Mode.ON else "a colleague is asked"
            self._book.proposed(proposal, f"{asked}: {why}")
            approval_id = self._port.ask(overseen, oversight, self._book.turn)
            self._begin(approval_id, proposal)  # from here on the approval's records move it
            allowed = _allowed(approval_id, proposal, oversight)
            until = now + oversight.seconds + GRACE
            self._pending = Pending(approval_id, proposal, event.verdict, allowed, until)

    def _begin(self, task_id: str, proposal: Proposal) -> None:
        self._board.post(TaskAdded(task_id, self._book.call_id, _summary(proposal)))
        self._board.post(TaskMoved(task_id, Step.START, "agent"))

    def on_gate(self, event: at.GateSaid, now: float) -> None:
        """The gate answers."""
        said = event.said
        pending = self._pending
        mine = pending is not None and pending.approval_id == said.approval_id
        match said:
            case gate.TellCaller(notice=gate.Notice.CHECKING) if mine:
                self._say(Notice.CHECKING)
            case gate.Permit() if mine:
                self._port.post(gate.ExecutionClaimed(said.approval_id, said.digest))
            case gate.Execute():
                self._execute(said, pending if mine else None)
            case gate.RefuseClaim() if mine:
                self._resolve(Verdict(False, said.why), now)
            case gate.TellAgent() if mine:
                self._book.system(f"Not done: {said.outcome.value.replace('_', ' ')}. {said.words}")
                instead = SPOKEN_INSTEAD.get(said.outcome)
                advice = said.words if said.outcome is gate.Outcome.RESPONDED else ""
                if instead is not None:
                    advice = self._words(instead)
                self._resolve(Verdict(False, said.words or said.outcome, advice=advice), now)
            case gate.TellAgent(outcome=gate.Outcome.UNKNOWN):
                self._say(Notice.UNSURE)

    def on_acted(self, acted: Acted, now: float) -> None:
        """An action was tried."""
        self.under_way = False
        self._book.acted(acted)
        self._engine.handle(
            facts.ActionFinished(acted.action_id, acted.name, acted.effect, acted.ok, acted.result),
            now,
        )
        allowed, self._allowed = self._allowed, None
        if allowed is not None:
            self._opinions.acted(acted, allowed.summary, allowed.path, allowed.risk)
            if self._executing is None:
                step = Step.EXECUTE if acted.ok else Step.FAIL
                self._board.post(TaskMoved(allowed.task_id, step, "agent", mask(acted.result)))
        if self._executing is not None:
            ok = acted.ok if acted.certain else None
            self._port.post(gate.ExecutionFinished(self._executing, ok, acted.result))
            self._executing = None

    def next_deadline(self) -> float | None:
        """When to call `on_deadline`, or None."""
        return self._pending.until if self._pending is not None else None

    def on_deadline(self, now: float) -> None:
        """The gate has not even said that nobody answered: the caller waits no longer."""
        if self._pending is None:
            return
        log.error("the approval gate does not answer", call_id=self._book.call_id)
        self._port.post(gate.ProposalWithdrawn(self._pending.approval_id))
        self._book.system("Not done: no answer came in time.")
        self._resolve(Verdict(False, "no_answer", advice=self._words(Notice.NOT_DONE)), now)

    def still_checking(self) -> None:
        """The caller has waited for a while: say again that a person is asked."""
        self._say(Notice.CHECKING)

    def withdraw(self, why: str, now: float) -> None:
        """The caller has said something new, or the AI is no longer in charge: nobody need answer."""
        if self._pending is None:
            return
        if self._engine.state is State.AI:
            self._port.post(gate.ProposalWithdrawn(self._pending.approval_id))
        else:  # still open: for who takes the call, or else, once that or its time is over, to see to
            self._left = self._pending
        self._resolve(Verdict(False, why), now)

    def taken_over(self) -> None:
        """A person has the call, and does what was asked for."""
        self._left = None
        self._port.post(gate.CallTakenOver(self._book.call_id))

    def over(self) -> None:
        """The agent's work has ended, however it ended: nothing is under way any more."""
        self.under_way = False
        if self._executing is not None:
            self._port.post(gate.ExecutionFinished(self._executing, None, "the agent broke off"))
            self._executing = None
        elif self._allowed is not None:
            broke = TaskMoved(self._allowed.task_id, Step.FAIL, "agent", "the agent broke off")
            self._board.post(broke)
        self._allowed = None

    def _execute(self, said: gate.Execute, pending: Pending | None) -> None:
        if pending is None or pending.verdict.done():
            never = gate.ExecutionFinished(
                said.approval_id, False, "the call had moved on: not begun"
            )
            self._port.post(never)
            return
        edited = dict(said.arguments) != dict(pending.proposal.arguments)
        self._book.system("Approved with changes." if edited else "Approved.")
        self._pending = None
        self._executing = said.approval_id
        self._allowed = pending.allowed
        self.under_way = True
        at.answer(pending.verdict, Verdict(True, arguments=said.arguments if edited else None))

    def call_over(self, said: gate.Execute) -> None:
        """A permission comes when the call is over already: it is not used."""
        for event in not_begun(said):
            self._port.post(event)

    def _resolve(self, verdict: Verdict, now: float) -> None:
        pending, self._pending = self._pending, None
        if pending is not None:
            self._refuse(pending.verdict, pending.proposal, verdict, now)

    def _refuse(
        self, future: asyncio.Future[Verdict], proposal: Proposal, verdict: Verdict, now: float
    ) -> None:
        self._engine.handle(facts.ActionRefused(proposal.action_id), now)
        at.answer(future, verdict)


def not_begun(command: gate.Execute) -> tuple[facts.CallOver, gate.ExecutionFinished]:
    """What the gate is told where the call is over that should carry it out: nobody need wonder."""
    why = "the caller was gone: not begun"
    return facts.CallOver(command.call_id), gate.ExecutionFinished(command.approval_id, False, why)


def _allowed(task_id: str, proposal: Proposal, oversight: Oversight) -> Allowed:
    path = PATHS[oversight.mode]
    return Allowed(task_id, _summary(proposal), path, oversight.risk / 100.0)


def _summary(proposal: Proposal) -> str:
    return masked_words(proposal.summary, proposal.arguments, proposal.sensitive)


def _are_texts(arguments: object) -> bool:
    """Whether an agent, which may be anybody's, keeps to its protocol: people are shown names and texts."""
    return isinstance(arguments, Mapping) and all(
        isinstance(each, str) for item in arguments.items() for each in item
    )


def _why_not_in_charge(proposal: Proposal) -> str:
    if proposal.over_limit:
        return "over_limit"
    return "regulated" if proposal.regulated else "not_in_charge"
