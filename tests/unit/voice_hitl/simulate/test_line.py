from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from voice_hitl.simulate.record import CallRecord
from voice_hitl.simulate.verify import contains_clip
from voice_hitl.simulate.wav import read_wav

DONE = {"wait": "agent_done"}
HELLO = {"say": "hello.wav", "text": "hello"}
LONG = {"say": "long.wav", "text": "a long story"}
Make = Callable[..., Any]
Call = Callable[..., Awaitable[CallRecord]]


def kinds(record: CallRecord) -> list[str]:
    return [event.kind for event in record.events]


async def test_frames_keep_an_absolute_clock(call: Call, talker: Make, scenario: Make) -> None:
    async with talker(answers=[]).serving() as url:
        record = await call(scenario({"wait": 3}, {"hangup": {}}), url)
    assert record.origin is not None
    hangup = next(event.at for event in record.events if event.kind == "hangup")
    assert record.frames_sent == pytest.approx((hangup - record.origin) / 0.02, abs=6)


async def test_noise_runs_under_the_whole_call(
    call: Call, talker: Make, scenario: Make, tmp_path: Path
) -> None:
    server = talker(answers=[])
    noise = {"wav": "noise.wav", "snr_db": 12}
    async with server.serving() as url:
        record = await call(scenario({"wait": 0.2}, HELLO, noise=noise), url)
    assert b"\xff" * 160 not in record.said
    assert 0.8 < contains_clip(server.heard, read_wav(tmp_path / "hello.wav")) < 0.999


async def test_no_call_lasts_over_its_limit(call: Call, talker: Make, scenario: Make) -> None:
    async with talker().serving() as url:
        record = await call(scenario({"wait": 60}, limit=1), url)
    assert record.problems == ["the call lasted over 1 s"]


async def test_what_twilio_would_not_obey_spoils_the_call(
    call: Call, talker: Make, scenario: Make
) -> None:
    wrong = json.dumps({"event": "clear", "streamSid": "MZother"})
    async with talker(raw=[wrong], close_after=1).serving() as url:
        record = await call(scenario(DONE, HELLO), url)
    assert not record.ok
    assert "another stream" in record.faults[0]


async def test_the_agent_is_done_when_all_is_heard_and_it_has_been_quiet(
    call: Call, talker: Make, scenario: Make, voice: Make
) -> None:
    pausing = voice(0.4, seed=7) + b"\xff" * 4800 + voice(0.4, seed=8)  # 0.6 s of thinking
    patient: tuple[dict[str, Any], ...] = ({**DONE, "quiet": 1.0}, {"dtmf": "1"}, {"hangup": {}})
    server = talker(greeting=pausing, answers=[])
    async with server.serving() as url:
        record = await call(scenario(DONE, {"dtmf": "1"}, {"hangup": {}}), url)
        longer = await call(scenario(*patient), url)
    for made, quiet in ((record, 0.4), (longer, 1.0)):
        pressed = next(event.at for event in made.events if event.kind == "dtmf")
        assert len(made.bursts) == 2  # the pause is no end: the mark behind it was still out
        assert pressed - made.bursts[-1].end == pytest.approx(quiet, abs=0.15)


async def test_speech_that_goes_on_through_the_callers_own_is_waited_for(
    call: Call, talker: Make, scenario: Make, voice: Make
) -> None:
    server = talker(greeting=voice(3.0, seed=7), barge_in=False, answers=[])
    async with server.serving() as url:
        record = await call(
            scenario({**HELLO, "interrupt": True}, DONE, {"dtmf": "1"}, {"hangup": {}}), url
        )
    pressed = next(event.at for event in record.events if event.kind == "dtmf")
    (burst,) = record.bursts
    assert pressed >= burst.end + 0.4
    assert record.utterances[0].answered_at is None


async def test_nobody_hears_what_comes_after_the_end(
    call: Call, talker: Make, scenario: Make, voice: Make
) -> None:
    server = talker(greeting=voice(30.0, seed=7), answers=[])
    async with server.serving() as url:
        record = await call(scenario({"wait": 0.5}, {"hangup": {}}), url)
    hangup = next(event.at for event in record.events if event.kind == "hangup")
    assert record.origin is not None
    assert len(record.heard) / 8000 <= hangup - record.origin + 1 / 8000
    assert record.bursts[-1].end <= hangup + 1 / 8000
    assert server.marks == []
