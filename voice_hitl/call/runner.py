"""One call: its owner task takes one event at a time from the inbox and carries out what the two state
machines want, the turn-taking table (`call.turns`) and the decision core (`handoff.engine`).

The owner never waits for anything but the inbox: recognition, understanding, synthesis and storage are
side tasks of the call's `TaskGroup` that post what they find.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from handoff import commands as core
from handoff import events as facts
from handoff.session import State
from voice_hitl.agent.protocol import Conversation
from voice_hitl.call import inbox as at
from voice_hitl.call import turn_events as turn
from voice_hitl.call import turns
from voice_hitl.call.answering import Answering
from voice_hitl.call.attending import Attending
from voice_hitl.call.book import CallBook
from voice_hitl.call.bridge import Bridge, OperatorLeg
from voice_hitl.call.egress import Egress
from voice_hitl.call.hearing import Hearing
from voice_hitl.call.ingress import Ingress
from voice_hitl.call.latency import Stage
from voice_hitl.call.listening import Listener
from voice_hitl.call.moderating import CallModeration
from voice_hitl.call.parts import CallParts
from voice_hitl.call.proposals import Proposals
from voice_hitl.call.replying import Replier
from voice_hitl.call.second_opinions import SecondOpinions
from voice_hitl.call.speaking import Notices, Speaker
from voice_hitl.call.stopwatch import Stopwatch
from voice_hitl.call.whole_turns import WholeTurnsEngine
from voice_hitl.log import get_logger

log = get_logger(__name__)

HOLD_TONE_AFTER = 1.2  # seconds of waiting in silence before the hold tone; half the 3 s bound
LONGEST_ACTION = 30.0  # seconds that an action may go on after its call has ended
LONGEST_GOODBYE = 10.0  # seconds that the last words may take before the stream is closed anyway


class CallRunner:
    """Runs one call from its first frame to its end.

    `close_stream` ends the carrier's stream; it is called once, when the call is over.
    """

    def __init__(
        self,
        parts: CallParts,
        engine: WholeTurnsEngine,
        conversation: Conversation,
        ingress: Ingress,
        egress: Egress,
        book: CallBook,
        close_stream: Callable[[], None],
    ) -> None:
        self.engine = engine
        self.book = book
        self._parts = parts
        self._conversation = conversation
        self._ingress = ingress
        self.egress = egress
        self._close_stream = close_stream
        self._inbox = at.Inbox()
        post = self._inbox.post
        self._turns = turns.TurnMachine(parts.timing)
        self._speaker = Speaker(egress, book, parts.clips)
        self._notices = Notices(self._speaker, parts.notice)
        self._listener = Listener(parts.recognizer, post, _since(parts.clock.now, ingress))
        self._watch = Stopwatch(engine, book)
        self._opinions = SecondOpinions(engine, book, parts.reviews, parts.audits)
        moderation = CallModeration(parts.moderation, engine, book, parts.audits)
        replier = Replier(
            conversation, parts.voice, parts.executor, self._inbox.post, moderation.agent_says
        )
        self._ai = Answering(
            engine,
            self._turns,
            book,
            replier,
            self._speaker,
            self._listener,
            self._watch,
            Proposals(
                engine,
                book,
                parts.gate,
                parts.board,
                self._opinions,
                self._notices.say,
                lambda notice: parts.notice(notice, 0),
            ),
            self._opinions,
            moderation,
            parts.clock.now,
        )
        self._hearing = Hearing(
            engine,
            self._turns,
            book,
            replier.completeness,
            ingress,
            self._listener,
            self._watch,
            self._ai.overhear,
            self._settle,
            parts.clock.now,
        )
        self._bridge = bridge = Bridge(ingress, egress, parts.reconnect_seconds)
        self._people = Attending(
            engine, book, bridge, self._opinions, parts.floor, parts.watcher, self._hush
        )
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for: float | None = None
        self._over = False
        self._ending: core.EndCall | None = None

        self._tone_at: float | None = None
        self._end_by: float | None = None

        ingress.on_event = self._listener.on_event
        ingress.on_audio = self._listener.on_audio
        ingress.on_failed = self._inbox.fail
        bridge.on_attached = lambda epoch: post(at.LegAttached(epoch))
        bridge.on_detached = lambda epoch: post(at.LegDetached(epoch))
        bridge.on_first_frame = lambda epoch: post(at.LegSpoke(epoch))
        egress.on_failed = self._inbox.fail
        egress.on_sentence_started = lambda sid: post(at.SentenceStarted(sid, parts.clock.now()))
        egress.on_sentence_done = lambda sid: post(at.SentencePlayed(sid))
        egress.on_idle = lambda: post(at.PlaybackIdle())

    # --- from outside: each only posts, so that nothing overtakes anything ---

    @property
    def leg(self) -> OperatorLeg | None:
        """The operator's audio leg, while there is one."""
        return self._bridge.leg

    @property
    def over(self) -> bool:
        """Whether the call has ended, though an action may still be under way."""
        return self._over

    def post(self, event: at.InboxEvent) -> None:
        """Tell the call something."""
        self._inbox.post(event)

    def fail(self, error: Exception) -> None:
        """The line broke while the caller was on it: the call fails, towards its fallback."""
        if not self._over:
            self._inbox.fail(error)

    def offered(self, operator_id: str) -> None:
        """An offer for this call was put on a console."""
        self.book.offered(operator_id)

    def accepted(self, operator_id: str, epoch: int) -> None:
        """An operator accepted; to be stored before they are told."""
        self.book.accepted(operator_id, epoch)

    async def run(self) -> None:
        """Own the call until it is over. Leaves no task, lease or leg behind, however it ends."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._ai.tasks = self._listener.tasks = tasks
                self._begin()
                while not self._over:
                    self._settle()
                    if self._over:
                        break
                    self._handle(await self._inbox.get())
                self._ai.stop()
                self._listener.abandon()
                await self._wind_up()
                self.book.facts(self.engine.take_facts())
        finally:
            self._ingress.close()  # first, or a window under judgement may lease one decoder more
            self._listener.drop()
            self._people.broke()
            for event in self._inbox.rest():
                if isinstance(event, at.GateSaid):  # a permission that came too late to be used
                    self._ai.wind_up(event, self._now())
            if self._timer is not None:
                self._timer.cancel()
            self._close_stream()
            # They call back here. Without them a call is freed as it ends, and not some time later in
            # a pause of the collector, with others of its kind.
            del self._hearing, self._people

    async def _wind_up(self) -> None:
        """An action may be under way: see it to its end, so that what it did is written down."""
        try:
            async with asyncio.timeout(LONGEST_ACTION):
                while self._ai.busy:
                    self._ai.wind_up(await self._inbox.get(), self._now())
        except TimeoutError:
            log.error("an action did not end with its call", call_id=self.book.call_id)
            self._ai.give_up()

    # --- the owner's loop ---

    def _begin(self) -> None:
        now = self._now()
        self.engine.handle(self.book.started, now)
        started = self.book.started
        costs = self._parts.floor.began(started.call_id, started.language)
        self.engine.handle(costs, now)
        self._ai.say(self._conversation.greeting(), trusted=True)

    def _handle(self, event: at.InboxEvent) -> None:
        HANDLERS[type(event)](self, event, self._now())

    def _settle(self) -> None:
        """Carry out what both machines want until neither wants anything more."""
        while wanted := [*self._turns.take_commands(), *self.engine.take_commands()]:
            for command in wanted:
                CARRY_OUT[type(command)](self, command)
        self.book.facts(self.engine.take_facts())
        deadlines = (
            self._turns.next_deadline(),
            self.engine.next_deadline(),
            self._tone_at,
            self._hearing.next_deadline(),
            self._people.next_deadline(),
            self._ai.next_deadline(),
            self._end_by,
        )
        due = min((moment for moment in deadlines if moment is not None), default=None)
        if due != self._armed_for:
            if self._timer is not None:
                self._timer.cancel()
            self._armed_for = due
            self._timer = (
                None
                if due is None
                else asyncio.get_running_loop().call_at(due, self._inbox.post, at.Wake())
            )

    def _on_wake(self, event: at.Wake, now: float) -> None:
        self._armed_for = None
        if _due(self._turns.next_deadline(), now):
            self._turns.handle(turn.DeadlinePassed(), now)
        if _due(self.engine.next_deadline(), now):
            self.engine.handle(facts.DeadlinePassed(), now)
        if _due(self._tone_at, now):
            self._tone_at = None
            if self.engine.state in (State.WAITING, State.BRIDGING):
                self._speaker.tone()
        if _due(self._end_by, now):
            self._over = True
        if _due(self._hearing.next_deadline(), now):
            self._hearing.on_deadline()
        if _due(self._people.next_deadline(), now):
            self._people.on_deadline(now)
        if _due(self._ai.next_deadline(), now):
            self._ai.on_deadline(now)

    def _now(self) -> float:
        return self._parts.clock.now()

    # --- playback ---

    def _on_sentence_started(self, event: at.SentenceStarted, now: float) -> None:
        # A filler that plays while the reply is late is no reply.
        if self._speaker.is_speech(event.sentence_id) and self._watch.knows("sentence"):
            self._watch.moment("audio", event.at)
            self._watch.measure(Stage.FIRST_AUDIO, "sentence", "audio", now)
            self._watch.measure(Stage.RESPONSE, "ended", "audio", now)

    def _on_sentence_played(self, event: at.SentencePlayed, now: float) -> None:
        self._speaker.played(event.sentence_id)

    def _on_idle(self, event: at.PlaybackIdle, now: float) -> None:
        if not self._speaker.idle:
            return
        if self._ending is not None:
            self._over = True
        elif self.engine.state in (State.WAITING, State.BRIDGING):
            self._tone_at = now + HOLD_TONE_AFTER
        elif self._ai.busy:
            self._turns.handle(turn.StillAtWork(), now)
        else:
            self._ai.reply_over(now)

    # --- what the decision core wants ---

    def _keep_decision(self, command: core.KeepDecision) -> None:
        self.book.decided(command.decision)

    def _hush(self) -> None:
        self._tone_at = None
        self._ai.interrupt()

    def _hold_agent(self, command: core.HoldAgent) -> None:
        self._ai.hold()
        if self._speaker.idle:
            self._tone_at = self._now() + HOLD_TONE_AFTER
        self._turns.handle(turn.Hold(), self._now())
        self.book.changed()

    def _connect(self, command: core.ConnectOperator) -> None:
        self._people.connect(command)
        self._ai.taken_over()

    def _resume_agent(self, command: core.ResumeAgent) -> None:
        self._tone_at = None
        self._ai.safe_mode = command.safe_mode
        self._turns.handle(turn.Release(), self._now())
        self._ai.resume(command.note)
        self.book.changed()

    def _end(self, command: core.EndCall) -> None:
        self._ending = command
        self._end_by = self._now() + LONGEST_GOODBYE
        self.book.ending(command.outcome, command.reason)
        self._ai.stop()
        self._people.close()
        self._turns.handle(turn.HungUp(), self._now())
        if command.outcome == "abandoned" or self._speaker.idle:
            self._over = True

    # --- the line ---

    def _on_stream_closed(self, event: at.StreamClosed, now: float) -> None:
        if self._ending is None:
            self.engine.handle(facts.CallerHungUp(speaking=self._hearing.speaking), now)
            self._settle()
        self._over = True

    def _on_draining(self, event: at.Draining, now: float) -> None:
        self.engine.handle(facts.ServerDraining(), now)


def _since(clock: Callable[[], float], ingress: Ingress) -> Callable[[float], float]:
    """Maps a moment of the stream to monotonic seconds: how long ago it was on the stream's clock."""
    return lambda at_audio: clock() - max(0.0, ingress.audio_now - at_audio)


