"""The way out against a far end that plays as Twilio does."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_hitl.audio.g711 import FRAME, FRAME_SECONDS
from voice_hitl.audio.pacer import LEAD
from voice_hitl.call.egress import LIVE_LEAD, LIVE_QUEUE, MARK_GRACE, Egress
from voice_hitl.call.ticker import Ticker

TEXT = "one two three four five six seven eight nine ten"


class Words:
    """Messages that a test can read."""

    def encode_media(self, frame: bytes) -> str:
        return f"media {frame.hex()}"

    def encode_mark(self, name: str) -> str:
        return f"mark {name}"

    def encode_clear(self) -> str:
        return "clear"


@dataclass
class FarEnd:
    """Twilio's playback buffer: plays in real time, returns marks in their turn, all of them on `clear`."""

    buffer: deque[bytes | str] = field(default_factory=deque)
    played: list[bytes] = field(default_factory=list)
    log: list[tuple[float, str]] = field(default_factory=list)
    dry: int = 0  # steps of silence after the first frame
    most: int = 0  # frames that ever waited

    def receive(self, message: str, now: float) -> list[str]:
        kind, _, rest = message.partition(" ")
        self.log.append((now, kind))
        if kind == "media":
            self.buffer.append(bytes.fromhex(rest))
        elif kind == "mark":
            self.buffer.append(rest)
        else:
            returned = [item for item in self.buffer if isinstance(item, str)]
            self.buffer.clear()
            return returned
        self.most = max(self.most, sum(isinstance(item, bytes) for item in self.buffer))
        return []

    def play(self) -> list[str]:
        """One 20 ms step; returns the marks that it reached."""
        marks: list[str] = []
        while self.buffer and isinstance(self.buffer[0], str):
            marks.append(str(self.buffer.popleft()))
        if self.buffer:
            frame = self.buffer.popleft()
            assert isinstance(frame, bytes)
            self.played.append(frame)
        elif self.played:
            self.dry += 1
        return marks


class World:
    """An egress, its far end and a clock that moves in steps of 20 ms."""

    def __init__(self) -> None:
        self.now = 50.0
        self.far = FarEnd()
        self.ticker = Ticker()
        self.returning: list[str] = []
        self.started: list[int] = []
        self.done: list[int] = []
        self.idles = 0
        self.egress = Egress(Words(), self._send, self.ticker, lambda: self.now)
        self.egress.on_sentence_started = self.started.append
        self.egress.on_sentence_done = self.done.append
        self.egress.on_idle = self._idle

    def step(self, count: int = 1) -> None:
        for _ in range(count):
            self.returning += self.far.play()
            self.now += FRAME_SECONDS
            self.ticker.tick(self.now)
            returning, self.returning = self.returning, []
            for name in returning:
                self.egress.mark(name)

    def _send(self, message: str) -> None:
        self.returning += self.far.receive(message, self.now)

    def _idle(self) -> None:
        assert self.egress.idle
        self.idles += 1


@pytest.fixture
def world() -> World:
    return World()


def clip(seconds: float, value: int = 1) -> bytes:
    return bytes([value]) * round(seconds * 8000)


def test_a_sentence_is_played_once_and_whole(world: World) -> None:
    sound = bytes(range(1, 161)) * 30 + b"\x05" * 50
    number = world.egress.say(sound, TEXT)
    assert world.started == [number]  # the first frames leave at once
    assert len(world.far.buffer) == 10
    world.step(60)
    assert b"".join(world.far.played) == sound + b"\xff" * 110
    assert world.far.dry <= 60 - 31
    assert (world.done, world.idles, world.egress.idle) == ([number], 1, True)


def test_nothing_ticks_while_nothing_plays(world: World) -> None:
    world.egress.say(clip(0.5), TEXT)
    world.step(100)
    assert world.ticker._members == {}


def test_sentences_follow_without_a_gap(world: World) -> None:
    world.egress.say(clip(0.5, 1), "a")
    world.egress.say(clip(0.5, 2), "b")
    world.step(40)
    world.egress.say(clip(0.5, 3), "c")
    world.step(60)
    assert b"".join(world.far.played) == clip(0.5, 1) + clip(0.5, 2) + clip(0.5, 3)
    assert world.done == [1, 2, 3]
    assert world.far.most <= LEAD / FRAME_SECONDS


def test_a_sentence_may_come_in_pieces(world: World) -> None:
    number = world.egress.say(clip(0.3, 1), TEXT, final=False)
    world.step(5)
    world.egress.extend(number, clip(0.31, 2))
    world.step(40)
    assert world.done == []
    assert not world.egress.idle
    world.egress.finish(number)
    world.step(5)
    assert world.done == [number]
    sound = b"".join(world.far.played)
    assert sound == clip(0.3, 1) + clip(0.31, 2) + b"\xff" * (-len(clip(0.61)) % FRAME)


