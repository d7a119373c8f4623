from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from voice_hitl.errors import ScenarioError
from voice_hitl.simulate.caller import SimulatedCaller
from voice_hitl.simulate.record import CallRecord, Ending
from voice_hitl.simulate.scenario import Scenario
from voice_hitl.simulate.script import ServerView, Spoken
from voice_hitl.simulate.ticker import Ticker
from voice_hitl.simulate.verify import HEARD, contains_clip, find_clip
from voice_hitl.simulate.wav import read_stereo, read_wav
from voice_hitl.simulate.webhook import Target

RATE = 6.0  # the simulation's seconds a real second; the test server keeps no time
PUBLIC = "https://voice.example.com"
HELLO = {"say": "hello.wav", "text": "hello"}
LONG = {"say": "long.wav", "text": "a long story"}
DONE = {"wait": "agent_done"}
Make = Callable[..., Any]


async def call(
    scenario: Scenario, url: str, *, view: ServerView | None = None, **fields: Any
) -> CallRecord:
    record_to = fields.pop("record_to", None)
    ticker = Ticker(rate=RATE)
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
        beat = tasks.create_task(ticker.run())
        try:
            return await SimulatedCaller(
                scenario,
                Target(url, **fields),
                ticker=ticker,
                session=session,
                view=view,
                record_to=record_to,
            ).run()
        finally:
            beat.cancel()


def kinds(record: CallRecord) -> list[str]:
    return [event.kind for event in record.events]


async def test_a_whole_call_that_the_server_ends(
    talker: Make, scenario: Make, tmp_path: Path
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
    talker: Make, scenario: Make
) -> None:
    server = talker(close_after=1, public_url=PUBLIC, auth_token="s3cret")
    async with server.serving() as url:
        record = await call(scenario(DONE, HELLO), url, public_url=PUBLIC, auth_token="s3cret")
        wrong = await call(scenario(DONE, HELLO), url, public_url=PUBLIC, auth_token="wrong")
    assert (record.ok, record.ending) == (True, Ending.SERVER)
    assert wrong.ending is Ending.REFUSED
    assert "HTTP 403" in wrong.problems[0]
    assert "twilio.auth_token" in wrong.problems[0]


async def test_interrupting_drops_the_rest_and_returns_its_mark(
    talker: Make, scenario: Make, voice: Make
) -> None:
    server = talker(greeting=voice(5.0, seed=7), barge_in=True, close_after=1)
    async with server.serving() as url:
        record = await call(scenario({**HELLO, "interrupt": True}), url)
    assert record.ok
    (cleared,) = record.clears
    greeting, answer = record.bursts
    (utterance,) = record.utterances
    assert utterance.started == pytest.approx(greeting.start + 0.8, abs=0.1)
    assert utterance.speech[0][0] < cleared < utterance.speech_end
    assert greeting.end == pytest.approx(cleared, abs=0.001)
    assert server.marks == ["greeting", "answer 1"]
    assert utterance.answered_at == answer.start
    heard = record.heard[: round((cleared - greeting.start) * 8000)]
    assert contains_clip(record.heard, server.greeting) < 0.5
    assert contains_clip(heard, server.greeting[: len(heard) - 800]) > 0.95


async def test_hanging_up_in_mid_word(talker: Make, scenario: Make) -> None:
    server = talker()
    async with server.serving() as url:
        record = await call(scenario(DONE, LONG, {"hangup": {"after": 0.7}}), url)
        await server.all_gone.wait()
    assert (record.ok, record.ending) == (True, Ending.CALLER)
    (utterance,) = record.utterances
    assert utterance.cut
    assert utterance.speech_end == pytest.approx(utterance.started + 0.7, abs=0.061)
    assert server.stopped == 1
    assert len(server.heard) == len(record.said) == 160 * record.frames_sent
    assert server.forms[1] == ("/twilio/after", {**server.forms[1][1], "CallStatus": "completed"})
    assert [status.status for status in server.statuses] == ["completed"]


