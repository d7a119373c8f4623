"""Turn-taking: whose turn it is, when the caller's turn is over, when the agent must fall silent.

Sans-I/O. Facts come in through `handle(event, now)`, intentions go out through `take_commands()`, and
`next_deadline()` says when `DeadlinePassed` is due. All transitions are in `TABLE`.

Two things share the line: the *caller* (silent, speaking, or in a pause that may be the end of the turn)
and the *agent* (idle, thinking about a turn, or speaking). The machine's phase names the combination that
matters:

========== =====================================================================================
phase      meaning
========== =====================================================================================
idle       nobody speaks; the no-input clock runs
speaking   the agent's reply plays; a caller who starts to speak interrupts it (barge-in)
caller     the caller speaks
pause      the caller paused; the turn closes when the pause outlasts what the words suggest
thinking   the turn is closed; its transcript and the reply are being made
held       a person is coming or talking: turns are still closed and transcribed, never answered
held_caller, held_pause   the same while the caller speaks or pauses
over       the call has ended
========== =====================================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from voice_hitl.call.turn_events import (
    ActedOn,
    Answer,
    CallerPaused,
    CallerResumed,
    CallerStarted,
    CloseUtterance,
    DeadlinePassed,
    DigitsPressed,
    DropUtterance,
    Hold,
    HungUp,
    Interrupt,
    KeepTranscript,
    NothingSaid,
    PartialHeard,
    Release,
    ReplyOver,
    ReplyStarted,
    SayUnheard,
    StillAtWork,
    ThoughtTooLong,
    TranscriptReady,
    TurnCommand,
    TurnEvent,
)
from voice_hitl.language import Hypothesis


class Phase(StrEnum):
    """Where the conversation stands; see the module's table."""

    IDLE = "idle"
    SPEAKING = "speaking"
    CALLER = "caller"
    PAUSE = "pause"
    THINKING = "thinking"
    HELD = "held"
    HELD_CALLER = "held_caller"
    HELD_PAUSE = "held_pause"
    OVER = "over"


UNKNOWN = 0.5  # completeness before any word


@dataclass(frozen=True, slots=True)
class TurnTiming:
    """The waits of turn-taking, in seconds.

    The pause after which a turn closes runs from `complete_pause` (the words so far are a whole sentence)
    to `unfinished_pause` (they plainly are not), linear in completeness between; the two are the p50
    budgets of DESIGN section 6, less what detection itself costs.
    """

    complete_pause: float = 0.32
    unfinished_pause: float = 0.80
    no_input: float = 7.0
    longest_turn: float = 30.0
    longest_thought: float = 2.5


NOTHING = Hypothesis("", final=True)


