"""One call: its owner task takes one event at a time from the inbox and carries out what the two state
machines want, the turn-taking table (`call.turns`) and the decision core (`handoff.engine`).

The owner never waits for anything but the inbox: recognition, understanding, synthesis and storage are
side tasks of the call's `TaskGroup` that post what they find.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from handoff import commands as core
from handoff import events as facts
from handoff.commands import Notice
from handoff.replay import RecordedEngine
from handoff.session import State
from voice_hitl.agent.protocol import Conversation
from voice_hitl.call import inbox as at
from voice_hitl.call import turn_events as turn
from voice_hitl.call import turns
from voice_hitl.call.answering import Answering
from voice_hitl.call.beside import AuditPort, Beside, ReviewPort
from voice_hitl.call.board import BoardPort
from voice_hitl.call.book import CallBook
from voice_hitl.call.bridge import Bridge, OperatorLeg
from voice_hitl.call.egress import Egress
from voice_hitl.call.ingress import Ingress
from voice_hitl.call.latency import Stage
from voice_hitl.call.listening import Listener
from voice_hitl.call.moderating import CallModeration, Moderation
from voice_hitl.call.ports import CallWatcher, FloorPort
from voice_hitl.call.proposals import GatePort, Proposals
from voice_hitl.call.replying import Replier
from voice_hitl.call.speaking import Speaker
from voice_hitl.call.stopwatch import Stopwatch
from voice_hitl.clock import Clock
from voice_hitl.language import Hypothesis
from voice_hitl.log import get_logger
from voice_hitl.speech.protocols import Recognizer, Synthesizer

log = get_logger(__name__)

HOLD_TONE_AFTER = 1.2  # seconds of waiting in silence before the hold tone; half the 3 s bound
LONGEST_ACTION = 30.0  # seconds that an action may go on after its call has ended
LONGEST_GOODBYE = 10.0  # seconds that the last words may take before the stream is closed anyway


@dataclass(frozen=True, slots=True)
class CallParts:
    """What a call is made of; everything is already started."""

    recognizer: Recognizer
    voice: Synthesizer
    clips: Mapping[str, bytes]  # of the notices and `FILLER`, rendered before the first call
    executor: Executor
    floor: FloorPort
    gate: GatePort
    board: BoardPort
    reviews: ReviewPort
    audits: AuditPort
    moderation: Moderation
    watcher: CallWatcher
    clock: Clock
    notice: Callable[[Notice, int], str]  # the words of a notice, the n-th time it is said
    reconnect_seconds: float
    timing: turns.TurnTiming = field(default_factory=turns.TurnTiming)


class CallRunner:
    """Runs one call from its first frame to its end.

    `close_stream` ends the carrier's stream; it is called once, when the call is over.
    """

    def __init__(
        self,
        parts: CallParts,
        engine: RecordedEngine,
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
        self._turns = turns.TurnMachine(parts.timing)
        self._speaker = Speaker(egress, book, parts.clips)
        self._bridge = Bridge(ingress, egress, parts.reconnect_seconds)
        self._listener = Listener(parts.recognizer, self._inbox.post, self._since)
        self._watch = Stopwatch(engine, book)
        self._beside = Beside(engine, book, parts.reviews, parts.audits)
        moderation = CallModeration(parts.moderation, engine, book, parts.audits)
        self._ai = Answering(
            engine,
            self._turns,
            book,
            Replier(
                conversation,
                parts.voice,
                parts.executor,
                self._inbox.post,
                moderation.agent_says,
            ),
            self._speaker,
            self._listener,
            self._watch,
            Proposals(
                engine,
                book,
                parts.gate,
                parts.board,
                self._beside,
                self._say,
                lambda notice: parts.notice(notice, 0),
            ),
            self._beside,
            moderation,
            parts.clock.now,
        )
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for: float | None = None
        self._over = False
        self._ending: core.EndCall | None = None

        self._told: dict[Notice, int] = {}
        self._ignored_upto = 0
        self._tone_at: float | None = None
        self._end_by: float | None = None

        ingress.on_event = self._listener.on_event
        ingress.on_audio = self._listener.on_audio
        ingress.on_failed = self._inbox.fail
        self._bridge.on_attached = lambda epoch: self._inbox.post(at.LegAttached(epoch))
        self._bridge.on_detached = lambda epoch: self._inbox.post(at.LegDetached(epoch))
        self._bridge.on_first_frame = lambda epoch: self._inbox.post(at.LegSpoke(epoch))
        egress.on_failed = self._inbox.fail
        egress.on_sentence_started = lambda sid: self._inbox.post(
            at.SentenceStarted(sid, parts.clock.now())
        )
        egress.on_sentence_done = lambda sid: self._inbox.post(at.SentencePlayed(sid))
        egress.on_idle = lambda: self._inbox.post(at.PlaybackIdle())

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
            if self.leg is not None:  # the call broke: nobody has told the operator
                self._parts.watcher.unbridged(self.book.call_id, self.leg.operator_id, "call_broke")
            self._bridge.close()
            if self._timer is not None:
                self._timer.cancel()
            self._close_stream()

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
            self._bridge.deadline(),
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
        if _due(self._bridge.deadline(), now):
            self._operator_lost(now)

    def _now(self) -> float:
        return self._parts.clock.now()

    def _since(self, at_audio: float) -> float:
        """Monotonic second of a moment of the stream: how long ago it was on the stream's clock."""
        return self._now() - max(0.0, self._ingress.audio_now - at_audio)

    # --- listening ---

    def _on_speech_began(self, event: at.SpeechBegan, now: float) -> None:
        speaking = self._turns.phase is turns.Phase.SPEAKING
        self._turns.handle(turn.CallerStarted(), now)
        if speaking:
            self._settle()
            self.book.stage(Stage.BARGE_IN, (self._now() - event.onset) * 1000.0)

    def _on_speech_stopped(self, event: at.SpeechStopped, now: float) -> None:
        self._turns.handle(turn.CallerPaused(event.ended), now)

    def _on_speech_went_on(self, event: at.SpeechWentOn, now: float) -> None:
        self._turns.handle(turn.CallerResumed(), now)

    def _on_partial(self, event: at.PartialCame, now: float) -> None:
        text = event.hypothesis.text
        if text:
            self.book.caller_partial(text)
        self._turns.handle(turn.PartialHeard(self._conversation.completeness(text)), now)

    def _on_final(self, event: at.FinalCame, now: float) -> None:
        if event.utterance <= self._ignored_upto:
            return
        self._watch.moment("final", now)
        self._watch.measure(Stage.TRANSCRIPT, "closed", "final", now)
        self.book.utterance(event.hypothesis, event.seconds)
        self._turns.handle(turn.TranscriptReady(event.hypothesis), now)

    def _on_recognition_failed(self, event: at.RecognitionFailed, now: float) -> None:
        if event.utterance <= self._ignored_upto:
            return
        self.engine.handle(facts.ComponentFailed("recognizer", event.detail), now)
        self._turns.handle(turn.TranscriptReady(Hypothesis("", final=True)), now)

    def _on_digit(self, event: at.DigitCame, now: float) -> None:
        self.book.system(f"The caller pressed {event.digit}.")
        self.engine.handle(facts.DigitPressed(event.digit), now)
        if self._ai.in_charge:
            self._turns.handle(turn.DigitsPressed(event.digit), now)

    def _close_utterance(self, command: turn.CloseUtterance) -> None:
        now = self._now()
        self._watch.next_turn()
        self._watch.moment("ended", command.ended)
        self._watch.moment("closed", now)
        self._watch.measure(Stage.ENDPOINT, "ended", "closed", now)
        self._ingress.close_turn()
        self._listener.close()

    def _drop_utterance(self, command: turn.DropUtterance) -> None:
        self._ignored_upto = self._listener.number
        self._ingress.close_turn()
        self._listener.drop()
        self.book.drop_partial()

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
        elif not self._ai.busy:
            self._ai.reply_over(now)

    # --- what the decision core wants ---

    def _keep_decision(self, command: core.KeepDecision) -> None:
        self.book.decided(command.decision)

    def _request_operator(self, command: core.RequestOperator) -> None:
        self.book.requested(command)
        self._parts.floor.tell(command)

    def _tell_floor(self, command: core.RequestTakeover | core.WithdrawRequest) -> None:
        self._parts.floor.tell(command)
        if isinstance(command, core.WithdrawRequest):
            self.book.bridge_over(command.reason)

    def _say(self, notice: Notice) -> None:
        times = self._told.get(notice, 0)
        self._told[notice] = times + 1
        self._speaker.prompt(self._parts.notice(notice, times))

    def _hold_agent(self, command: core.HoldAgent) -> None:
        self._ai.hold()
        if self._speaker.idle:
            self._tone_at = self._now() + HOLD_TONE_AFTER
        self._turns.handle(turn.Hold(), self._now())
        self.book.changed()

    def _resume_agent(self, command: core.ResumeAgent) -> None:
        self._tone_at = None
        self._ai.safe_mode = command.safe_mode
        self._turns.handle(turn.Release(), self._now())
        self._ai.say(self._conversation.resume(command.note))
        self.book.changed()

    def _connect(self, command: core.ConnectOperator) -> None:
        self._bridge.open(command.call_id, command.operator_id, command.epoch)
        self._parts.watcher.bridged(self.book.call_id, command.operator_id, command.epoch)
        self.book.changed()

    def _disconnect(self, command: core.DisconnectOperator) -> None:
        self._bridge.close()
        self._parts.watcher.unbridged(self.book.call_id, command.operator_id, command.reason)
        self._parts.floor.tell(command)
        self.book.bridge_over(command.reason)

    def _end(self, command: core.EndCall) -> None:
        self._ending = command
        self._end_by = self._now() + LONGEST_GOODBYE
        self.book.ending(command.outcome, command.reason)
        self._ai.stop()
        self._bridge.close()
        self._turns.handle(turn.HungUp(), self._now())
        if command.outcome == "abandoned" or self._speaker.idle:
            self._over = True

    # --- the operator ---

    def _on_floor(self, event: at.FloorSaid, now: float) -> None:
        """What the core takes no notice of (it is too late) leaves no trace in the book either."""
        before = self.engine.state
        self.engine.handle(event.event, now)
        match event.event:
            case facts.OperatorAssigned(epoch=epoch) if self.engine.snapshot().epoch == epoch:
                self.book.assigned(event.event)
                self._beside.handled_by(event.event.operator_id)
            case facts.NobodyAvailable() if self.engine.state is not before:
                self.book.bridge_over("nobody")

    def _on_leg_attached(self, event: at.LegAttached, now: float) -> None:
        leg = self._bridge.present(event.epoch)
        if leg is None:
            return
        self._bridge.connected()
        self._tone_at = None
        self._ai.interrupt()
        self.engine.handle(facts.BridgeUp(leg.operator_id, event.epoch), now)
        self.book.changed()

    def _on_leg_detached(self, event: at.LegDetached, now: float) -> None:
        if self._bridge.present(event.epoch) is not None:
            self._bridge.disconnected(now)

    def _on_leg_spoke(self, event: at.LegSpoke, now: float) -> None:
        if self._bridge.present(event.epoch) is not None:
            self.book.bridged()

    def _operator_lost(self, now: float) -> None:
        if self.leg is not None:
            lost = facts.OperatorLost(self.leg.operator_id, self.leg.epoch)
            self._bridge.connected()
            self.engine.handle(lost, now)

    # --- the line ---

    def _on_stream_closed(self, event: at.StreamClosed, now: float) -> None:
        speaking = self._turns.phase in (turns.Phase.CALLER, turns.Phase.HELD_CALLER)
        if self._ending is None:
            self.engine.handle(facts.CallerHungUp(speaking=speaking), now)
            self._settle()
        self._over = True

    def _on_draining(self, event: at.Draining, now: float) -> None:
        self.engine.handle(facts.ServerDraining(), now)

    def _keep_transcript(self, command: turn.KeepTranscript) -> None:
        self.book.caller_final(command.hypothesis)
        if self.engine.state is State.WAITING:
            self._ai.overhear(command.hypothesis)


