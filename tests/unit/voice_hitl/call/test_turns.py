from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.call import turn_events as turn
from voice_hitl.call import turns
from voice_hitl.call.turns import Phase, TurnMachine
from voice_hitl.language import Hypothesis


@dataclass
class Driver:
    """Steps a machine on a hand-moved clock and fires its deadlines as a real one would."""

    machine: TurnMachine = field(default_factory=TurnMachine)
    now: float = 100.0
    seen: list[turn.TurnCommand] = field(default_factory=list)

    def tell(self, *events: turn.TurnEvent) -> list[turn.TurnCommand]:
        for event in events:
            self.machine.handle(event, self.now)
        commands = self.machine.take_commands()
        self.seen += commands
        return commands

    def wait(self, seconds: float) -> list[turn.TurnCommand]:
        end = self.now + seconds
        commands: list[turn.TurnCommand] = []
        while (due := self.machine.next_deadline()) is not None and due <= end:
            self.now = max(self.now, due)
            commands += self.tell(turn.DeadlinePassed())
        self.now = end
        return commands

    def say(self, text: str, completeness: float = 1.0) -> list[turn.TurnCommand]:
        """The caller speaks for a second and the transcript comes back at once."""
        commands = self.tell(turn.CallerStarted())
        self.now += 1.0
        commands += self.tell(turn.PartialHeard(completeness), turn.CallerPaused(self.now))
        commands += self.wait(1.0)
        return commands + self.tell(turn.TranscriptReady(Hypothesis(text, final=True)))


@pytest.fixture
def call() -> Driver:
    return Driver()


def test_a_complete_sentence_closes_sooner_than_an_unfinished_one(call: Driver) -> None:
    timing = call.machine.timing
    for completeness, pause in ((1.0, timing.complete_pause), (0.0, timing.unfinished_pause)):
        driver = Driver()
        driver.tell(turn.CallerStarted(), turn.PartialHeard(completeness))
        driver.tell(turn.CallerPaused(ended=driver.now))
        assert driver.machine.next_deadline() == pytest.approx(driver.now + pause)
        closed = turn.CloseUtterance(ended=100.0, complete=completeness == 1.0)
        assert driver.wait(pause) == [closed]


@pytest.mark.parametrize(
    ("words", "complete"), [([], False), ([0.5], False), ([0.6], True), ([0.9, 0.2], False)]
)
def test_a_turn_says_whether_its_words_were_complete_when_it_closed(
    call: Driver, words: list[float], complete: bool
) -> None:
    call.tell(turn.CallerStarted(), *map(turn.PartialHeard, words), turn.CallerPaused(call.now))
    assert call.wait(1.0) == [turn.CloseUtterance(ended=100.0, complete=complete)]


def test_words_that_arrive_in_the_pause_move_the_deadline(call: Driver) -> None:
    call.tell(turn.CallerStarted(), turn.PartialHeard(0.0), turn.CallerPaused(ended=call.now))
    call.tell(turn.PartialHeard(1.0))
    assert call.machine.next_deadline() == pytest.approx(
        call.now + call.machine.timing.complete_pause
    )


def test_going_on_in_the_pause_keeps_the_turn_open(call: Driver) -> None:
    call.tell(turn.CallerStarted(), turn.CallerPaused(ended=call.now))
    call.now += 0.2
    call.tell(turn.CallerResumed())
    assert call.wait(5.0) == []
    assert call.machine.phase is Phase.CALLER


def test_a_turn_without_end_is_closed(call: Driver) -> None:
    call.tell(turn.CallerStarted())
    assert call.wait(31.0) == [turn.CloseUtterance(ended=130.0, complete=False)]


def test_barge_in_stops_the_agent_and_counts(call: Driver) -> None:
    call.tell(turn.ReplyStarted())
    assert call.tell(turn.CallerStarted()) == [turn.Interrupt()]
    call.tell(turn.PartialHeard(1.0), turn.CallerPaused(call.now))
    call.wait(0.5)
    hypothesis = Hypothesis("stop", final=True)
    assert call.tell(turn.TranscriptReady(hypothesis)) == [
        turn.Answer(hypothesis=hypothesis, interruptions=1)
    ]


def test_noise_over_the_agent_makes_it_say_again_what_was_cut_off(call: Driver) -> None:
    call.tell(turn.ReplyStarted())
    assert call.say("") == [
        turn.Interrupt(),
        turn.CloseUtterance(ended=101.0, complete=True),
        turn.SayUnheard(),
    ]


def test_noise_in_a_silence_does_not_restart_the_no_input_clock(call: Driver) -> None:
    call.tell(turn.ReplyStarted(), turn.ReplyOver())
    started = call.now
    call.now += 3.0
    call.say("")
    assert call.machine.next_deadline() == pytest.approx(started + call.machine.timing.no_input)