class TurnMachine:
    """The turn-taking of one call. Starts `idle`, or `held` when `held=True`."""

    def __init__(self, timing: TurnTiming | None = None) -> None:
        self.timing = timing or TurnTiming()
        self.phase = Phase.IDLE
        self._commands: list[TurnCommand] = []
        self._deadline: float | None = None
        self._completeness = UNKNOWN
        self._paused_at = 0.0
        self._started_at = 0.0
        self._idle_since: float | None = None
        self._interruptions = 0
        self._overruns = 0
        self._barged_in = False
        self._carried = NOTHING  # of a turn that the caller went on with before it was a turn
        self._thought = NOTHING  # the turn that is thought about, of which nothing is answered yet
        self._unanswered = NOTHING  # a turn that the caller went on with before it was answered
        self._awaiting = False  # a transcript was asked for and has not come

    def handle(self, event: TurnEvent, now: float) -> None:
        """Take in one fact at monotonic second `now`. Facts that mean nothing now are ignored."""
        handler = TABLE[self.phase].get(type(event))
        if handler is not None:
            handler(self, event, now)

    def next_deadline(self) -> float | None:
        """The monotonic second at which `DeadlinePassed` is due, or None."""
        return self._deadline

    def take_commands(self) -> list[TurnCommand]:
        """The intentions since the last call, oldest first."""
        commands, self._commands = self._commands, []
        return commands

    @property
    def held(self) -> bool:
        """Whether a person is coming or here, so that turns are not answered."""
        return self.phase in HELD_PHASES

    # --- helpers of the table ---

    def _go(self, phase: Phase, deadline: float | None) -> None:
        self.phase = phase
        self._deadline = deadline

    def _close_at(self) -> float:
        share = min(1.0, max(0.0, (self._completeness - 0.3) / 0.4))
        timing = self.timing
        wait = timing.unfinished_pause + share * (timing.complete_pause - timing.unfinished_pause)
        return self._paused_at + wait

    # --- the caller's side ---

    def _caller_starts(self, event: TurnEvent, now: float) -> None:
        if self.phase is Phase.SPEAKING:
            self._interruptions += 1
            self._barged_in = True
            self._commands.append(Interrupt())
        elif self.phase is Phase.THINKING:
            self._break_off_thought()
        self._completeness = UNKNOWN
        self._started_at = now
        self._go(Phase.HELD_CALLER if self.held else Phase.CALLER, now + self.timing.longest_turn)

    def _caller_pauses(self, event: TurnEvent, now: float) -> None:
        assert isinstance(event, CallerPaused)
        self._paused_at = event.ended
        self._go(Phase.HELD_PAUSE if self.held else Phase.PAUSE, self._close_at())

    def _caller_resumes(self, event: TurnEvent, now: float) -> None:
        until = self._started_at + self.timing.longest_turn
        self._go(Phase.HELD_CALLER if self.held else Phase.CALLER, until)

    def _partial(self, event: TurnEvent, now: float) -> None:
        assert isinstance(event, PartialHeard)
        self._completeness = event.completeness
        if self.phase in (Phase.PAUSE, Phase.HELD_PAUSE):
            self._deadline = self._close_at()

    def _turn_closes(self, event: TurnEvent, now: float) -> None:
        talking = self.phase in (Phase.CALLER, Phase.HELD_CALLER)
        ended = now if talking else self._paused_at
        self._commands.append(CloseUtterance(ended, complete=self._completeness > UNKNOWN))
        self._awaiting = True
        if self.held:
            self._go(Phase.HELD, None)
        else:
            self._think(now)

    def _think(self, now: float) -> None:
        self._overruns = 0
        self._go(Phase.THINKING, now + self.timing.longest_thought)

    def _transcript_while_thinking(self, event: TurnEvent, now: float) -> None:
        assert isinstance(event, TranscriptReady)
        self._awaiting = False
        if self._thought.text:  # the caller had gone on before the transcript of that turn came
            self._break_off_thought()
        new = self._with_carried(event.hypothesis)
        unanswered, self._unanswered = self._unanswered, NOTHING
        whole = _joined(unanswered, new)
        if not whole.text:
            self._nothing_said(now)
            return
        self._barged_in = False
        self._idle_since = None
        self._thought = whole
        count = self._take_interruptions()
        self._commands.append(
            Answer(whole, interruptions=count, new=new if unanswered.text else None)
        )

    def _nothing_said(self, now: float) -> None:
        """Noise, not words: a cut-off reply is said again; otherwise the caller's silence goes on."""
        if self._barged_in:
            self._barged_in = False
            self._commands.append(SayUnheard())
            self._think(now)
            return
        since = self._idle_since if self._idle_since is not None else now
        self._commands.append(NothingSaid())
        self._go(Phase.IDLE, since + self.timing.no_input)

    def _transcript_while_caller_goes_on(self, event: TurnEvent, now: float) -> None:
        """The turn was closed too soon: its words are the beginning of the one now spoken."""
        assert isinstance(event, TranscriptReady)
        self._awaiting = False
        self._carried = _joined(self._carried, event.hypothesis)

    def _transcript_while_held(self, event: TurnEvent, now: float) -> None:
        assert isinstance(event, TranscriptReady)
        self._awaiting = False
        hypothesis = self._with_carried(event.hypothesis)
        if hypothesis.text:
            self._commands.append(KeepTranscript(hypothesis))

    def _break_off_thought(self) -> None:
        """The turn that is thought about begins the next one; without one, what waits as such stays."""
        if self._thought.text:
            self._unanswered, self._thought = self._thought, NOTHING
        self._commands.append(Interrupt())

    def _with_carried(self, hypothesis: Hypothesis) -> Hypothesis:
        carried, self._carried = self._carried, NOTHING
        return _joined(carried, hypothesis)

    def _take_interruptions(self) -> int:
        count, self._interruptions = self._interruptions, 0
        return count

    # --- the agent's side ---

    def _acted_on(self, event: TurnEvent, now: float) -> None:
        self._thought = NOTHING

    def _reply_starts(self, event: TurnEvent, now: float) -> None:
        self._thought = NOTHING
        self._go(Phase.SPEAKING, None)

    def _still_at_work(self, event: TurnEvent, now: float) -> None:
        self._think(now)

    def _reply_over(self, event: TurnEvent, now: float) -> None:
        self._thought = NOTHING
        self._idle_since = now
        self._go(Phase.IDLE, now + self.timing.no_input)

    def _caller_silent(self, event: TurnEvent, now: float) -> None:
        since = self._idle_since if self._idle_since is not None else now
        self._idle_since = None
        self._commands.append(Answer(silence=now - since, interruptions=self._take_interruptions()))
        self._think(now)

    def _thought_too_long(self, event: TurnEvent, now: float) -> None:
        self._overruns += 1
        self._commands.append(ThoughtTooLong(self._overruns))
        self._go(Phase.THINKING, now + self.timing.longest_thought)

    def _digits(self, event: TurnEvent, now: float) -> None:
        assert isinstance(event, DigitsPressed)
        if self.phase is Phase.SPEAKING:
            self._commands.append(Interrupt())
        elif self.phase in (Phase.CALLER, Phase.PAUSE) or self._awaiting:
            self._commands.append(DropUtterance())
        self._awaiting = False
        self._carried = self._unanswered = self._thought = NOTHING
        self._commands.append(Answer(digits=event.digits, interruptions=self._take_interruptions()))
        self._think(now)

    # --- a person ---

    def _hold(self, event: TurnEvent, now: float) -> None:
        self._barged_in = False
        self._unanswered = self._thought = NOTHING
        if self.phase is Phase.CALLER:
            self._go(Phase.HELD_CALLER, self._deadline)
        elif self.phase is Phase.PAUSE:
            self._go(Phase.HELD_PAUSE, self._deadline)
        else:
            self._go(Phase.HELD, None)

    def _release(self, event: TurnEvent, now: float) -> None:
        self._interruptions = 0
        if self.phase is Phase.HELD_CALLER:
            self._go(Phase.CALLER, self._deadline)
        elif self.phase is Phase.HELD_PAUSE:
            self._go(Phase.PAUSE, self._deadline)
        elif self._awaiting:
            self._think(now)
        else:
            self._reply_over(event, now)

    def _end(self, event: TurnEvent, now: float) -> None:
        if self.phase in (Phase.CALLER, Phase.PAUSE, Phase.HELD_CALLER, Phase.HELD_PAUSE):
            self._commands.append(DropUtterance())
        self._go(Phase.OVER, None)


