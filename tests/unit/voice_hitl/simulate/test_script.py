from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from voice_hitl.simulate.record import CallRecord, Ending
from voice_hitl.simulate.script import Spoken
from voice_hitl.simulate.verify import contains_clip

DONE = {"wait": "agent_done"}
HELLO = {"say": "hello.wav", "text": "hello"}
LONG = {"say": "long.wav", "text": "a long story"}
Make = Callable[..., Any]
Call = Callable[..., Awaitable[CallRecord]]


def kinds(record: CallRecord) -> list[str]:
    return [event.kind for event in record.events]


async def test_interrupting_drops_the_rest_and_returns_its_mark(
    call: Call, talker: Make, scenario: Make, voice: Make
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


async def test_hanging_up_in_mid_word(call: Call, talker: Make, scenario: Make) -> None:
    server = talker()
    async with server.serving() as url:
        record = await call(scenario(DONE, LONG, {"hangup": {"after": 0.7}}), url)
        await server.all_gone.wait()
    assert (record.ok, record.ending) == (True, Ending.CALLER)
    (utterance,) = record.utterances
    assert utterance.cut
    assert utterance.speech_end == pytest.approx(utterance.started + 0.7, abs=0.061)
    assert server.stopped == 1
    assert len(server.heard) == 160 * record.frames_sent <= len(record.said)
    assert server.forms[1] == ("/twilio/after", {**server.forms[1][1], "CallStatus": "completed"})
    assert [status.status for status in server.statuses] == ["completed"]


async def test_hanging_up_after_a_recording_and_in_silence(
    call: Call, talker: Make, scenario: Make
) -> None:
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


async def test_keys_are_pressed_in_their_order(call: Call, talker: Make, scenario: Make) -> None:
    server = talker()
    async with server.serving() as url:
        record = await call(scenario({"dtmf": "10#"}, {"hangup": {}}), url)
    assert server.digits == "10#"
    assert kinds(record).count("dtmf") == 3


async def test_a_quiet_caller_hangs_up_after_lingering(
    call: Call, talker: Make, scenario: Make
) -> None:
    async with talker(answers=[]).serving() as url:
        record = await call(scenario(DONE, linger=1.5), url)
    assert (record.ok, record.ending) == (True, Ending.CALLER)
    hangup = next(event.at for event in record.events if event.kind == "hangup")
    assert hangup - record.bursts[-1].end == pytest.approx(1.5, abs=0.2)


@pytest.mark.parametrize(
    ("waited", "complaint"),
    [
        ({"wait": "agent_done", "timeout": 1}, "waited 1 s in vain for agent_done"),
        ({"wait": "agent_speaking", "timeout": 1}, "waited 1 s in vain for agent_speaking"),
    ],
)
async def test_a_caller_who_waits_in_vain_gives_up(
    call: Call, talker: Make, scenario: Make, waited: dict[str, Any], complaint: str
) -> None:
    async with talker(greeting=b"\xff" * 160).serving() as url:
        record = await call(scenario(waited, HELLO), url)
    assert record.problems == [complaint]
    assert (record.ok, record.ending, record.utterances) == (False, Ending.CALLER, [])


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
    call: Call, talker: Make, scenario: Make, lines: list[tuple[str, str]], said: int, digits: str
) -> None:
    server, view = talker(answers=[]), View(lines)
    async with server.serving() as url:
        record = await call(scenario(DONE, FORK), url, view=view)
    assert (len(record.utterances), server.digits) == (said, digits)
    assert view.asked == {record.call_sid}


@pytest.mark.parametrize(
    ("lines", "problems"),
    [
        ([("caller", "pay", None), ("agent", "What Else?", "What Else?")], []),
        ([("caller", "pay", None), ("agent", "What else?", None)], ["for what else or more"]),
        ([("caller", "pay", None), ("agent", "What else?", "What")], ["for what else or more"]),
        (
            [("agent", "What else?", "What else?"), ("caller", "pay", None)],
            ["for what else or more"],
        ),
    ],
)
async def test_the_caller_can_wait_until_they_have_heard_some_words(
    call: Call,
    talker: Make,
    scenario: Make,
    lines: list[tuple[str, str, str | None]],
    problems: list[str],
) -> None:
    view = View()
    view.lines = [Spoken(*line) for line in lines]
    words = {"wait": "agent_done", "hears": ["what else", "more"], "timeout": 1}
    async with talker(answers=[]).serving() as url:
        record = await call(scenario(words, {"hangup": {}}), url, view=view)
    assert record.problems == [f"waited 1 s in vain {each}" for each in problems]


async def test_the_caller_can_wait_for_a_person(call: Call, talker: Make, scenario: Make) -> None:
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