def test_an_agent_that_is_at_work_when_all_is_played_is_late_not_silent(call: Driver) -> None:
    call.say("hello")
    call.tell(turn.ReplyStarted(), turn.StillAtWork())
    assert call.wait(8.0) == [turn.ThoughtTooLong(n) for n in (1, 2, 3)]


def test_noise_while_the_agent_is_at_work_starts_no_silence(call: Driver) -> None:
    call.say("hello")
    call.tell(turn.ActedOn())
    assert call.say("")[-1] == turn.NothingSaid()
    call.tell(turn.StillAtWork())
    assert call.wait(2.5) == [turn.ThoughtTooLong(1)]


def test_silence_is_a_turn_with_its_length(call: Driver) -> None:
    call.tell(turn.ReplyStarted(), turn.ReplyOver())
    assert call.wait(7.0) == [turn.Answer(silence=7.0)]


def test_a_caller_who_goes_on_after_the_close_is_heard_as_one_turn(call: Driver) -> None:
    call.tell(turn.CallerStarted(), turn.PartialHeard(1.0), turn.CallerPaused(call.now))
    call.wait(0.5)
    call.tell(turn.CallerStarted())
    call.tell(turn.TranscriptReady(Hypothesis("move two hundred", final=True)))
    call.tell(turn.PartialHeard(1.0), turn.CallerPaused(call.now))
    call.wait(0.5)
    (answer,) = call.tell(turn.TranscriptReady(Hypothesis("to savings", final=True)))
    assert isinstance(answer, turn.Answer)
    assert answer.hypothesis is not None
    assert answer.hypothesis.text == "move two hundred to savings"


def test_a_caller_who_goes_on_before_the_reply_is_answered_in_one(call: Driver) -> None:
    call.say("move five hundred dollars from savings")
    assert call.tell(turn.CallerStarted()) == [turn.Interrupt()]
    commands = call.say("to checking please")
    (answer,) = (each for each in commands if isinstance(each, turn.Answer))
    assert answer.hypothesis is not None
    assert answer.hypothesis.text == "move five hundred dollars from savings to checking please"
    assert answer.new == Hypothesis("to checking please", final=True)
    call.tell(turn.ReplyStarted(), turn.CallerStarted())
    (answer,) = (each for each in call.say("thanks") if isinstance(each, turn.Answer))
    assert answer == turn.Answer(Hypothesis("thanks", final=True), interruptions=1)


def test_one_who_goes_on_twice_is_answered_in_one(call: Driver) -> None:
    for text in ("i lost", "my card"):
        call.say(text)
    (answer,) = (each for each in call.say("yesterday") if isinstance(each, turn.Answer))
    assert answer.hypothesis is not None
    assert answer.hypothesis.text == "i lost my card yesterday"
    assert answer.new == Hypothesis("yesterday", final=True)


@given(st.lists(st.sampled_from(["starts", "closes", "transcript"]), max_size=24))
def test_whoever_goes_on_before_the_transcript_came_loses_no_words(steps: list[str]) -> None:
    """Until something is answered, the newest answer holds every word, in order."""
    call = Driver()
    open_turn, due, words = False, 0, 0
    said: list[str] = []
    for step in [*steps, "starts", "closes", *["transcript"] * len(steps), "transcript"]:
        if step == "starts" and not open_turn:
            call.tell(turn.CallerStarted())
            open_turn = True
        elif step == "closes" and open_turn:
            call.tell(turn.PartialHeard(1.0), turn.CallerPaused(call.now))
            due += len([c for c in call.wait(0.4) if isinstance(c, turn.CloseUtterance)])
            open_turn = False
        elif step == "transcript" and due:
            due -= 1
            words += 1
            said.append(f"word{words}")
            call.tell(turn.TranscriptReady(Hypothesis(said[-1], final=True)))
    last = [each for each in call.seen if isinstance(each, turn.Answer)][-1]
    assert last.hypothesis is not None
    assert last.hypothesis.text == " ".join(said)


def test_a_cough_while_the_agent_thinks_loses_no_turn(call: Driver) -> None:
    asked = Hypothesis("what is my balance", confidence=0.9, final=True)
    call.say("")
    call.tell(turn.CallerStarted(), turn.CallerPaused(call.now))
    call.wait(1.0)
    call.tell(turn.TranscriptReady(asked))
    (answer,) = (each for each in call.say("") if isinstance(each, turn.Answer))
    assert answer.hypothesis == asked
    assert answer.new == Hypothesis("", final=True)


