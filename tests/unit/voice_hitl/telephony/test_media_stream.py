from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_hitl.errors import TelephonyError
from voice_hitl.telephony.media_stream import (
    BAD_LIMIT,
    MAX_MESSAGE,
    Connected,
    Dtmf,
    Mark,
    Media,
    MediaStream,
    Started,
    Stopped,
    StreamEvent,
    Violation,
)

SID = "MZ" + "a" * 32
CALL = "CA" + "b" * 32
FRAME = bytes(range(160))

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def start(**changes: Any) -> dict[str, Any]:
    return {
        "event": "start",
        "sequenceNumber": "1",
        "streamSid": SID,
        "start": {
            "accountSid": "AC" + "c" * 32,
            "streamSid": SID,
            "callSid": CALL,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"token": "t0"},
            **changes,
        },
    }


def media(**changes: Any) -> dict[str, Any]:
    return {
        "event": "media",
        "sequenceNumber": "3",
        "streamSid": SID,
        "media": {
            "track": "inbound",
            "chunk": "2",
            "timestamp": "40",
            "payload": base64.b64encode(FRAME).decode(),
            **changes,
        },
    }


def running() -> MediaStream:
    stream = MediaStream()
    assert isinstance(stream.receive(json.dumps(start()))[0], Started)
    return stream


def send(stream: MediaStream, message: object) -> list[StreamEvent]:
    return stream.receive(json.dumps(message))


def test_a_whole_stream_as_twilio_sends_it() -> None:
    stream = MediaStream()
    events = [
        *send(stream, {"event": "connected", "protocol": "Call", "version": "1.0.0"}),
        *send(stream, start()),
        *send(stream, media()),
        *send(
            stream,
            {"event": "mark", "sequenceNumber": "4", "streamSid": SID, "mark": {"name": "s1"}},
        ),
        *send(
            stream,
            {
                "event": "dtmf",
                "streamSid": SID,
                "sequenceNumber": "5",
                "dtmf": {"track": "inbound_track", "digit": "0"},
            },
        ),
        *send(
            stream,
            {
                "event": "stop",
                "sequenceNumber": "6",
                "streamSid": SID,
                "stop": {"accountSid": "AC" + "c" * 32, "callSid": CALL},
            },
        ),
    ]
    assert events == [
        Connected("Call", "1.0.0"),
        Started(SID, CALL, "AC" + "c" * 32, {"token": "t0"}, ("inbound",)),
        Media(FRAME, 40, 2, 3),
        Mark("s1"),
        Dtmf("0"),
        Stopped(),
    ]
    assert (stream.counters.messages, stream.counters.media, stream.counters.bad) == (6, 1, 0)


@pytest.mark.parametrize("wrap", [str, int, float])
def test_numbers_may_be_strings_or_numbers(wrap: type) -> None:
    message = media(timestamp=wrap(60), chunk=wrap(4))
    message["sequenceNumber"] = wrap(7)
    assert send(running(), message) == [Media(FRAME, 60, 4, 7)]


def test_a_missing_timestamp_continues_where_the_last_frame_ended() -> None:
    stream = running()
    send(stream, media(timestamp="1000"))
    bare = media()
    del bare["media"]["timestamp"], bare["media"]["chunk"], bare["sequenceNumber"]
    assert send(stream, bare) == [Media(FRAME, 1020, None, None)]
    assert send(stream, media(timestamp="-5", chunk="2")) == [Media(FRAME, 1040, 2, 3)]
    assert send(stream, media(timestamp="9" * 5000)) == [Media(FRAME, 1060, 2, 3)]
    assert send(stream, media(timestamp=True)) == [Media(FRAME, 1080, 2, 3)]


def test_a_missing_sid_is_this_streams_and_a_wrong_one_is_foreign() -> None:
    stream = running()
    bare = media()
    del bare["streamSid"]
    assert len(send(stream, bare)) == 1
    for wrong in ("MZ" + "f" * 32, 5, "", [SID]):
        assert send(stream, media() | {"streamSid": wrong}) == []
    assert stream.counters.foreign == 4
    assert send(stream, {"event": "stop", "streamSid": "MZ0"}) == []
    assert send(stream, media(track="outbound")) == []
    assert stream.counters.foreign == 6
    assert len(send(stream, media())) == 1