async def test_hanging_up_after_a_recording_and_in_silence(talker: Make, scenario: Make) -> None:
    async with talker(answers=[]).serving() as url:
        whole = await call(scenario(HELLO, {"hangup": {}}), url)
        silent = await call(scenario({"wait": 0.5}, {"hangup": {"after": 0.5}}), url)
    assert not whole.utterances[0].cut
    assert whole.origin is not None
    assert whole.frames_sent >= 50
    assert silent.origin is not None
    hangup = next(event.at for event in silent.events if event.kind == "hangup")
    assert hangup - silent.origin == pytest.approx(1.0, abs=0.2)
    assert (whole.ending, silent.ending) == (Ending.CALLER, Ending.CALLER)


async def test_keys_are_pressed_in_their_order(talker: Make, scenario: Make) -> None:
    server = talker()
    async with server.serving() as url:
        record = await call(scenario({"dtmf": "10#"}, {"hangup": {}}), url)
    assert server.digits == "10#"
    assert kinds(record).count("dtmf") == 3


async def test_frames_keep_an_absolute_clock(talker: Make, scenario: Make) -> None:
    async with talker(answers=[]).serving() as url:
        record = await call(scenario({"wait": 3}, {"hangup": {}}), url)
    assert record.origin is not None
    hangup = next(event.at for event in record.events if event.kind == "hangup")
    assert record.frames_sent == pytest.approx((hangup - record.origin) / 0.02, abs=6)


async def test_a_quiet_caller_hangs_up_after_lingering(talker: Make, scenario: Make) -> None:
    async with talker(answers=[]).serving() as url:
        record = await call(scenario(DONE, linger=1.5), url)
    assert (record.ok, record.ending) == (True, Ending.CALLER)
    hangup = next(event.at for event in record.events if event.kind == "hangup")
    assert hangup - record.bursts[-1].end == pytest.approx(1.5, abs=0.2)


async def test_noise_runs_under_the_whole_call(
    talker: Make, scenario: Make, tmp_path: Path
) -> None:
    server = talker(answers=[])
    noise = {"wav": "noise.wav", "snr_db": 12}
    async with server.serving() as url:
        record = await call(scenario({"wait": 0.2}, HELLO, noise=noise), url)
    assert b"\xff" * 160 not in record.said
    assert 0.8 < contains_clip(server.heard, read_wav(tmp_path / "hello.wav")) < 0.999


@pytest.mark.parametrize(
    ("waited", "complaint"),
    [
        ({"wait": "agent_done", "timeout": 1}, "waited 1 s in vain for agent_done"),
        ({"wait": "agent_speaking", "timeout": 1}, "waited 1 s in vain for agent_speaking"),
    ],
)
async def test_a_caller_who_waits_in_vain_gives_up(
    talker: Make, scenario: Make, waited: dict[str, Any], complaint: str
) -> None:
    async with talker(greeting=b"\xff" * 160).serving() as url:
        record = await call(scenario(waited, HELLO), url)
    assert record.problems == [complaint]
    assert (record.ok, record.ending, record.utterances) == (False, Ending.CALLER, [])


async def test_no_call_lasts_over_its_limit(talker: Make, scenario: Make) -> None:
    async with talker().serving() as url:
        record = await call(scenario({"wait": 60}, limit=1), url)
    assert record.problems == ["the call lasted over 1 s"]


async def test_a_server_that_breaks_off_is_a_lost_call(talker: Make, scenario: Make) -> None:
    async with talker(crash_at_frame=10).serving() as url:
        record = await call(scenario({"wait": 10}), url)
    assert record.ending is Ending.LOST
    assert "closed with 1006" in record.problems[0]


