from __future__ import annotations

import audioop
import base64
import json
import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_hitl.telephony.emulator import FRAME, SILENCE, Carrier, Playback, is_audible
from voice_hitl.telephony.media_stream import (
    Connected,
    Dtmf,
    Mark,
    Media,
    MediaStream,
    Started,
    Stopped,
)

SID = "MZ" + "a" * 32
TONE = audioop.lin2ulaw(
    struct.pack("<160h", *(int(8000 * math.sin(n / 3)) for n in range(FRAME))), 2
)
HISS = audioop.lin2ulaw(struct.pack("<160h", *((n * 7919) % 41 - 20 for n in range(FRAME))), 2)


def carrier(origin: float = 0.0) -> Carrier:
    return Carrier(
        stream_sid=SID,
        call_sid="CA" + "b" * 32,
        account_sid="AC" + "c" * 32,
        parameters={"token": "t0"},
        playback=Playback(origin),
    )


def media(audio: bytes) -> str:
    payload = base64.b64encode(audio).decode()
    return json.dumps({"event": "media", "streamSid": SID, "media": {"payload": payload}})


def mark(name: str) -> str:
    return json.dumps({"event": "mark", "streamSid": SID, "mark": {"name": name}})


CLEAR = json.dumps({"event": "clear", "streamSid": SID})


def names(messages: list[str]) -> list[str]:
    return [json.loads(message)["mark"]["name"] for message in messages]


def test_what_it_sends_is_what_the_server_understands() -> None:
    twilio, stream = carrier(), MediaStream()
    messages = [
        *twilio.opening(),
        twilio.media(TONE),
        twilio.media(SILENCE),
        twilio.dtmf("5"),
        twilio.stop(),
    ]
    assert [event for message in messages for event in stream.receive(message)] == [
        Connected("Call", "1.0.0"),
        Started(SID, "CA" + "b" * 32, "AC" + "c" * 32, {"token": "t0"}, ("inbound",)),
        Media(TONE, 0, 1, 2),
        Media(SILENCE, 20, 2, 3),
        Dtmf("5"),
        Stopped(),
    ]


def test_what_the_server_sends_is_what_it_obeys() -> None:
    twilio, stream = carrier(), MediaStream()
    for message in twilio.opening():
        stream.receive(message)
    assert twilio.receive(stream.encode_media(TONE), now=0.0) == []
    assert twilio.receive(stream.encode_mark("s1"), now=0.0) == []
    (returned,) = twilio.due(now=0.02)
    assert stream.receive(returned) == [Mark("s1")]
    assert twilio.receive(stream.encode_clear(), now=0.03) == []
    assert (twilio.faults, twilio.clears) == ([], [0.03])


def test_a_mark_comes_back_when_what_was_before_it_has_been_heard() -> None:
    twilio = carrier()
    twilio.receive(media(TONE * 5), now=1.0)
    twilio.receive(mark("a"), now=1.0)
    twilio.receive(media(TONE * 5), now=1.0)
    twilio.receive(mark("b"), now=1.0)
    assert twilio.playback.next_deadline() == pytest.approx(1.1)
    assert twilio.due(now=1.099) == []
    assert names(twilio.due(now=1.1)) == ["a"]
    assert twilio.due(now=1.15) == []
    assert names(twilio.due(now=1.3)) == ["b"]
    assert twilio.playback.next_deadline() is None


def test_a_mark_behind_nothing_comes_back_at_once() -> None:
    twilio = carrier()
    twilio.receive(mark("a"), now=1.0)
    assert names(twilio.due(now=1.0)) == ["a"]


def test_a_clear_drops_what_was_not_heard_and_returns_what_was_pending() -> None:
    twilio = carrier()
    twilio.receive(media(TONE * 10), now=0.0)
    twilio.receive(mark("a"), now=0.0)
    twilio.receive(media(TONE * 10), now=0.0)
    twilio.receive(mark("b"), now=0.0)
    assert names(twilio.receive(CLEAR, now=0.05)) == ["a", "b"]
    assert twilio.playback.dropped == 20 * FRAME - 400
    assert not twilio.playback.playing(now=0.05)
    assert twilio.due(now=9.0) == []
    assert twilio.playback.audio() == [(0, (TONE * 3)[:400])]
    twilio.receive(media(TONE), now=0.06)
    assert twilio.playback.audio()[-1] == (480, TONE)


def test_bursts_are_what_is_audible_with_short_gaps_closed() -> None:
    ear = Playback(origin=10.0)
    ear.add(SILENCE * 5 + TONE * 5, now=10.0)  # audible from 10.1 to 10.2
    ear.add(HISS * 5 + TONE * 5, now=10.1)  # 0.1 s of hiss joins; then to 10.4
    ear.add(SILENCE * 20 + TONE, now=10.4)  # 0.4 s of silence parts
    assert [(b.start, b.end) for b in ear.bursts] == [
        pytest.approx((10.1, 10.4)),
        pytest.approx((10.8, 10.82)),
    ]
    assert ear.speaking_since(10.05) is None
    assert ear.speaking_since(10.81) == pytest.approx(10.8)
    assert ear.quiet_since() == pytest.approx(10.82)


