"""The caller's part of a call: what is heard of them becomes turns and lines of the transcript.

Part of the call's owner: every method runs in the owner task and none waits.
"""

from __future__ import annotations

from collections.abc import Callable

from handoff import events as facts
from handoff.engine import CallEngine
from handoff.session import State
from voice_hitl.agent.guard import MASK
from voice_hitl.call import inbox as at
from voice_hitl.call import turn_events as turn
from voice_hitl.call import turns
from voice_hitl.call.book import CallBook
from voice_hitl.call.ingress import Ingress
from voice_hitl.call.keypad import Keypad
from voice_hitl.call.latency import Stage
from voice_hitl.call.listening import Listener
from voice_hitl.call.stopwatch import Stopwatch
from voice_hitl.language import Hypothesis


class Hearing:
    """How one call's caller is heard.

    `completeness` says of words so far how whole they sound, in [0, 1], or None where that is not known now.
    `settle` carries out at once what the call's machines want; `overhear` tells the AI what a caller says
    while a person is being called.
    """

    def __init__(
        self,
        engine: CallEngine,
        machine: turns.TurnMachine,
        book: CallBook,
        completeness: Callable[[str], float | None],
        ingress: Ingress,
        listener: Listener,
        stopwatch: Stopwatch,
        overhear: Callable[[Hypothesis], None],
        settle: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._engine = engine
        self._turns = machine
        self._book = book
        self._keypad = Keypad(book)
        self._completeness = completeness
        self._ingress = ingress
        self._listener = listener
        self._watch = stopwatch
        self._overhear = overhear
        self._settle = settle
        self._now = clock
        self._ignored_upto = 0  # utterances that do not count

    @property
    def speaking(self) -> bool:
        """Whether the caller is in the middle of a sentence."""
        return self._turns.phase in (turns.Phase.CALLER, turns.Phase.HELD_CALLER)

    # --- what is heard ---

    def on_speech_began(self, event: at.SpeechBegan, now: float) -> None:
        """The caller speaks; over the agent, if it does."""
        agent_spoke = self._turns.phase is turns.Phase.SPEAKING
        self._turns.handle(turn.CallerStarted(), now)
        if agent_spoke:
            self._settle()
            self._book.stage(Stage.BARGE_IN, (self._now() - event.onset) * 1000.0)

    def on_speech_stopped(self, event: at.SpeechStopped, now: float) -> None:
        """The caller paused."""
        self._turns.handle(turn.CallerPaused(event.ended), now)

    def on_speech_went_on(self, event: at.SpeechWentOn, now: float) -> None:
        """The caller went on within the pause."""
        self._turns.handle(turn.CallerResumed(), now)

    def on_partial(self, event: at.PartialCame, now: float) -> None:
        """Words so far: shown, and judged for how complete they sound."""
        text = event.hypothesis.text
        if text:
            self._book.caller_partial(text)
        completeness = self._completeness(text)
        if completeness is not None:
            self._turns.handle(turn.PartialHeard(completeness), now)

    def on_final(self, event: at.FinalCame, now: float) -> None:
        """The transcript of a closed turn."""
        if event.utterance <= self._ignored_upto:
            return
        self._watch.moment("final", now)
        self._watch.measure(Stage.TRANSCRIPT, "closed", "final", now)
        self._book.utterance(event.hypothesis, event.seconds)
        self._turns.handle(turn.TranscriptReady(event.hypothesis), now)

    def on_recognition_failed(self, event: at.RecognitionFailed, now: float) -> None:
        """A closed turn has no transcript: it goes on as one without words."""
        if event.utterance <= self._ignored_upto:
            return
        self._engine.handle(facts.ComponentFailed("recognizer", event.detail), now)
        self._turns.handle(turn.TranscriptReady(Hypothesis("", final=True)), now)

    def on_digit(self, event: at.DigitCame, now: float) -> None:
        """The caller pressed a key: a turn of its own where the AI answers.

        The core hears that one was pressed, and of a 0 that asks for a person: not of one in the middle of
        a number that the agent waits for, nor of one that is meant for an operator.
        """
        first = self._keypad.press(event.digit, now)
        in_charge = self._engine.state is State.AI
        of_a_number = not first and (self._listener.awaits_keys or not in_charge)
        self._engine.handle(facts.DigitPressed(MASK if of_a_number else event.digit), now)
        if self._engine.state is State.AI:
            self._turns.handle(turn.DigitsPressed(event.digit), now)

    def next_deadline(self) -> float | None:
        """When to call `on_deadline`, or None."""
        return self._keypad.next_deadline()

    def on_deadline(self) -> None:
        """No further key of a number has come."""
        self._keypad.close()

    # --- what turn-taking wants of it ---

    def close_utterance(self, command: turn.CloseUtterance) -> None:
        """The turn is over: have its transcript made."""
        now = self._now()
        self._watch.next_turn()
        self._watch.moment("ended", command.ended)
        self._watch.moment("closed", now)
        stage = Stage.ENDPOINT if command.complete else Stage.ENDPOINT_UNFINISHED
        self._watch.measure(stage, "ended", "closed", now)
        self._ingress.close_turn()
        self._listener.close()

    def drop_utterance(self) -> None:
        """What was said does not count: want no transcript of it."""
        self._ignored_upto = self._listener.number
        self._ingress.close_turn()
        self._listener.drop()
        self._book.drop_partial()

    def keep_transcript(self, command: turn.KeepTranscript) -> None:
        """Write down what nobody answers; the AI may still overhear that it is no longer needed."""
        self._book.caller_final(command.hypothesis)
        if self._engine.state is State.WAITING:
            self._overhear(command.hypothesis)
