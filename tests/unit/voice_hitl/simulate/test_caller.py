from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from voice_hitl.errors import ScenarioError
from voice_hitl.simulate.caller import SimulatedCaller
from voice_hitl.simulate.record import CallRecord, Ending
from voice_hitl.simulate.ticker import Ticker
from voice_hitl.simulate.verify import contains_clip, find_clip
from voice_hitl.simulate.wav import read_stereo, read_wav
from voice_hitl.simulate.webhook import Target

PUBLIC = "https://voice.example.com"
DONE = {"wait": "agent_done"}
HELLO = {"say": "hello.wav", "text": "hello"}
LONG = {"say": "long.wav", "text": "a long story"}
Make = Callable[..., Any]
Call = Callable[..., Awaitable[CallRecord]]


def kinds(record: CallRecord) -> list[str]:
    return [event.kind for event in record.events]


async def test_a_whole_call_that_the_server_ends(
    call: Call, talker: Make, scenario: Make, tmp_path: Path
) -> None:
    server = talker(close_after=1)
    async with server.serving() as url:
        record = await call(scenario(DONE, HELLO), url, record_to=tmp_path)
    assert (record.ok, record.ending, record.problems) == (True, Ending.SERVER, [])
    assert server.marks == ["greeting", "answer 1"]
    assert server.parameters["caller"] == "+15550100"
    assert [path for path, _ in server.forms] == [
        "/twilio/voice",
        "/twilio/after",
        "/twilio/status",
    ]
    voice_form, after_form, status_form = (form for _, form in server.forms)
    assert {form["CallSid"] for form in (voice_form, after_form, status_form)} == {record.call_sid}
    assert (voice_form["CallStatus"], after_form["CallStatus"]) == ("ringing", "in-progress")
    assert status_form["CallStatus"] == "completed"
    assert server.timestamps == list(range(0, 20 * len(server.timestamps), 20))
    # What each side said is what the other heard, and it is where the record says.
    hello = read_wav(tmp_path / "hello.wav")
    assert contains_clip(server.heard, hello) > 0.99
    left, right = read_stereo(record.recording or tmp_path)
    assert (left, right) == (record.said, record.heard)
    assert record.origin is not None
    (utterance,) = record.utterances
    assert find_clip(left, hello) == pytest.approx(utterance.started - record.origin, abs=0.001)
    for said, burst in zip([server.greeting, *server.answers], record.bursts, strict=True):
        assert find_clip(right, said) == pytest.approx(burst.start - record.origin, abs=0.02)
    # The answer comes 10 silent frames after the speech, not after the recording's silent end.
    assert utterance.speech_end == pytest.approx(utterance.started + 0.6, abs=0.03)
    assert utterance.latency is not None
    assert 0.1 < utterance.latency < 0.4
    assert kinds(record)[-1] == "verb"


async def test_a_signed_call_to_a_server_with_a_public_address(
    call: Call, talker: Make, scenario: Make
) -> None:
    server = talker(close_after=1, public_url=PUBLIC, auth_token="s3cret")
    async with server.serving() as url:
        record = await call(scenario(DONE, HELLO), url, public_url=PUBLIC, auth_token="s3cret")
        wrong = await call(scenario(DONE, HELLO), url, public_url=PUBLIC, auth_token="wrong")
    assert (record.ok, record.ending) == (True, Ending.SERVER)
    assert wrong.ending is Ending.REFUSED
    assert "HTTP 403" in wrong.problems[0]
    assert "twilio.auth_token" in wrong.problems[0]


async def test_a_server_that_breaks_off_is_a_lost_call(
    call: Call, talker: Make, scenario: Make
) -> None:
    async with talker(crash_at_frame=10).serving() as url:
        record = await call(scenario({"wait": 10}), url)
    assert record.ending is Ending.LOST
    assert "closed with 1006" in record.problems[0]


async def test_a_refused_stream_leads_to_the_verbs_behind_it(
    call: Call, talker: Make, scenario: Make
) -> None:
    async with talker(refuse_upgrade=True).serving() as url:
        record = await call(scenario(DONE), url)
    assert record.ending is Ending.FALLBACK
    assert "HTTP 503 no room" in record.problems[0]
    assert [event.detail for event in record.events if event.kind == "verb"] == [
        "Say Hello.",
        "Say Sorry.",
        "Dial +15550123",
    ]


async def test_a_full_server_and_one_that_gives_up_send_the_call_on(
    call: Call, talker: Make, scenario: Make
) -> None:
    async with talker(accepting=False).serving() as url:
        full = await call(scenario(DONE), url)
    async with talker(unserved=True, close_after=1).serving() as url:
        given_up = await call(scenario(DONE, HELLO), url)
    assert (full.ok, full.ending, full.origin) == (True, Ending.FALLBACK, None)
    assert (given_up.ending, len(given_up.bursts)) == (Ending.FALLBACK, 2)


async def test_no_server_is_a_refused_call(call: Call, scenario: Make) -> None:
    record = await call(scenario(DONE), "http://127.0.0.1:1")
    assert record.ending is Ending.REFUSED
    assert "http://127.0.0.1:1/twilio/voice" in record.problems[0]


async def test_a_scenario_that_depends_on_the_server_needs_a_view(
    call: Call, scenario: Make
) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(ScenarioError, match="depend on what the server knows"):
            SimulatedCaller(
                scenario({"wait": "operator"}), Target("http://x"), ticker=Ticker(), session=session
            )