@pytest.mark.parametrize(
    "message",
    [
        media(payload="!!!!"),
        media(payload="QUJD\n"),
        media(payload="QUJ"),
        media(payload="ÄÖÜß"),
        media(payload=""),
        media(payload=7),
        media(payload=None),
        media() | {"media": "x"},
        media() | {"media": None},
        {"event": "mark", "streamSid": SID},
        {"event": "mark", "streamSid": SID, "mark": {"name": ["x"]}},
        {"event": "dtmf", "streamSid": SID, "dtmf": {"digit": "42"}},
        {"event": "dtmf", "streamSid": SID, "dtmf": {"digit": ""}},
        {"event": "dtmf", "streamSid": SID, "dtmf": {"digit": None}},
        {"event": "dtmf", "streamSid": SID, "dtmf": []},
        {"event": 5},
        {"event": None},
        {},
        [],
        "media",
        None,
        3.5,
    ],
)
def test_one_bad_message_is_counted_and_costs_the_caller_nothing(message: object) -> None:
    stream = running()
    assert send(stream, message) == []
    assert stream.counters.bad == 1
    assert send(stream, media()) == [Media(FRAME, 40, 2, 3)]


@pytest.mark.parametrize("raw", ["", "{", "nul", "\ud800", '{"event":"media"', "[" * 5000])
def test_malformed_json_is_ignored_after_start_and_closes_before(raw: str) -> None:
    stream = running()
    assert stream.receive(raw) == []
    assert stream.counters.bad == 1
    assert MediaStream().receive(raw) == [Violation(1007, "message is not JSON")]


def test_binary_is_ignored_after_start_and_closes_before() -> None:
    stream = running()
    assert stream.receive(json.dumps(media()).encode()) == []
    assert stream.counters.bad == 1
    assert MediaStream().receive(b"{}") == [Violation(1003, "binary message")]