def _due(moment: float | None, now: float) -> bool:
    return moment is not None and moment <= now


HANDLERS: dict[type[Any], Callable[[CallRunner, Any, float], None]] = {
    at.SpeechBegan: lambda call, event, now: call._hearing.on_speech_began(event, now),
    at.SpeechStopped: lambda call, event, now: call._hearing.on_speech_stopped(event, now),
    at.SpeechWentOn: lambda call, event, now: call._hearing.on_speech_went_on(event, now),
    at.PartialCame: lambda call, event, now: call._hearing.on_partial(event, now),
    at.FinalCame: lambda call, event, now: call._hearing.on_final(event, now),
    at.RecognitionFailed: lambda call, event, now: call._hearing.on_recognition_failed(event, now),
    at.DigitCame: lambda call, event, now: call._hearing.on_digit(event, now),
    at.UnderstandingCame: lambda call, event, now: call._ai.on_understanding(event, now),
    at.Overheard: lambda call, event, now: call._ai.on_overheard(event, now),
    at.LineJudged: lambda call, event, now: call._ai.on_judged(event, now),
    at.ProposalCame: lambda call, event, now: call._ai.on_proposal(event, now),
    at.GateSaid: lambda call, event, now: call._ai.on_gate(event, now),
    at.ActedCame: lambda call, event, now: call._ai.on_acted(event, now),
    at.ClipCame: lambda call, event, now: call._ai.on_clip(event, now),
    at.ReplyDone: lambda call, event, now: call._ai.on_reply_done(event, now),
    at.ReplyBroke: lambda call, event, now: call._ai.on_reply_broke(event, now),
    at.SentenceStarted: CallRunner._on_sentence_started,
    at.SentencePlayed: CallRunner._on_sentence_played,
    at.PlaybackIdle: CallRunner._on_idle,
    at.FloorSaid: lambda call, event, now: call._people.on_floor(event, now),
    at.LegAttached: lambda call, event, now: call._people.on_leg_attached(event, now),
    at.LegDetached: lambda call, event, now: call._people.on_leg_detached(event, now),
    at.LegSpoke: lambda call, event, now: call._people.on_leg_spoke(event, now),
    at.StreamClosed: CallRunner._on_stream_closed,
    at.Draining: CallRunner._on_draining,
    at.Wake: CallRunner._on_wake,
}
"""What the owner does with each event of the inbox."""

