"""One call's conversation with several agents: who is asked, who answers, who is told of it afterwards.

What holds is said in `voice_hitl.agent.ladder`.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from typing import Any

from handoff.events import DeadlinePassed, DialogueFacts, IntentFacts
from handoff.ladder import (
    AskHuman,
    AskRung,
    CancelRung,
    Climb,
    HumanUnavailable,
    LadderCommand,
    LateAnswer,
    Rung,
    RungAnswered,
    RungFailed,
    Settle,
    TurnWithdrawn,
)
from handoff.policy import Policy
from voice_hitl.agent.protocol import (
    AgentEvent,
    Done,
    Heard,
    Sentence,
    Understanding,
    Verdict,
)
from voice_hitl.agent.seats import Seat
from voice_hitl.errors import AgentError
from voice_hitl.log import get_logger

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ladder:
    """What all conversations on a ladder share."""

    policy: Policy
    rungs: Mapping[str, Rung]  # by name
    apology: tuple[str, ...]
    clock: Callable[[], float]
    count: Callable[[LadderCommand], None]  # from any thread


@dataclass(frozen=True, slots=True)
class _Settled:
    """A turn that an agent answers."""

    seat: Seat
    found: Understanding  # its own


@dataclass(frozen=True, slots=True)
class _Unsure:
    """A turn that nobody answers; why, in words for an operator."""

    words: str


class LadderConversation:
    """Implements `voice_hitl.agent.protocol.Conversation`. `understand` may be called from any thread."""

    def __init__(self, ladder: Ladder, call_id: str, seats: Sequence[Seat]) -> None:
        self._ladder = ladder
        self._call_id = call_id
        self._seats = {seat.name: seat for seat in seats}
        self._first = self._speaker = seats[0]  # who is asked first; who spoke last
        self._turn = 0
        self._category = "general"
        self._swap = threading.Lock()
        self._climbing = threading.Lock()
        self._newer: Future[None] | None = (
            None  # done once a newer turn takes the place of this one
        )
        # The exchange under way, of which others are told when the next one begins.
        self._heard: Heard | None = None
        self._asked: set[str] = set()  # who hears the caller's turn themselves
        self._voice: Seat | None = None  # who speaks
        self._said: list[str] = []

    # --- the protocol -------------------------------------------------------------------------

    def greeting(self) -> list[Sentence]:
        """What the first agent says first."""
        return self._note(self._first.conversation.greeting())

    def understand(self, heard: Heard) -> Understanding:
        """Ask agent by agent, within the policy's `ladder.budget`; a newer turn ends this one's asking."""
        newer: Future[None] = Future()
        self._put(newer)
        with self._climbing:
            return self._ask_all(heard, newer)

    def withdraw(self) -> None:
        """End the asking that is under way, if any."""
        self._put(None)

    def _put(self, newer: Future[None] | None) -> None:
        with self._swap:
            before, self._newer = self._newer, newer
        if before is not None:
            before.set_result(None)

    async def respond(
        self, understanding: Understanding, *, safe_mode: bool
    ) -> AsyncIterator[AgentEvent]:
        """The chosen agent answers. Raises `AgentError` where nobody is sure enough."""
        turn = understanding.state
        if isinstance(turn, _Settled):
            events = turn.seat.conversation.respond(turn.found, safe_mode=safe_mode)
            try:
                async for event in events:
                    if isinstance(event, Sentence):
                        self._said.append(event.text)
                    yield event
            finally:  # the caller may break off: then the agent is told here, not by the collector
                if isinstance(events, AsyncGenerator):
                    await events.aclose()
        elif isinstance(turn, _Unsure) and safe_mode:
            for text in self._ladder.apology:
                self._said.append(text)
                yield Sentence(text, kind="apology")
            yield Done()
        elif isinstance(turn, _Unsure):
            raise AgentError(turn.words)
        else:
            raise AgentError("this understanding is not of this agent")

    def verdict(self, action_id: str, verdict: Verdict) -> None:
        """Answer the proposal of whoever speaks."""
        self._speaker.conversation.verdict(action_id, verdict)

    def resume(self, note: str) -> list[Sentence]:
        """All take the call back; who spoke last says what there is to say."""
        self._tell_others()
        idle = [seat for seat in (self._speaker, *self._seats.values()) if not seat.busy]
        if idle:
            self._speaker = idle[0]
            self._speaker.catch_up()
        for seat in self._seats.values():
            if not idle or seat is not self._speaker:
                seat.missed_resume(note)
        return self._note(self._speaker.conversation.resume(note)) if idle else []

    def completeness(self, partial: str) -> float:
        """The first agent's: the cheapest knows best how callers end sentences; 0.5 while it is busy."""
        return 0.5 if self._first.busy else self._first.conversation.completeness(partial)

    # --- asking -------------------------------------------------------------------------------

    def _ask_all(self, heard: Heard, newer: Future[None]) -> Understanding:
        if heard.goes_on:  # with the turn before, which comes in this one again
            self._forget()
        else:
            self._tell_others()
        self._turn += 1
        self._heard = heard
        names = list(self._seats) if heard.silence is None else [self._speaker.name]
        ladder, clock = self._ladder, self._ladder.clock
        rungs = [ladder.rungs[name] for name in names]
        climb = Climb(self._call_id, self._turn, self._category, rungs, ladder.policy, clock())
        found: dict[str, Understanding] = {}
        asked: tuple[Seat, Future[Understanding]] | None = None
        human: AskHuman | None = None
        while True:
            for command in climb.take_commands():
                ladder.count(command)
                if isinstance(command, Settle):
                    self._log(command)
                match command:
                    case AskRung():
                        asked = self._ask(self._seats[command.rung], heard)
                    case CancelRung() if asked is not None:
                        self._cut(*asked)
                        asked = None
                    case AskHuman():
                        human = command
                    case Settle(outcome="withdrawn"):
                        raise AgentError("the caller went on before this turn was understood")
                    case Settle(by=None):
                        return self._unsure(heard, found, human)
                    case Settle(by=by):
                        return self._settled(self._seats[str(by)], found)
            if human is not None:
                # A person takes the whole call or none of it: the core decides.
                climb.handle(HumanUnavailable(), clock())
                continue
            due = climb.next_deadline()
            assert asked is not None and due is not None
            seat, future = asked
            either: tuple[Future[Any], ...] = (future, newer)
            wait(either, max(0.0, due - clock()), FIRST_COMPLETED)
            if newer.done():
                climb.handle(TurnWithdrawn(), clock())
            elif not future.done():
                climb.handle(DeadlinePassed(), clock())
            elif (error := future.exception()) is not None:
                log.warning("an agent of the ladder broke", rung=seat.name, error=repr(error))
                asked = None
                climb.handle(RungFailed(seat.name, repr(error)), clock())
            else:
                asked = None
                found[seat.name] = future.result()
                climb.handle(self._answered(seat.name, found[seat.name]), clock())

    def _log(self, settle: Settle) -> None:
        """What each rung's calibration can be fitted from, beside labels."""
        attempts = [
            {
                "rung": each.rung,
                "outcome": each.outcome,
                "seconds": round(each.seconds, 4),
                "score": each.score,
                "confidence": each.confidence,
            }
            for each in settle.attempts
        ]
        log.info(
            "ladder settled",
            call_id=self._call_id,
            turn=self._turn,
            outcome=settle.outcome,
            by=settle.by,
            attempts=attempts,
        )

    def _ask(self, seat: Seat, heard: Heard) -> tuple[Seat, Future[Understanding]]:
        self._asked.add(seat.name)
        return seat, seat.ask(heard)

    def _cut(self, seat: Seat, future: Future[Understanding]) -> None:
        if seat.take_back():
            self._asked.discard(seat.name)
            return
        ladder, turn, cut = self._ladder, self._turn, self._ladder.clock()

        def late(_: Future[Understanding]) -> None:
            ladder.count(LateAnswer(self._call_id, turn, seat.name, ladder.clock() - cut))

        future.add_done_callback(late)

    def _answered(self, name: str, found: Understanding) -> RungAnswered:
        dialogue, policy = found.dialogue, self._ladder.policy
        if dialogue.emergency or dialogue.wants_person >= policy.thresholds.wants_person:
            score = 1.0
        else:
            score = 0.0 if dialogue.no_match else found.intent.probability
        return RungAnswered(name, found.intent.name or "", score, found.intent.category)

    def _settled(self, seat: Seat, found: Mapping[str, Understanding]) -> Understanding:
        own = found[seat.name]
        self._speaker = self._voice = seat
        self._category = own.intent.category
        return replace(
            own,
            intent=self._calibrated(seat.name, own),
            dialogue=_merged(own.dialogue, found.values()),
            state=_Settled(seat, own),
        )

    def _unsure(
        self, heard: Heard, found: Mapping[str, Understanding], human: AskHuman | None
    ) -> Understanding:
        text = heard.hypothesis.text if heard.hypothesis is not None else ""
        if not found:
            nothing = IntentFacts(None, 0.0, category=self._category)
            facts = DialogueFacts(no_match=True, interruptions=heard.interruptions)
            return Understanding(text, nothing, facts, {}, _Unsure("no agent answered in time"))
        if all(each.dialogue.no_match for each in found.values()):
            return self._settled(self._seats[next(iter(found))], found)
        best = human.suggestion.rung if human and human.suggestion else next(iter(found))
        own = found[best]
        intent = self._calibrated(best, own)
        sure = ", ".join(
            f"{name} {self._calibrated(name, each).probability:.0%}" for name, each in found.items()
        )
        needed = f"; {human.needed:.0%} needed" if human else ""
        guess = f", best guess: {intent.name.replace('_', ' ')}" if intent.name else ""
        return replace(
            own,
            intent=intent,
            dialogue=replace(_merged(own.dialogue, found.values()), no_match=True),
            state=_Unsure(f"nobody was sure enough ({sure}{needed}){guess}"),
        )

    def _calibrated(self, name: str, found: Understanding) -> IntentFacts:
        rung: Rung = self._ladder.rungs[name]
        return replace(
            found.intent, probability=rung.calibration(min(1.0, max(0.0, found.intent.probability)))
        )

    # --- what others are told -----------------------------------------------------------------

    def _note(self, sentences: list[Sentence]) -> list[Sentence]:
        """The speaker says something that nobody asked for."""
        self._said += [sentence.text for sentence in sentences]
        self._voice = self._speaker
        return sentences

    def _tell_others(self) -> None:
        """The exchange under way is over: keep it for those who had no part in it."""
        said = " ".join(self._said)
        for seat in self._seats.values():
            if seat is not self._voice:
                seat.missed(None if seat.name in self._asked else self._heard, said)
        self._forget()

    def _forget(self) -> None:
        self._heard, self._asked, self._said, self._voice = None, set(), [], None


def _merged(own: DialogueFacts, found: Iterable[Understanding]) -> DialogueFacts:
    """What one agent hears of anger or danger counts, whoever answers."""
    all_facts = [each.dialogue for each in found]
    return replace(
        own,
        wants_person=max(facts.wants_person for facts in all_facts),
        frustration=max(facts.frustration for facts in all_facts),
        emergency=any(facts.emergency for facts in all_facts),
    )