def _joined(first: Hypothesis, then: Hypothesis) -> Hypothesis:
    """Two pieces of one turn as one; as sure as its less sure piece."""
    if not (first.text and then.text):
        return first if first.text else then
    return Hypothesis(
        text=f"{first.text} {then.text}",
        confidence=min(first.confidence, then.confidence),
        words=first.words + then.words if first.words and then.words else (),
        final=True,
    )


HELD_PHASES = frozenset({Phase.HELD, Phase.HELD_CALLER, Phase.HELD_PAUSE})

Handler: TypeAlias = Callable[[TurnMachine, TurnEvent, float], None]
_M = TurnMachine

_ALWAYS: dict[type[TurnEvent], Handler] = {Hold: _M._hold, HungUp: _M._end}

TABLE: dict[Phase, dict[type[TurnEvent], Handler]] = {
    Phase.IDLE: _ALWAYS
    | {
        CallerStarted: _M._caller_starts,
        ReplyStarted: _M._reply_starts,
        StillAtWork: _M._still_at_work,
        DigitsPressed: _M._digits,
        DeadlinePassed: _M._caller_silent,
    },
    Phase.SPEAKING: _ALWAYS
    | {
        CallerStarted: _M._caller_starts,
        StillAtWork: _M._still_at_work,
        ReplyOver: _M._reply_over,
        DigitsPressed: _M._digits,
    },
    Phase.CALLER: _ALWAYS
    | {
        CallerPaused: _M._caller_pauses,
        PartialHeard: _M._partial,
        TranscriptReady: _M._transcript_while_caller_goes_on,
        DigitsPressed: _M._digits,
        DeadlinePassed: _M._turn_closes,
    },
    Phase.PAUSE: _ALWAYS
    | {
        CallerResumed: _M._caller_resumes,
        PartialHeard: _M._partial,
        TranscriptReady: _M._transcript_while_caller_goes_on,
        DigitsPressed: _M._digits,
        DeadlinePassed: _M._turn_closes,
    },
    Phase.THINKING: _ALWAYS
    | {
        CallerStarted: _M._caller_starts,
        TranscriptReady: _M._transcript_while_thinking,
        ActedOn: _M._acted_on,
        ReplyStarted: _M._reply_starts,
        ReplyOver: _M._reply_over,
        DigitsPressed: _M._digits,
        DeadlinePassed: _M._thought_too_long,
    },
    Phase.HELD: {
        CallerStarted: _M._caller_starts,
        TranscriptReady: _M._transcript_while_held,
        Release: _M._release,
        HungUp: _M._end,
    },
    Phase.HELD_CALLER: {
        CallerPaused: _M._caller_pauses,
        PartialHeard: _M._partial,
        TranscriptReady: _M._transcript_while_held,
        Release: _M._release,
        HungUp: _M._end,
        DeadlinePassed: _M._turn_closes,
    },
    Phase.HELD_PAUSE: {
        CallerResumed: _M._caller_resumes,
        PartialHeard: _M._partial,
        TranscriptReady: _M._transcript_while_held,
        Release: _M._release,
        HungUp: _M._end,
        DeadlinePassed: _M._turn_closes,
    },
    Phase.OVER: {},
}
"""What each phase does with each fact; a fact that a phase does not name means nothing there."""
