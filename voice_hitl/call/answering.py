"""The AI's part of a call: turns are understood, answered and acted on, one at a time.

Part of the call's owner: every method runs in the owner task and none waits. The work itself is a side
task (`call.replying`); `task` numbers tell its events from the leftovers of a cancelled one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from handoff import events as facts
from handoff.approvals import Execute, TellCaller
from handoff.session import State
from voice_hitl.agent.protocol import Heard, Sentence, Verdict
from voice_hitl.call import inbox as at
from voice_hitl.call import turn_events as turn
from voice_hitl.call import turns
from voice_hitl.call.book import CallBook
from voice_hitl.call.latency import Stage
from voice_hitl.call.listening import Listener
from voice_hitl.call.moderating import CallModeration
from voice_hitl.call.proposals import Proposals
from voice_hitl.call.replying import Replier
from voice_hitl.call.second_opinions import SecondOpinions
from voice_hitl.call.speaking import FILLER, Speaker
from voice_hitl.call.stopwatch import Stopwatch
from voice_hitl.call.whole_turns import WholeTurnsEngine, spoken
from voice_hitl.language import Hypothesis

KINDS = ("answer", "notice", "question", "confirmation", "refusal", "apology")
"""Kinds of sentences; a reply is of the kind that comes last here among its sentences'."""
Work = Callable[[int], Coroutine[Any, Any, None]]
MAX_THOUGHTS = 3  # times a reply may be late before the agent counts as broken
CHECKING_EVERY = 4  # of the times that a reply is late, while a person looks at a proposal