@pytest.mark.parametrize("unit", ["x", "ä", "\ud800"])
def test_the_size_limit_counts_bytes(unit: str) -> None:
    width = len(unit.encode("utf-8", "replace"))
    stream = running()
    assert stream.receive(unit * (MAX_MESSAGE // width)) == []
    (violation,) = stream.receive(unit * (MAX_MESSAGE // width + 1))
    assert isinstance(violation, Violation)
    assert violation.close_code == 1009
    assert send(stream, media()) == []  # nothing is taken after a violation


def test_a_flood_of_bad_messages_closes_and_a_good_one_forgives() -> None:
    stream = running()
    for _ in range(BAD_LIMIT - 1):
        assert stream.receive("{") == []
    assert len(send(stream, media())) == 1
    for _ in range(BAD_LIMIT - 1):
        assert stream.receive("{") == []
    (violation,) = stream.receive("{")
    assert isinstance(violation, Violation)
    assert violation.close_code == 1008
    assert len(violation.reason.encode()) <= 123


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"streamSid": 5}, 1008),
        ({"streamSid": ""}, 1008),
        ({"streamSid": "MZ" + "x" * 200}, 1008),
        ({"streamSid": 'MZ"},'}, 1008),
        ({"streamSid": "MZother"}, 1008),  # differs from the outer one
        ({"callSid": None}, 1008),
        ({"callSid": 12}, 1008),
        ({"callSid": "CA/../x"}, 1008),
        ({"mediaFormat": {"encoding": "audio/l16", "sampleRate": 8000, "channels": 1}}, 1003),
        ({"mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 16000}}, 1003),
        ({"mediaFormat": {"channels": 2}}, 1003),
        ({"mediaFormat": []}, 1003),
    ],
)
def test_a_start_that_cannot_be_used_closes(changes: Mapping[str, Any], code: int) -> None:
    stream = MediaStream()
    (violation,) = send(stream, start(**changes))
    assert isinstance(violation, Violation)
    assert violation.close_code == code
    assert send(stream, start()) == []


def test_a_start_may_be_bare() -> None:
    stream = MediaStream()
    (started,) = send(stream, {"event": "start", "streamSid": SID, "start": {"callSid": CALL}})
    assert started == Started(SID, CALL, "", {}, ())


def test_parameters_of_wrong_types_are_counted_and_left_out() -> None:
    stream = MediaStream()
    given_parameters = {"token": "t", "n": 5, "x": None, "y": [1]}
    (started,) = send(stream, start(customParameters=given_parameters, tracks=["inbound", 3]))
    assert isinstance(started, Started)
    assert started.parameters == {"token": "t", "n": "5"}
    assert started.tracks == ("inbound",)
    assert stream.counters.bad == 2


def test_a_second_start_of_this_stream_is_ignored_and_of_another_closes() -> None:
    stream = running()
    assert send(stream, start()) == []
    assert stream.counters.misplaced == 1
    other = start(streamSid="MZother") | {"streamSid": "MZother"}
    (violation,) = send(stream, other)
    assert isinstance(violation, Violation)
    assert violation.close_code == 1008


def test_messages_out_of_place_are_counted() -> None:
    stream = MediaStream()
    assert send(stream, media()) == []
    assert send(stream, {"event": "stop"}) == []
    assert stream.counters.misplaced == 2
    send(stream, start())
    assert send(stream, {"event": "connected"}) == []
    assert send(stream, {"event": "stop", "streamSid": SID}) == [Stopped()]
    for late in (media(), start(), {"event": "stop"}, {"event": "mark", "mark": {"name": "s"}}):
        assert send(stream, late) == []
    assert stream.counters.misplaced == 7


def test_unknown_events_are_counted_and_ignored_at_any_time() -> None:
    stream = MediaStream()
    assert send(stream, {"event": "novelty"}) == []
    send(stream, start())
    assert send(stream, {"event": "Media"}) == []
    assert stream.counters.unknown == 2
    assert stream.counters.bad == 0


def test_what_is_sent_is_what_twilio_reads() -> None:
    stream = running()
    assert json.loads(stream.encode_media(FRAME)) == {
        "event": "media",
        "streamSid": SID,
        "media": {"payload": base64.b64encode(FRAME).decode()},
    }
    assert json.loads(stream.encode_clear()) == {"event": "clear", "streamSid": SID}


@settings(deadline=None)
@given(st.text())
def test_any_mark_name_survives(name: str) -> None:
    message = json.loads(running().encode_mark(name))
    assert message == {"event": "mark", "streamSid": SID, "mark": {"name": name}}


def test_nothing_can_be_sent_before_the_stream_starts() -> None:
    stream = MediaStream()
    with pytest.raises(TelephonyError, match="has not started"):
        stream.encode_media(FRAME)
    with pytest.raises(TelephonyError, match="has not started"):
        stream.encode_mark("s")
    with pytest.raises(TelephonyError, match="has not started"):
        stream.encode_clear()


KEYS = st.sampled_from(
    [
        "event",
        "streamSid",
        "sequenceNumber",
        "start",
        "media",
        "mark",
        "dtmf",
        "stop",
        "callSid",
        "customParameters",
        "mediaFormat",
        "tracks",
        "payload",
        "timestamp",
        "chunk",
        "track",
        "digit",
        "name",
    ]
)
VALUES = JSON | st.sampled_from(
    ["connected", "start", "media", "mark", "dtmf", "stop", SID, CALL, "QUJD", "inbound", "1"]
)
NEARLY = st.dictionaries(KEYS, VALUES | st.dictionaries(KEYS, VALUES, max_size=6), max_size=6)


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(),
            st.binary(),
            JSON.map(json.dumps),
            NEARLY.map(json.dumps),
            st.builds(lambda changes: json.dumps(start(**changes)), NEARLY),
            st.builds(lambda changes: json.dumps(media(**changes)), NEARLY),
        ),
        max_size=20,
    )
)
def test_whatever_comes_nothing_is_raised_and_what_comes_out_is_well_formed(
    messages: list[str | bytes],
) -> None:
    stream = MediaStream()
    for message in messages:
        for event in stream.receive(message):
            if isinstance(event, Media):
                assert event.payload
                assert event.timestamp_ms >= 0
            elif isinstance(event, Violation):
                assert event.close_code in (1003, 1007, 1008, 1009)
                assert stream.receive(json.dumps(media())) == []
                stream.counters.messages -= 1
            elif isinstance(event, Mark):
                assert type(event.name) is str
    assert stream.counters.messages == len(messages)
