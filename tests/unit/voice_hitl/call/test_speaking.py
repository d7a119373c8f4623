from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import virtual
from tests.support.booking import Desk
from tests.support.scripted import ScriptedVoice
from voice_hitl.agent.protocol import Sentence
from voice_hitl.call.egress import Egress
from voice_hitl.call.speaking import FILLER, HOLD_TONE, Speaker
from voice_hitl.call.ticker import Ticker
from voice_hitl.telephony.emulator import Carrier, Playback
from voice_hitl.telephony.media_stream import Mark, MediaStream

VOICE = ScriptedVoice()  # 0.3 s a word
CLIPS = {text: VOICE.clip(text) for text in (FILLER, "Please hold.")}


@dataclass
class Line:
    """A speaker, its way out, and the far end's ear; time moves by `passes`."""

    desk: Desk = field(default_factory=Desk)
    now: float = 50.0

    def __post_init__(self) -> None:
        self.stream = MediaStream()
        self.ticker = Ticker()
        self.carrier = Carrier(
            stream_sid="MZ1",
            call_sid="CA1",
            account_sid="AC1",
            parameters={},
            playback=Playback(self.now),
        )
        self.coming_back: list[str] = []
        self.marks_are_late = False
        for message in self.carrier.opening():
            self.stream.receive(message)
        self.egress = Egress(self.stream, self._send, self.ticker, lambda: self.now)
        self.speaker = Speaker(self.egress, self.desk.book, CLIPS)
        self.egress.on_sentence_done = self.speaker.played

    def _send(self, text: str) -> None:
        self.coming_back += self.carrier.receive(text, self.now)

    def passes(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += 0.02
            self.ticker.tick(self.now)
            if self.marks_are_late:
                continue
            messages = [*self.coming_back, *self.carrier.due(self.now)]
            self.coming_back.clear()
            for message in messages:
                for event in self.stream.receive(message):
                    if isinstance(event, Mark):
                        self.egress.mark(event.name)

    def says(self, text: str) -> None:
        """A whole sentence of a reply, made in two pieces."""
        clip = VOICE.clip(text)
        self.speaker.begin(text, clip[:1600])
        self.speaker.go_on(clip[1600:], last=False)
        self.speaker.go_on(b"", last=True)

    @property
    def heard(self) -> list[str | None]:
        return [line.heard for line in self.desk.book.lines]

    @property
    def said(self) -> list[str]:
        return [line.text for line in self.desk.book.lines]

    @property
    def seconds_received(self) -> float:
        return self.carrier.playback.received / 8000


@pytest.fixture
async def line() -> Line:
    return Line()


async def test_a_reply_is_written_down_at_once_and_as_heard_when_it_was(line: Line) -> None:
    line.speaker.begin_reply()
    line.says("Your balance is ten dollars.")
    line.says("Anything else?")
    assert line.said == ["Your balance is ten dollars.", "Anything else?"]
    assert line.heard == [None, None]
    line.passes(1.7)  # 5 words of 0.3 s
    assert line.heard == ["Your balance is ten dollars.", None]
    line.passes(1.0)
    assert line.heard == line.said
    assert line.speaker.idle
    assert line.speaker.as_heard == "Your balance is ten dollars. Anything else?"
    assert line.seconds_received == pytest.approx(7 * 0.3)


async def test_an_interruption_writes_the_words_that_were_heard(line: Line) -> None:
    line.speaker.begin_reply()
    line.says("Your balance is ten dollars.")
    line.says("Anything else?")
    line.passes(1.0)
    line.speaker.interrupt()
    cut, unheard = line.heard
    assert cut is not None
    assert "Your balance is ten dollars.".startswith(cut)
    assert cut in ("Your balance is", "Your balance", "Your")
    assert unheard == ""
    assert line.speaker.unheard == [
        Sentence("Your balance is ten dollars.", kind="notice"),
        Sentence("Anything else?", kind="notice"),
    ]
    assert line.speaker.as_heard == cut
    assert line.speaker.idle
    line.passes(3.0)
    assert line.heard == [cut, unheard]


async def test_what_was_heard_before_the_interruption_is_not_said_again(line: Line) -> None:
    line.says("Hello.")
    line.passes(0.6)
    line.says("How can I help?")
    line.passes(0.4)
    line.speaker.interrupt()
    assert line.speaker.unheard == [Sentence("How can I help?", kind="notice")]
    assert line.heard[0] == "Hello."
    line.speaker.interrupt()
    assert line.speaker.unheard == []


async def test_what_was_played_out_is_not_said_again_though_its_mark_is_still_on_its_way(
    line: Line,
) -> None:
    line.marks_are_late = True
    line.says("How can I help?")
    line.passes(1.5)  # 1.2 s of sound
    assert line.heard == [None]
    line.speaker.interrupt()
    assert line.heard == ["How can I help?"]
    assert line.speaker.unheard == []


async def test_sound_that_comes_after_the_interruption_is_not_played(line: Line) -> None:
    line.speaker.begin("Your balance is ten dollars.", bytes(1600))
    line.passes(0.1)
    line.speaker.interrupt()
    line.speaker.go_on(bytes(1600), last=False)
    line.speaker.go_on(b"", last=True)
    assert line.speaker.idle
    line.passes(1.0)
    assert line.seconds_received <= 0.2


async def test_a_prompt_waits_for_what_is_being_said(line: Line) -> None:
    line.says("Your balance is ten dollars.")
    line.speaker.prompt("Please hold.")
    line.passes(1.7)
    assert line.heard == ["Your balance is ten dollars.", None]
    line.passes(0.7)
    assert line.heard == line.said


async def test_a_hold_tone_gives_way_to_a_prompt(line: Line) -> None:
    line.speaker.tone()
    line.passes(0.5)
    line.speaker.prompt("Please hold.")
    line.passes(0.75)
    assert line.heard == ["Please hold."]
    assert len(line.carrier.clears) == 1


async def test_the_hold_tone_is_no_line_of_the_transcript(line: Line) -> None:
    line.speaker.tone()
    assert not line.speaker.idle
    line.passes(len(HOLD_TONE) / 8000 + 0.2)
    assert line.speaker.idle
    assert line.said == []


async def test_only_sentences_with_words_that_are_on_their_way_are_speech(line: Line) -> None:
    line.speaker.prompt("Please hold.")
    line.speaker.tone()
    assert [line.speaker.is_speech(number) for number in (1, 2, 3)] == [True, False, False]
    line.passes(1.0)
    assert not line.speaker.is_speech(1)


async def test_a_new_reply_has_no_words_of_the_former_one(line: Line) -> None:
    line.says("Hello.")
    line.passes(1.0)
    line.speaker.begin_reply()
    assert line.speaker.as_heard == ""
    line.says("Goodbye.")
    line.passes(1.0)
    assert line.speaker.as_heard == "Goodbye."


async def test_nothing_waits_behind_a_sentence_that_will_not_be_finished(line: Line) -> None:
    """The voice broke, or a person was called, in the middle of it."""
    text = "Your balance is ten dollars."
    line.speaker.begin(text, VOICE.clip(text)[:4800])  # 0.6 of 1.5 s
    line.speaker.break_off()
    line.speaker.break_off()
    line.speaker.prompt("Please hold.")
    line.speaker.go_on(bytes(1600), last=False)  # a leftover of the cancelled turn
    line.passes(1.4)
    cut, hold = line.heard
    assert hold == "Please hold."
    assert cut is not None
    assert text.startswith(cut)
    assert len(cut) < len(text)
    assert line.speaker.idle
    assert line.seconds_received == pytest.approx(0.6 + 0.6)


async def test_an_interrupted_broken_off_sentence_is_said_again_whole(line: Line) -> None:
    text = "Your balance is ten dollars."
    line.speaker.begin(text, VOICE.clip(text)[:4800])
    line.speaker.break_off()
    line.passes(0.3)
    line.speaker.interrupt()
    assert line.speaker.unheard == [Sentence(text, kind="notice")]
    assert line.heard != [text]


steps = st.sampled_from(["begin", "more", "last", "prompt", "tone", "wait", "cut", "reply", "off"])


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, max_size=20))
def test_in_any_order_all_is_played_or_known_as_unheard(happens: list[str]) -> None:
    async def main() -> None:
        line = Line()
        speaker = line.speaker
        opened = False
        for step in happens:
            match step:
                case "begin" if not opened:
                    speaker.begin("One two three.", VOICE.clip("one"))
                    opened = True
                case "more":
                    speaker.go_on(VOICE.clip("two"), last=False)
                case "last":
                    speaker.go_on(b"", last=True)
                    opened = False
                case "prompt":
                    speaker.prompt("Please hold.")
                case "tone":
                    speaker.tone()
                case "wait":
                    line.passes(0.2)
                case "cut":
                    speaker.interrupt()
                    opened = False
                    assert speaker.idle
                case "reply":
                    speaker.begin_reply()
                case "off":
                    speaker.break_off()
                    opened = False
        speaker.break_off()
        line.passes(60.0)
        assert speaker.idle
        for text, heard in zip(line.said, line.heard, strict=True):
            assert heard is not None
            assert text.startswith(heard)

    virtual.run(main())


async def test_what_was_cut_off_is_played_again_whole_and_once(line: Line) -> None:
    line.says("Your balance is ten dollars.")
    line.speaker.prompt("Please hold.")
    line.passes(0.7)
    line.speaker.interrupt()
    before = line.seconds_received
    assert line.speaker.say_again()
    assert not line.speaker.say_again()
    line.passes(3.0)
    assert line.heard[2:] == ["Your balance is ten dollars.", "Please hold."]
    assert line.seconds_received - before == pytest.approx(7 * 0.3)