def test_an_unfinished_sentence_waits_for_more_not_for_silence(world: World) -> None:
    number = world.egress.say(clip(0.05, 1), TEXT, final=False)
    world.step(10)
    assert len(world.far.played) == 2  # the half frame waits for its other half
    world.egress.extend(number, clip(0.05, 2))
    world.egress.finish(number)
    world.step(10)
    assert b"".join(world.far.played) == clip(0.05, 1) + clip(0.05, 2)


def test_an_empty_sentence_is_done_at_once(world: World) -> None:
    number = world.egress.say(b"", "")
    world.step(1)
    assert world.done == [number]


def test_barge_in_stops_everything_and_knows_what_was_heard(world: World) -> None:
    first = world.egress.say(clip(1.0, 1), "Good morning.")
    second = world.egress.say(clip(4.0, 2), TEXT)
    third = world.egress.say(clip(1.0, 3), "Never heard.")
    world.step(150)  # 3 s: the first, and half of the second
    assert world.done == [first]
    heard = world.egress.clear()
    assert world.far.log[-1][1] == "clear"
    assert heard.generation == 0
    assert [each.sentence_id for each in heard.sentences] == [first, second, third]
    assert heard.sentences[0].complete
    assert heard.sentences[0].text == "Good morning."
    assert heard.sentences[1].text in ("one two three four", "one two three four five")
    assert not heard.sentences[1].complete
    assert heard.sentences[2].text == ""
    played = len(world.far.played)
    world.step(100)
    assert len(world.far.played) == played
    assert world.done == [first]
    assert world.idles == 0


def test_marks_that_a_clear_returns_do_not_count(world: World) -> None:
    world.egress.say(clip(0.1), TEXT)  # all of it is sent, mark included
    world.egress.clear()
    assert world.returning == ["0.1"]
    later = world.egress.say(clip(0.1), "later")
    world.step(20)
    assert world.done == [later]
    assert world.egress.heard()[0].sentence_id == later


def test_stale_pieces_of_a_cleared_sentence_are_dropped(world: World) -> None:
    number = world.egress.say(clip(0.1, 1), TEXT, final=False)
    world.egress.clear()
    world.egress.extend(number, clip(1.0, 2))
    world.egress.finish(number)
    world.step(20)
    assert bytes([2]) * FRAME not in world.far.played
    assert world.egress.idle


def test_a_lost_mark_is_taken_as_come_in_time(world: World) -> None:
    number = world.egress.say(clip(0.1), TEXT)
    world.far.buffer.pop()  # the mark
    world.step(round((0.1 + MARK_GRACE) / FRAME_SECONDS) - 1)
    assert world.done == []
    world.step(3)
    assert world.done == [number]
    assert world.idles == 1


def test_a_later_mark_vouches_for_an_earlier_one(world: World) -> None:
    world.egress.say(clip(0.02), "a")
    world.far.buffer.pop()
    world.egress.say(clip(0.02), "b")
    world.step(5)
    assert world.done == [1, 2]


@pytest.mark.parametrize("name", ["", "0", "0.", "0.99", "1.1", "x.1", "0.1.1", "0.01"])
def test_unknown_marks_are_ignored(world: World, name: str) -> None:
    world.egress.say(clip(0.1), TEXT)
    world.egress.mark(name)
    assert world.done == []


def test_live_frames_leave_at_once(world: World) -> None:
    for number in range(50):
        frame = bytes([number + 1]) * FRAME
        world.egress.play_live(frame)
        assert world.far.buffer[-1] == frame
        assert len(world.far.buffer) == 1
        world.step()
    assert len(world.far.played) == 50
    assert world.ticker._members == {}


def test_a_burst_of_live_audio_is_bounded_in_age(world: World) -> None:
    for number in range(100):
        world.egress.play_live(bytes([number + 1]) * FRAME)
    world.step(30)
    values = [frame[0] for frame in world.far.played]
    assert values == sorted(values)
    assert values[-1] == 100
    assert len(values) <= LIVE_LEAD / FRAME_SECONDS + 1 + LIVE_QUEUE
    assert world.egress.dropped == 100 - len(values)
    assert world.far.most <= LIVE_LEAD / FRAME_SECONDS + 1


def test_live_audio_waits_for_sentences_but_not_for_ever(world: World) -> None:
    world.egress.say(clip(1.0, 1), TEXT)
    world.egress.play_live(b"\x02" * FRAME)
    world.egress.clear()
    world.egress.play_live(b"\x03" * FRAME)
    world.step(3)
    assert world.far.played[-1] == b"\x03" * FRAME
    assert b"\x02" * FRAME not in world.far.played