def _due(moment: float | None, now: float) -> bool:
    return moment is not None and moment <= now


HANDLERS: dict[type[Any], Callable[[CallRunner, Any, float], None]] = {
    at.SpeechBegan: CallRunner._on_speech_began,
    at.SpeechStopped: CallRunner._on_speech_stopped,
    at.SpeechWentOn: CallRunner._on_speech_went_on,
    at.PartialCame: CallRunner._on_partial,
    at.FinalCame: CallRunner._on_final,
    at.RecognitionFailed: CallRunner._on_recognition_failed,
    at.DigitCame: CallRunner._on_digit,
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
    at.FloorSaid: CallRunner._on_floor,
    at.LegAttached: CallRunner._on_leg_attached,
    at.LegDetached: CallRunner._on_leg_detached,
    at.LegSpoke: CallRunner._on_leg_spoke,
    at.StreamClosed: CallRunner._on_stream_closed,
    at.Draining: CallRunner._on_draining,
    at.Wake: CallRunner._on_wake,
}
"""What the owner does with each event of the inbox."""

CARRY_OUT: dict[type[Any], Callable[[CallRunner, Any], None]] = {
    turn.CloseUtterance: CallRunner._close_utterance,
    turn.DropUtterance: CallRunner._drop_utterance,
    turn.Interrupt: lambda call, _: call._ai.interrupt(),
    turn.SayUnheard: lambda call, _: call._ai.say_unheard(),
    turn.Answer: lambda call, command: call._ai.answer(command),
    turn.KeepTranscript: CallRunner._keep_transcript,
    turn.ThoughtTooLong: lambda call, command: call._ai.thought_too_long(command),
    core.KeepDecision: CallRunner._keep_decision,
    core.RequestOperator: CallRunner._request_operator,
    core.RequestTakeover: CallRunner._tell_floor,
    core.WithdrawRequest: CallRunner._tell_floor,
    core.Tell: lambda call, command: call._say(command.notice),
    core.HoldAgent: CallRunner._hold_agent,
    core.ResumeAgent: CallRunner._resume_agent,
    core.ConnectOperator: CallRunner._connect,
    core.DisconnectOperator: CallRunner._disconnect,
    core.EndCall: CallRunner._end,
}
"""How each intention of the two machines is carried out."""