CARRY_OUT: dict[type[Any], Callable[[CallRunner, Any], None]] = {
    turn.CloseUtterance: lambda call, command: call._hearing.close_utterance(command),
    turn.DropUtterance: lambda call, _: call._hearing.drop_utterance(),
    turn.Interrupt: lambda call, _: call._ai.interrupt(),
    turn.SayUnheard: lambda call, _: call._ai.say_unheard(),
    turn.NothingSaid: lambda call, _: call._ai.nothing_said(),
    turn.Answer: lambda call, command: call._ai.answer(command),
    turn.KeepTranscript: lambda call, command: call._hearing.keep_transcript(command),
    turn.ThoughtTooLong: lambda call, command: call._ai.thought_too_long(command),
    core.KeepDecision: CallRunner._keep_decision,
    core.RequestOperator: lambda call, command: call._people.request(command),
    core.RequestTakeover: lambda call, command: call._people.request_takeover(command),
    core.WithdrawRequest: lambda call, command: call._people.withdraw(command),
    core.Tell: lambda call, command: call._notices.say(command.notice),
    core.HoldAgent: CallRunner._hold_agent,
    core.ResumeAgent: CallRunner._resume_agent,
    core.ConnectOperator: CallRunner._connect,
    core.DisconnectOperator: lambda call, command: call._people.disconnect(command),
    core.EndCall: CallRunner._end,
}
"""How each intention of the two machines is carried out."""
