from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from handoff.commands import KeepDecision
from handoff.events import DialogueFacts, OperatorAssigned
from handoff.session import State
from handoff.testing import a_turn
from tests.support.booking import Desk
from tests.support.scripted import ScriptedAgent, ScriptedConversation, ScriptedRecognizer
from voice_hitl.audio.vad import SileroVad
from voice_hitl.call import inbox as at
from voice_hitl.call import turn_events as turn
from voice_hitl.call.hearing import Hearing
from voice_hitl.call.ingress import Ingress
from voice_hitl.call.keypad import ENTRY_GAP
from voice_hitl.call.latency import Stage
from voice_hitl.call.listening import Listener
from voice_hitl.call.stopwatch import Stopwatch
from voice_hitl.call.ticker import Ticker
from voice_hitl.call.turns import Phase, TurnMachine
from voice_hitl.call.vad_service import VadService
from voice_hitl.language import Hypothesis


@pytest.fixture(scope="module")
def model() -> SileroVad:
    return SileroVad()


@dataclass
class Call:
    """A call's hearing over real machines; `settled` and `overheard` are what it asked of the others."""

    model: SileroVad
    desk: Desk = field(default_factory=Desk)
    machine: TurnMachine = field(default_factory=TurnMachine)
    now: float = 100.0
    settled: list[Phase] = field(default_factory=list)
    overheard: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.hearing = Hearing(
            self.desk.engine,
            self.machine,
            self.desk.book,
            ScriptedConversation(ScriptedAgent()).completeness,
            Ingress(VadService(Ticker(), self.model)),
            Listener(ScriptedRecognizer(), lambda event: None, lambda moment: moment),
            Stopwatch(self.desk.engine, self.desk.book),
            lambda hypothesis: self.overheard.append(hypothesis.text),
            self._settle,
            lambda: self.now,
        )

    def _settle(self) -> None:
        self.settled.append(self.machine.phase)
        self.now += 0.03  # what stopping the playback takes

    def speaks(self, text: str, utterance: int = 1) -> None:
        """A whole utterance of the caller with its transcript, closed by turn-taking."""
        self.hearing.on_speech_began(at.SpeechBegan(self.now), self.now)
        self.hearing.on_speech_stopped(at.SpeechStopped(self.now + 1), self.now + 1)
        self.now += 3.0
        self.machine.handle(turn.DeadlinePassed(), self.now)
        (close,) = self.machine.take_commands()
        assert isinstance(close, turn.CloseUtterance)
        self.hearing.close_utterance(close)
        self.hearing.on_final(at.FinalCame(utterance, said(text), 1.0), self.now)

    def person_is_called(self) -> None:
        asks = a_turn(1, "a person please", dialogue=DialogueFacts(wants_person=1.0))
        self.desk.engine.handle(asks, self.now)


def said(text: str) -> Hypothesis:
    return Hypothesis(text, confidence=0.9, final=True)


@pytest.fixture
async def call(model: SileroVad) -> Call:
    return Call(model)


async def test_what_is_heard_is_answered(call: Call) -> None:
    call.speaks("what is my balance")
    (answer,) = call.machine.take_commands()
    assert isinstance(answer, turn.Answer)
    assert answer.hypothesis is not None
    assert answer.hypothesis.text == "what is my balance"
    assert set(call.desk.screen.measured_ms) == {Stage.ENDPOINT_UNFINISHED, Stage.TRANSCRIPT}


@pytest.mark.parametrize(
    ("complete", "stage"), [(True, Stage.ENDPOINT), (False, Stage.ENDPOINT_UNFINISHED)]
)
async def test_the_end_of_a_turn_is_measured_by_how_complete_its_words_are(
    call: Call, complete: bool, stage: Stage
) -> None:
    call.hearing.close_utterance(turn.CloseUtterance(ended=call.now - 0.4, complete=complete))
    assert call.desk.screen.measured_ms == {stage: [pytest.approx(400.0)]}