class Answering:
    """What the AI does in one call. `tasks` must be set before anything is said."""

    tasks: asyncio.TaskGroup

    def __init__(
        self,
        engine: WholeTurnsEngine,
        machine: turns.TurnMachine,
        book: CallBook,
        replier: Replier,
        speaker: Speaker,
        listener: Listener,
        stopwatch: Stopwatch,
        proposals: Proposals,
        opinions: SecondOpinions,
        moderation: CallModeration,
        clock: Callable[[], float],
    ) -> None:
        self.safe_mode = False
        self._engine = engine
        self._turns = machine
        self._book = book
        self._replier = replier
        self._speaker = speaker
        self._listener = listener
        self._watch = stopwatch
        self._proposals = proposals
        self._opinions = opinions
        self._moderation = moderation
        self._now = clock
        self._task: asyncio.Task[None] | None = None
        self._number = 0
        self._queued: Work | None = None  # what to do once the present action is done
        self._muted = False  # the present work was interrupted; only its action still counts
        self._interrupted: str | None = None
        self._heard = Heard()  # the last turn that was answered
        self._end_after_reply = False
        self._kind = KINDS[0]
        self._decided = 0  # the latest work whose turn the core has decided on

    @property
    def in_charge(self) -> bool:
        """Whether the AI, not a person, answers the caller."""
        return self._engine.state is State.AI

    @property
    def busy(self) -> bool:
        """Whether a turn is being worked on."""
        return self._task is not None

    def answer(self, command: turn.Answer) -> None:
        """A turn of the caller is complete: answer it, or keep it until the present action is done."""
        if command.hypothesis is None:
            self._watch.next_turn()
            if command.silence is not None:
                self._book.caller_other("The caller said nothing.")
                self._engine.handle(
                    facts.CallerSilent(self._watch.turn, command.silence), self._now()
                )
                if not self.in_charge:
                    return
        else:
            new = command.hypothesis if command.new is None else command.new
            if new.text:
                self._book.caller_final(new)
                self._moderation.caller_said(new.text, self._now(), self._book.caller_words)
            else:
                self._book.caller_added_nothing()
            if not self.in_charge:
                return
        goes_on = command.new is not None
        heard = Heard(
            hypothesis=command.hypothesis,
            digits=command.digits,
            silence=command.silence,
            interruptions=command.interruptions + (self._heard.interruptions if goes_on else 0),
            interrupted_text=self._heard.interrupted_text if goes_on else self._interrupted,
            goes_on=goes_on,
        )
        self._heard = heard
        self._interrupted = None
        self._start(lambda number: self._replier.answer(number, heard, self.safe_mode))

    def say(self, sentences: Iterable[Sentence], *, trusted: bool = False) -> None:
        """Speak without a caller's turn: the greeting, or what an interruption cut off.

        `trusted` sentences are not judged by moderation.
        """
        chosen = [sentence for sentence in sentences if sentence.text]
        if not chosen:
            self._turns.handle(turn.ReplyOver(), self._now())
            return
        self.stop()
        self._start(lambda number: self._replier.say(number, chosen, trusted=trusted))

    def resume(self, note: str) -> None:
        """A person gave the call back: speak what the agent has to say to that."""
        self._replier.handed_back(note)
        self.stop()
        self._start(self._replier.resume)

    def _start(self, work: Work) -> None:
        """Begin with work, or, while an action is under way, keep it; only the newest is kept."""
        if self._task is not None:
            self._queued = work
            # Whoever speaks on may mean "no, wait": what is not approved yet is not asked for any more.
            self._proposals.withdraw("caller_spoke", self._now())
            return
        self._kind = KINDS[0]
        self._muted = False
        self._speaker.begin_reply()
        self._number += 1
        self._task = self.tasks.create_task(work(self._number))

    def stop(self) -> None:
        """Cancel the present turn's work, unless it is in the middle of an action."""
        self._speaker.break_off()
        self._proposals.withdraw("interrupted", self._now())
        if self._task is not None and not self._proposals.under_way:
            self._opinions.over()
            self._task.cancel()
            self._task = None
            self._number += 1

    def on_understanding(self, event: at.UnderstandingCame, now: float) -> None:
        """The core decides on the turn; the side task goes on only while the AI is in charge."""
        found = event.understanding
        if found.text:
            self._hear(event, now)
        if event.task != self._number:
            at.answer(event.go, False)
            return
        self._watch.moment("understood", now)
        if not found.text:
            self._book.understood(found)
        self._decided = event.task
        self._watch.moment("decided", self._now())
        self._watch.measure(Stage.DECISION, "final", "decided", now)
        at.answer(event.go, self.in_charge)

    def overhear(self, hypothesis: Hypothesis) -> None:
        """The caller speaks while a person is being called: the core listens on, for an emergency above all.

        Left out while an action or the last such turn is still under way; the transcript has it all the same.
        """
        self._moderation.caller_said(hypothesis.text, self._now(), self._book.caller_words)
        if self._task is None:
            self._number += 1
            heard = Heard(hypothesis=hypothesis)
            self._task = self.tasks.create_task(self._replier.overhear(self._number, heard))

    def on_overheard(self, event: at.Overheard, now: float) -> None:
        """The core takes in what a waiting caller said."""
        if event.task != self._number:
            return
        self._task = None
        found = event.understanding
        if found is not None and found.text:
            self._engine.handle(spoken(self._watch.turn, self._book.last_utterance, found), now)
            self._book.understood(found)

    def _hear(self, event: at.UnderstandingCame, now: float) -> None:
        found = event.understanding
        fact = spoken(self._watch.turn, self._book.last_utterance, found)

        def told() -> None:
            if fact.turn == self._watch.turn:
                self._book.understood(found)

        self._engine.hear(fact, now, told, goes_on=event.goes_on)
        if event.task == self._number and self.in_charge:
            self._opinions.opened(found)

    def _turn_stands(self, now: float) -> None:
        """The answer begins: what the caller says from here on is a turn of its own."""
        self._replier.stands()
        self._engine.stands(now)

    def on_judged(self, event: at.LineJudged, now: float) -> None:
        """Moderation noticed something about the agent's words."""
        self._moderation.note(event.judgement, event.text, now)

    def on_proposal(self, event: at.ProposalCame, now: float) -> None:
        """The agent wants to act, and waits until it may."""
        if event.task != self._number or self._muted:
            at.answer(event.verdict, Verdict(False, "interrupted"))
            return
        self._turns.handle(turn.ActedOn(), now)
        self._turn_stands(now)
        self._proposals.propose(event, now)

    def on_gate(self, event: at.GateSaid, now: float) -> None:
        """The approval gate answers."""
        if isinstance(event.said, TellCaller) and self._proposals.awaited:
            self._reply_began(now)  # the time that a person takes from here on is not the AI's
        self._proposals.on_gate(event, now)

    def next_deadline(self) -> float | None:
        """When to call `on_deadline`, or None."""
        return self._proposals.next_deadline()

    def on_deadline(self, now: float) -> None:
        """A person's answer stays away."""
        self._proposals.on_deadline(now)

    def on_acted(self, event: at.ActedCame, now: float) -> None:
        """An action was tried."""
        self._proposals.on_acted(event.acted, now)

    def on_clip(self, event: at.ClipCame, now: float) -> None:
        """A piece of the reply's sound; ignored once a person is in charge."""
        if event.task != self._number or self._muted:
            return
        if event.first:
            self._turn_stands(now)
        if not self.in_charge:
            return
        if event.first:
            # A reply to a turn, not a greeting or what follows a hand-back.
            if self._decided == self._number:
                self._reply_began(now)
            self._kind = max(self._kind, event.sentence.kind, key=KINDS.index)
            self._opinions.said(event.sentence.text)
            self._speaker.begin(event.sentence.text, event.chunk)
            self._turns.handle(turn.ReplyStarted(), now)
        else:
            self._speaker.go_on(event.chunk, last=event.last)

    def _reply_began(self, now: float) -> None:
        self._watch.moment("sentence", now)
        self._watch.measure(Stage.REPLY, "final", "sentence", now)

    def on_reply_done(self, event: at.ReplyDone, now: float) -> None:
        """The agent has nothing more to say to this turn."""
        if event.task != self._number:
            return
        self._work_over(now)
        if event.done is not None:
            self._listener.expectation = event.done.expectation
            self._listener.awaits_keys = event.done.awaits_keys
            self._book.pending = event.done.pending
            self._book.awaits_sensitive = event.done.sensitive
            self._end_after_reply = event.done.end_call
        self._next_or_idle(now)

    def on_reply_broke(self, event: at.ReplyBroke, now: float) -> None:
        """The agent or the voice failed."""
        if event.task != self._number:
            return
        self._work_over(now)
        self._speaker.break_off()
        self._engine.handle(facts.ComponentFailed(event.component, event.detail), now)
        self._next_or_idle(now)

    def _work_over(self, now: float) -> None:
        self._turn_stands(now)
        self._task = None
        self._proposals.over()
        self._opinions.over()

    def _next_or_idle(self, now: float) -> None:
        queued, self._queued = self._queued, None
        if queued is not None and self.in_charge:
            self._start(queued)
        elif self._speaker.idle:
            self.reply_over(now)

    def reply_over(self, now: float) -> None:
        """Nothing of the reply is left to play."""
        self._tell_core_what_was_heard(now)
        if self._end_after_reply and self.in_charge:
            self._end_after_reply = False
            self._engine.handle(facts.AgentEndedCall(), now)
        self._turns.handle(turn.ReplyOver(), now)

    def _tell_core_what_was_heard(self, now: float) -> None:
        said = self._speaker.as_heard
        if said and not self._engine.waits:  # else it was a filler, and no answer
            spoke = facts.AgentSpoke(self._watch.turn, said, self._kind, self._book.pending)
            self._engine.handle(spoke, now)

    def thought_too_long(self, command: turn.ThoughtTooLong) -> None:
        """The reply is late: fill the silence; a reply that stays away counts as a broken agent."""
        if self._proposals.awaited:
            if command.times % CHECKING_EVERY == 0:
                self._proposals.still_checking()
            else:
                self._speaker.tone()
            return
        if command.times >= MAX_THOUGHTS:
            self.give_up()
            self._engine.handle(facts.ComponentFailed("agent", "no reply in time"), self._now())
            return
        self._speaker.prompt(FILLER)

    def interrupt(self) -> None:
        """Stop talking and working at once; what was cut off is remembered.

        A proposal that a person looks at stays: noise must not withdraw it, and words will.
        """
        self._speaker.interrupt()
        if not self._proposals.awaited:
            self.stop()
            self._muted = self.busy
        self._interrupted = self._speaker.as_heard
        self._end_after_reply = False
        self._tell_core_what_was_heard(self._now())

    def say_unheard(self) -> None:
        """The interruption was only noise: say again what it cut off."""
        if self._proposals.awaited:
            self.nothing_said()
        else:
            self.say(self._speaker.unheard, trusted=True)

    def nothing_said(self) -> None:
        """What was heard is no turn: go on with what the AI was at."""
        now = self._now()
        plays = (self._proposals.awaited and self._speaker.say_again()) or not self._speaker.idle
        if self.busy:
            self._turns.handle(turn.StillAtWork(), now)
        if plays:
            self._turns.handle(turn.ReplyStarted(), now)
        elif self._proposals.awaited:
            self._speaker.tone()  # the silence after a cough is not to be a long one

    def hold(self) -> None:
        """A person is coming: stop talking and working, and forget the turn that waits."""
        self._queued = None
        self._proposals.withdraw("not_in_charge", self._now())
        if self._speaker.idle:
            self.stop()
        else:
            self.interrupt()

    def taken_over(self) -> None:
        """A person has the call."""
        self._proposals.taken_over()

    def give_up(self) -> None:
        """Cancel the present work, action or not."""
        self._proposals.over()
        self.stop()

    def wind_up(self, event: at.InboxEvent, now: float) -> None:
        """The call is over but for the action under way: see it to its end, and begin nothing more."""
        match event:
            case at.UnderstandingCame():
                at.answer(event.go, False)
            case at.ProposalCame():
                at.answer(event.verdict, Verdict(False, "call_over"))
            case at.GateSaid(said=Execute() as said):
                self._proposals.call_over(said)
            case at.LineJudged():
                self.on_judged(event, now)
            case at.ActedCame():
                self.on_acted(event, now)
                self.stop()
            case at.ReplyDone() | at.ReplyBroke() | at.Overheard() if event.task == self._number:
                self._task = None
                self._opinions.over()