async def test_a_refused_stream_leads_to_the_verbs_behind_it(talker: Make, scenario: Make) -> None:
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
    talker: Make, scenario: Make
) -> None:
    async with talker(accepting=False).serving() as url:
        full = await call(scenario(DONE), url)
    async with talker(unserved=True, close_after=1).serving() as url:
        given_up = await call(scenario(DONE, HELLO), url)
    assert (full.ok, full.ending, full.origin) == (True, Ending.FALLBACK, None)
    assert (given_up.ending, len(given_up.bursts)) == (Ending.FALLBACK, 2)


async def test_no_server_is_a_refused_call(scenario: Make) -> None:
    record = await call(scenario(DONE), "http://127.0.0.1:1")
    assert record.ending is Ending.REFUSED
    assert "http://127.0.0.1:1/twilio/voice" in record.problems[0]


async def test_what_twilio_would_not_obey_spoils_the_call(talker: Make, scenario: Make) -> None:
    wrong = json.dumps({"event": "clear", "streamSid": "MZother"})
    async with talker(raw=[wrong], close_after=1).serving() as url:
        record = await call(scenario(DONE, HELLO), url)
    assert not record.ok
    assert "another stream" in record.faults[0]


class View:
    """What a server would tell; `operator` after so many questions."""

    def __init__(self, lines: Sequence[tuple[str, str]] = (), operator_after: int = 0) -> None:
        self.lines = [Spoken(role, text) for role, text in lines]
        self.left = operator_after
        self.asked: set[str] = set()

    async def transcript(self, call_sid: str) -> Sequence[Spoken]:
        self.asked.add(call_sid)
        return self.lines

    async def state(self, call_sid: str) -> str:
        self.asked.add(call_sid)
        self.left -= 1
        return "operator" if self.left < 0 else "waiting"


FORK = {
    "if_agent_says": {
        "contains": ["your LIMIT", "too much"],
        "then": [HELLO, {"hangup": {}}],
        "else": [{"dtmf": "5"}, {"hangup": {}}],
    }
}


@pytest.mark.parametrize(
    ("lines", "said", "digits"),
    [
        ([("caller", "pay"), ("agent", "That is over"), ("agent", "your limit.")], 1, ""),
        ([("agent", "Hello."), ("caller", "pay"), ("agent", "Over your limit.")], 1, ""),
        ([("agent", "Over your limit."), ("caller", "pay"), ("agent", "Done.")], 0, "5"),
        ([("caller", "your limit"), ("system", "your limit")], 0, "5"),
        ([("operator", "That is too much.")], 1, ""),
        ([], 0, "5"),
    ],
)
async def test_what_the_agent_said_last_decides(
    talker: Make, scenario: Make, lines: list[tuple[str, str]], said: int, digits: str
) -> None:
    server, view = talker(answers=[]), View(lines)
    async with server.serving() as url:
        record = await call(scenario(DONE, FORK), url, view=view)
    assert (len(record.utterances), server.digits) == (said, digits)
    assert view.asked == {record.call_sid}


async def test_the_caller_can_wait_for_a_person(talker: Make, scenario: Make) -> None:
    steps: tuple[dict[str, Any], ...] = (
        {"wait": "operator", "timeout": 3},
        {"dtmf": "1"},
        {"hangup": {}},
    )
    async with talker().serving() as url:
        came = await call(scenario(*steps), url, view=View(operator_after=5))
        never = await call(scenario(*steps), url, view=View(operator_after=10_000))
    assert (came.ok, kinds(came).count("dtmf")) == (True, 1)
    assert never.problems == ["waited 3 s in vain for operator"]


async def test_a_scenario_that_depends_on_the_server_needs_a_view(scenario: Make) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(ScenarioError, match="depend on what the server knows"):
            SimulatedCaller(
                scenario(DONE, FORK), Target("http://x"), ticker=Ticker(), session=session
            )


def test_the_threshold_of_hearing_lies_between_the_two_cases(voice: Make) -> None:
    clips = [voice(1.5, seed=n) for n in range(6)]
    same = [contains_clip(clip, clip) for clip in clips]
    others = [contains_clip(a, b) for a in clips for b in clips if a is not b]
    assert max(others) < HEARD < min(same)