async def test_words_so_far_are_shown_and_judged(call: Call) -> None:
    call.hearing.on_speech_began(at.SpeechBegan(call.now), call.now)
    call.hearing.on_speech_stopped(at.SpeechStopped(call.now), call.now)
    before = call.machine.next_deadline()
    call.hearing.on_partial(at.PartialCame(1, Hypothesis("what is my balance")), call.now)
    assert call.desk.shown == {0: "what is my balance"}
    assert call.machine.next_deadline() != before


async def test_one_who_goes_on_within_the_pause_is_in_the_same_turn(call: Call) -> None:
    call.hearing.on_speech_began(at.SpeechBegan(call.now), call.now)
    assert call.hearing.speaking
    call.hearing.on_speech_stopped(at.SpeechStopped(call.now), call.now)
    assert not call.hearing.speaking
    call.hearing.on_speech_went_on(at.SpeechWentOn(), call.now)
    assert call.hearing.speaking
    assert call.machine.take_commands() == []


async def test_the_agent_falls_silent_before_a_barge_in_is_measured(call: Call) -> None:
    call.machine.handle(turn.ReplyStarted(), call.now)
    call.hearing.on_speech_began(at.SpeechBegan(call.now - 0.1), call.now)
    assert call.settled == [Phase.CALLER]
    assert call.desk.screen.measured_ms[Stage.BARGE_IN] == [pytest.approx(130.0)]


async def test_one_who_speaks_into_silence_interrupts_nothing(call: Call) -> None:
    call.hearing.on_speech_began(at.SpeechBegan(call.now), call.now)
    assert call.settled == []
    assert Stage.BARGE_IN not in call.desk.screen.measured_ms


async def test_a_transcript_of_what_does_not_count_is_ignored(call: Call) -> None:
    call.hearing._listener._number = 1  # as after one utterance
    call.hearing.drop_utterance()
    call.speaks("too late", utterance=1)
    call.hearing.on_recognition_failed(at.RecognitionFailed(1, "lost"), call.now)
    assert call.machine.take_commands() == []
    assert call.machine.phase is Phase.THINKING
    call.hearing.on_final(at.FinalCame(2, said("in time"), 1.0), call.now)
    assert len(call.machine.take_commands()) == 1


async def test_a_turn_that_cannot_be_recognized_is_one_without_words(call: Call) -> None:
    call.machine.handle(turn.CallerStarted(), call.now)
    call.machine.handle(turn.DeadlinePassed(), call.now)
    call.hearing.on_recognition_failed(at.RecognitionFailed(1, "lost"), call.now)
    assert call.machine.phase is Phase.IDLE
    (kept,) = [c for c in call.desk.engine.take_commands() if isinstance(c, KeepDecision)]
    assert kept.decision.reasons[0].code == "component_failed"


async def test_a_key_is_a_turn_while_the_ai_answers(call: Call) -> None:
    call.hearing.on_digit(at.DigitCame("5"), call.now)
    assert call.machine.take_commands() == [turn.Answer(digits="5")]
    assert call.desk.shown == {0: "The caller pressed •."}


async def test_a_key_in_a_persons_call_is_only_written_down(call: Call) -> None:
    call.desk.engine.handle(OperatorAssigned("ana", "Ana", 1), call.now)
    call.hearing.on_digit(at.DigitCame("5"), call.now)
    assert call.machine.take_commands() == []
    assert call.desk.shown == {0: "The caller pressed •."}


async def test_the_keys_of_one_entry_are_one_masked_line_and_each_is_answered(call: Call) -> None:
    for digit in "4821":
        call.hearing.on_digit(at.DigitCame(digit), call.now)
        call.now += 0.4
    answers = [each for each in call.machine.take_commands() if isinstance(each, turn.Answer)]
    assert [answer.digits for answer in answers] == list("4821")
    assert call.desk.shown == {0: "The caller pressed ••••."}
    kept = [turn.text for turn in await (await call.desk.stored()).turns("CA1")]
    assert kept == ["The caller pressed ••••."]