def test_a_clear_ends_the_burst_and_the_next_audio_begins_another() -> None:
    ear = Playback(origin=0.0)
    ear.add(TONE * 10, now=0.0)
    ear.clear(now=0.05)
    ear.add(TONE, now=0.06)
    assert [(b.start, b.end) for b in ear.bursts] == [
        pytest.approx((0.0, 0.05)),
        pytest.approx((0.06, 0.08)),
    ]
    ear.add(SILENCE * 10 + TONE, now=0.08)  # a second burst that nobody will hear
    ear.clear(now=0.1)
    assert len(ear.bursts) == 2
    assert ear.quiet_since() == pytest.approx(0.08)


def test_a_buffer_that_runs_dry_in_speech_is_counted() -> None:
    ear = Playback(origin=0.0)
    ear.add(TONE, now=0.0)
    ear.add(TONE, now=0.025)  # 5 ms late
    ear.add(TONE, now=0.03)  # in time again: the buffer now leads
    assert ear.underruns == 1
    ear.add(TONE, now=1.0)  # a pause, not an underrun
    ear.add(SILENCE, now=1.02)
    ear.add(TONE, now=1.05)  # after silence
    assert ear.underruns == 1


@pytest.mark.parametrize(
    "message",
    [
        b"{}",
        "{",
        "[]",
        json.dumps({"event": "media", "streamSid": "MZother", "media": {"payload": "QUJD"}}),
        json.dumps({"event": "media", "streamSid": SID}),
        json.dumps({"event": "media", "streamSid": SID, "media": {"payload": "!"}}),
        json.dumps({"event": "media", "streamSid": SID, "media": {"payload": ""}}),
        json.dumps({"event": "mark", "streamSid": SID, "mark": {}}),
        json.dumps({"event": "mark", "streamSid": SID, "mark": {"name": ""}}),
        json.dumps({"event": "stop", "streamSid": SID}),
    ],
)
def test_what_twilio_would_not_obey_is_a_fault_and_changes_nothing(message: str | bytes) -> None:
    twilio = carrier()
    for _ in range(50):
        assert twilio.receive(message, now=0.0) == []
    assert len(twilio.faults) == 20
    assert not twilio.playback.playing(now=0.0)


def test_only_speech_is_audible() -> None:
    assert is_audible(TONE)
    assert not is_audible(SILENCE)
    assert not is_audible(b"\x7f" * FRAME)
    assert not is_audible(HISS)
    assert not is_audible(SILENCE[:7])


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 400)),
        st.tuples(st.just("mark"), st.just(0)),
        st.tuples(st.just("clear"), st.just(0)),
        st.tuples(st.just("wait"), st.integers(1, 600)),
    ),
    max_size=40,
)


@settings(deadline=None)
@given(STEPS, st.sampled_from([0.0, 1234.567, 98765.4321]))
def test_against_a_player_that_goes_sample_by_sample(
    steps: list[tuple[str, int]], origin: float
) -> None:
    ear = Playback(origin)
    queue: list[int | str] = []  # samples and marks still to come
    heard: dict[int, int] = {}
    now, serial = 0, 0
    for what, size in steps:
        moment = origin + now / 8000
        returned: list[str] = []
        expected: list[str] = []
        if what == "add":
            audio = bytes((serial + n) % 256 for n in range(size))
            serial += size
            queue.extend(audio)
            ear.add(audio, moment)
        elif what == "mark":
            serial += 1
            queue.append(f"m{serial}")
            ear.mark(f"m{serial}", moment)
        elif what == "clear":
            expected = [item for item in queue if isinstance(item, str)]
            queue.clear()
            returned = ear.clear(moment)
        else:
            for _ in range(size):
                while queue and isinstance(queue[0], str):
                    expected.append(str(queue.pop(0)))
                if queue:
                    heard[now] = int(queue.pop(0))
                now += 1
            returned = ear.due(origin + now / 8000)
        while queue and isinstance(queue[0], str):
            expected.append(str(queue.pop(0)))
        returned += ear.due(origin + now / 8000)
        assert returned == expected
        assert ear.playing(origin + now / 8000) is bool(queue)
        assert ear.pending_marks() == sum(isinstance(item, str) for item in queue)
    ear.clear(origin + now / 8000)
    played = {start + n: sample for start, audio in ear.audio() for n, sample in enumerate(audio)}
    assert played == heard


@settings(deadline=None)
@given(STEPS)
def test_without_a_recording_the_ear_behaves_the_same_and_keeps_little(
    steps: list[tuple[str, int]],
) -> None:
    full, light, now = Playback(0.0), Playback(0.0, keep_audio=False), 0.0
    for what, size in steps:
        if what == "wait":
            now += size / 8000
        for ear in (full, light):
            if what == "add":
                ear.add(TONE[:1] * size, now)
            elif what == "mark":
                ear.mark("m", now)
        if what == "clear":
            assert full.clear(now) == light.clear(now)
        assert full.due(now) == light.due(now)
        assert (full.dropped, full.bursts) == (light.dropped, light.bursts)
        if what == "add":  # what was heard by then is gone
            assert all(start + len(a) > round(now * 8000) for start, a in light.audio())