def test_live_frames_have_one_length(world: World) -> None:
    with pytest.raises(ValueError, match="160"):
        world.egress.play_live(b"\x01" * 320)


def test_a_new_reply_starts_what_was_heard_afresh(world: World) -> None:
    world.egress.say(clip(0.1), "first")
    world.step(10)
    world.egress.begin_reply()
    world.egress.say(clip(0.1), "second")
    world.step(10)
    assert [(each.text, each.complete) for each in world.egress.heard()] == [("second", True)]


def test_a_closed_way_out_is_silent(world: World) -> None:
    world.egress.say(clip(1.0), TEXT)
    world.egress.close()
    world.egress.close()
    sent = len(world.far.log)
    world.egress.say(clip(1.0), TEXT)
    world.egress.play_live(b"\x01" * FRAME)
    world.egress.clear()
    world.step(20)
    assert len(world.far.log) == sent
    assert world.egress.idle


def test_a_listener_that_fails_in_a_tick_is_told_to_its_call(world: World) -> None:
    faults: list[Exception] = []

    def fail(number: int) -> None:
        if number == 2:
            raise RuntimeError("inbox is full")

    world.egress.on_sentence_started = fail
    world.egress.on_failed = faults.append
    world.egress.say(clip(1.0), "a")
    world.egress.say(clip(1.0), "b")
    world.step(60)
    assert [str(fault) for fault in faults] == ["inbox is full"]


def test_a_listener_may_call_back_in(world: World) -> None:
    def interrupt(number: int) -> None:
        world.egress.clear()

    world.egress.on_sentence_started = interrupt
    world.egress.say(clip(1.0), TEXT)
    assert world.far.log[-1][1] == "clear"
    world.egress.on_sentence_started = world.started.append
    again = world.egress.say(clip(0.1), "again")
    world.step(10)
    assert world.done == [again]


def test_it_speaks_media_streams(world: World) -> None:
    """With the real encoder the messages are the protocol's."""
    from voice_hitl.telephony.media_stream import MediaStream

    stream, sent = MediaStream(), list[str]()
    stream.receive('{"event":"start","streamSid":"MZ1","start":{"callSid":"CA1"}}')
    egress = Egress(stream, sent.append, Ticker(), lambda: 0.0)
    egress.say(clip(0.02), TEXT)
    egress.clear()
    assert [orjson.loads(text)["event"] for text in sent] == ["media", "mark", "clear"]


actions = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.integers(0, 40)),
        st.tuples(st.just("wait"), st.integers(1, 60)),
        st.tuples(st.just("clear"), st.just(0)),
        st.tuples(st.just("piece"), st.integers(0, 30)),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(actions)
def test_whatever_happens_the_caller_hears_the_right_thing(script: list[tuple[str, int]]) -> None:
    world = World()
    value = 0
    expected: list[bytes] = []  # frames that may be played, in order, of the present generation
    cleared: set[int] = set()
    said: list[int] = []
    played_before = 0  # frames of former generations
    open_sentence: int | None = None
    for action, amount in script:
        if action == "say":
            if open_sentence is not None:
                world.egress.finish(open_sentence)
                open_sentence = None
            value = value % 250 + 1
            expected += [bytes([value]) * FRAME] * amount
            said.append(world.egress.say(bytes([value]) * FRAME * amount, TEXT))
        elif action == "piece":
            value = value % 250 + 1
            expected += [bytes([value]) * FRAME] * amount
            if open_sentence is None:
                open_sentence = world.egress.say(bytes([value]) * FRAME * amount, TEXT, final=False)
                said.append(open_sentence)
            else:
                world.egress.extend(open_sentence, bytes([value]) * FRAME * amount)
        elif action == "wait":
            world.step(amount)
        else:
            now_played = world.far.played[played_before:]
            assert now_played == expected[: len(now_played)]
            heard = world.egress.clear()
            for each in heard.sentences:
                assert TEXT.startswith(each.text)
                assert each.complete == (each.sentence_id in world.done)
            if any(each.text and not each.complete for each in heard.sentences):
                assert now_played
            cleared |= set(said) - set(world.done)
            played_before = len(world.far.played)
            expected = []
            open_sentence = None
        assert world.far.most <= LEAD / FRAME_SECONDS
    if open_sentence is not None:
        world.egress.finish(open_sentence)
    world.step(60 * 40)
    assert world.far.played[played_before:] == expected
    assert sorted([*world.done, *cleared]) == said
    assert world.done == sorted(set(world.done))
    assert world.egress.idle
    assert world.ticker._members == {}