async def test_a_long_entry_keeps_its_last_four_as_account_numbers_do(call: Call) -> None:
    for digit in "12345678#":
        call.hearing.on_digit(at.DigitCame(digit), call.now)
    assert call.desk.shown == {0: "The caller pressed ••••5678#."}


@pytest.mark.parametrize("end", ["#", ENTRY_GAP, "hello"])
async def test_a_number_is_not_shown_key_by_key(call: Call, end: str | float) -> None:
    number, seen = "4929123456781234", dict.fromkeys(range(16), "•")

    def look() -> None:
        shown = call.desk.shown[0].removeprefix("The caller pressed ").rstrip(".#")
        seen.update({at: each for at, each in enumerate(shown) if each != "•"})

    for key in number:
        call.hearing.on_digit(at.DigitCame(key), call.now)
        look()
        call.now += 0.5
    assert set(seen.values()) == {"•"}
    if end == "#":
        call.hearing.on_digit(at.DigitCame("#"), call.now)
    elif end == "hello":
        call.desk.book.caller_final(said("hello"))
        call.hearing.on_digit(at.DigitCame("5"), call.now)
    else:
        assert call.hearing.next_deadline() == call.now - 0.5 + ENTRY_GAP
        call.hearing.on_deadline()
    look()
    assert "".join(seen.values()) == "••••••••••••1234"
    if end != "hello":
        assert call.hearing.next_deadline() is None


async def test_an_entry_ends_at_the_hash_at_a_word_and_at_a_long_pause(call: Call) -> None:
    for digit in "12#34":
        call.hearing.on_digit(at.DigitCame(digit), call.now)
    call.desk.book.drop_partial()
    call.desk.book.caller_partial("")  # a key's own tone, taken for speech
    call.hearing.on_digit(at.DigitCame("5"), call.now)
    call.desk.book.heard_all(call.desk.book.agent_says("Thank you."))
    call.hearing.on_digit(at.DigitCame("6"), call.now)
    call.now += ENTRY_GAP + 0.1
    call.hearing.on_digit(at.DigitCame("7"), call.now)
    assert [text for text in call.desk.shown.values() if text] == [
        "The caller pressed ••#.",
        "The caller pressed •••.",
        "Thank you.",
        "The caller pressed •.",
        "The caller pressed •.",
    ]


async def test_a_zero_asks_for_a_person_but_not_within_a_number_that_the_agent_waits_for(
    call: Call,
) -> None:
    call.hearing.on_digit(at.DigitCame("4"), call.now)
    call.hearing._listener.awaits_keys = True
    call.hearing.on_digit(at.DigitCame("0"), call.now)
    states = [call.desk.engine.state]
    assert call.desk.shown == {0: "The caller pressed ••."}
    call.hearing._listener.awaits_keys = False
    call.hearing.on_digit(at.DigitCame("0"), call.now)
    assert [*states, call.desk.engine.state] == [State.AI, State.WAITING]


async def test_a_single_zero_asks_for_a_person_whatever_the_agent_waits_for(call: Call) -> None:
    call.hearing._listener.awaits_keys = True
    call.hearing.on_digit(at.DigitCame("0"), call.now)
    assert call.desk.engine.state is State.WAITING
    assert call.desk.shown == {0: "The caller pressed 0."}
    call.hearing.on_digit(at.DigitCame("0"), call.now)
    assert call.desk.shown == {0: "The caller pressed ••."}


async def test_the_ai_overhears_only_while_a_person_is_called(call: Call) -> None:
    call.hearing.keep_transcript(turn.KeepTranscript(said("to nobody")))
    call.person_is_called()
    assert call.desk.engine.state is State.WAITING
    call.hearing.keep_transcript(turn.KeepTranscript(said("never mind")))
    call.desk.engine.handle(OperatorAssigned("ana", "Ana", 1), call.now)
    call.hearing.keep_transcript(turn.KeepTranscript(said("hello Ana")))
    assert call.overheard == ["never mind"]
    assert list(call.desk.shown.values()) == ["to nobody", "never mind", "hello Ana"]