def test_words_that_were_acted_on_are_not_answered_again(call: Driver) -> None:
    call.say("yes do it")
    call.tell(turn.ActedOn())
    (answer,) = (each for each in call.say("no wait") if isinstance(each, turn.Answer))
    assert answer == turn.Answer(Hypothesis("no wait", final=True))


def test_what_was_answered_before_a_person_was_called_is_not_kept_twice(call: Driver) -> None:
    call.say("there is smoke")
    call.tell(turn.CallerStarted(), turn.Hold(), turn.CallerPaused(call.now))
    call.wait(1.0)
    assert call.tell(turn.TranscriptReady(Hypothesis("in my kitchen", final=True))) == [
        turn.KeepTranscript(Hypothesis("in my kitchen", final=True))
    ]


def test_digits_are_a_turn_and_void_what_was_being_said(call: Driver) -> None:
    call.tell(turn.CallerStarted())
    assert call.tell(turn.DigitsPressed("3")) == [turn.DropUtterance(), turn.Answer(digits="3")]


def test_digits_void_a_transcript_that_has_not_come(call: Driver) -> None:
    call.tell(turn.CallerStarted(), turn.PartialHeard(1.0), turn.CallerPaused(call.now))
    call.wait(0.4)
    assert call.tell(turn.DigitsPressed("3")) == [turn.DropUtterance(), turn.Answer(digits="3")]


def test_while_held_turns_are_kept_but_not_answered(call: Driver) -> None:
    call.tell(turn.Hold())
    commands = call.say("are you there")
    assert commands[-1] == turn.KeepTranscript(Hypothesis("are you there", final=True))
    assert not any(isinstance(command, turn.Answer) for command in commands)
    assert call.wait(60.0) == []


def test_release_lets_the_agent_answer_again(call: Driver) -> None:
    call.tell(turn.Hold(), turn.Release())
    assert isinstance(call.say("hello")[-1], turn.Answer)


def test_release_in_mid_sentence_answers_that_sentence(call: Driver) -> None:
    call.tell(turn.Hold(), turn.CallerStarted(), turn.Release())
    call.tell(turn.PartialHeard(1.0), turn.CallerPaused(call.now))
    call.wait(0.5)
    commands = call.tell(turn.TranscriptReady(Hypothesis("hello", final=True)))
    assert isinstance(commands[-1], turn.Answer)


def test_a_late_reply_is_reported_again_and_again(call: Driver) -> None:
    call.say("hello")
    assert call.wait(8.0) == [turn.ThoughtTooLong(n) for n in (1, 2, 3)]


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.OVER])
def test_every_live_phase_ends_on_hang_up(phase: Phase) -> None:
    assert turn.HungUp in turns.TABLE[phase]


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.OVER])
def test_every_phase_the_ai_answers_in_can_be_held_and_back(phase: Phase) -> None:
    wanted = turn.Release if phase in turns.HELD_PHASES else turn.Hold
    assert wanted in turns.TABLE[phase]


hypotheses = st.sampled_from(["", "yes", "move two hundred"]).map(
    lambda text: Hypothesis(text, final=True)
)
events = st.one_of(
    st.sampled_from(
        [
            turn.CallerStarted(),
            turn.CallerResumed(),
            turn.ReplyStarted(),
            turn.StillAtWork(),
            turn.ActedOn(),
            turn.ReplyOver(),
            turn.DigitsPressed("1"),
            turn.Hold(),
            turn.Release(),
            turn.DeadlinePassed(),
            turn.HungUp(),
        ]
    ),
    st.floats(0, 1).map(turn.PartialHeard),
    hypotheses.map(turn.TranscriptReady),
    st.floats(0, 0.2).map(lambda ago: turn.CallerPaused(ended=-ago)),
)


@given(st.lists(st.tuples(events, st.floats(0, 3)), max_size=40))
def test_any_order_of_events_keeps_the_machine_sound(
    steps: list[tuple[turn.TurnEvent, float]],
) -> None:
    machine = TurnMachine()
    now = 0.0
    over = False
    for event, gap in steps:
        now += gap
        if isinstance(event, turn.CallerPaused):
            event = turn.CallerPaused(ended=now + event.ended)
        held = machine.held
        machine.handle(event, now)
        commands = machine.take_commands()
        if over:
            assert commands == []
        if held:
            assert not any(isinstance(c, turn.Answer | turn.Interrupt) for c in commands)
        over = over or isinstance(event, turn.HungUp)
        if machine.phase in (Phase.IDLE, Phase.CALLER, Phase.PAUSE, Phase.THINKING):
            assert machine.next_deadline() is not None or machine.phase is Phase.IDLE
        if machine.phase is Phase.OVER:
            assert machine.next_deadline() is None
