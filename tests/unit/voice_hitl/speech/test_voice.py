from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from voice_hitl.errors import ConfigError, SynthesisError
from voice_hitl.speech.voice import MAX_TEXT, ProcessSynthesizer, VoiceSettings
from voice_hitl.speech.workers.pool import Watch, WorkerPool
from voice_hitl.speech.workers.process import EngineSpec

CALM = Watch()


def toy(toys: str, watch: Watch = CALM, chunk_within: float = 4.0) -> ProcessSynthesizer:
    pool = WorkerPool(EngineSpec(f"{toys}:load_voice"), size=1, watch=watch)
    return ProcessSynthesizer("toy", pool, chunk_within=chunk_within)


async def listen(sentence: AsyncIterator[bytes]) -> list[bytes]:
    return [chunk async for chunk in sentence]


async def test_a_sentence_comes_in_chunks_and_ends(toys: str) -> None:
    async with toy(toys) as voice:
        sentence = voice.synthesize("one two three")
        assert await listen(sentence) == [b"one", b"two", b"three"]
        assert await listen(sentence) == []


async def test_many_sentences_at_once_do_not_mix(toys: str) -> None:
    async with toy(toys) as voice:
        texts = [f"{letter}1 {letter}2 {letter}3" for letter in "abcdefghijklmnop"]
        said = await asyncio.gather(*(listen(voice.synthesize(text)) for text in texts))
        assert [b" ".join(chunks).decode() for chunks in said] == texts


@pytest.mark.parametrize("text", ["", "  \n"])
async def test_nothing_to_say_yields_nothing(toys: str, text: str) -> None:
    async with toy(toys) as voice:
        assert await listen(voice.synthesize(text)) == []


async def test_a_voice_that_cannot_say_it_is_an_error(toys: str) -> None:
    async with toy(toys) as voice:
        sentence = voice.synthesize("fine then fail")
        with pytest.raises(SynthesisError, match="choked"):
            await listen(sentence)
        with pytest.raises(SynthesisError, match="choked"):
            await anext(sentence)
        assert await listen(voice.synthesize("well again")) == [b"well", b"again"]


async def test_a_text_without_end_is_refused(toys: str) -> None:
    async with toy(toys) as voice:
        with pytest.raises(SynthesisError, match="4001 characters"):
            await listen(voice.synthesize("x" * (MAX_TEXT + 1)))


async def test_a_sentence_that_kills_two_workers_is_given_up(toys: str) -> None:
    async with toy(toys) as voice:
        with pytest.raises(SynthesisError, match="lost twice"):
            await listen(voice.synthesize("one die"))
        assert await listen(voice.synthesize("one two")) == [b"one", b"two"]


async def test_a_worker_killed_before_or_in_a_sentence_costs_nothing(toys: str) -> None:
    async with toy(toys) as voice:
        os.kill(voice.pool.pids[0], signal.SIGSTOP)
        sentence = voice.synthesize("one two three")
        os.kill(voice.pool.pids[0], signal.SIGKILL)
        assert b"".join(await listen(sentence)) == b"onetwothree"


async def test_what_was_said_before_a_loss_is_not_said_again(toys: str) -> None:
    async with toy(toys, Watch(ping_every=0.05, hung_after=0.3), chunk_within=0.6) as voice:
        sentence = voice.synthesize("one two hang three")
        assert await anext(sentence) == b"one"
        assert await anext(sentence) == b"two"
        with pytest.raises(SynthesisError, match=r"within|lost twice"):
            await anext(sentence)


async def test_a_sentence_left_alone_holds_no_worker(toys: str) -> None:
    async with toy(toys) as voice:
        sentence = voice.synthesize("one hang")
        await anext(sentence)
        await sentence.aclose()  # type: ignore[attr-defined]
        assert voice.pool.leased == 0
        assert await listen(sentence) == []


async def test_a_closed_voice_says_so(toys: str) -> None:
    async with toy(toys) as voice:
        waiting = voice.synthesize("one hang")
        await anext(waiting)
        await voice.aclose()
        for sentence in (waiting, voice.synthesize("one")):
            with pytest.raises(SynthesisError, match="closed"):
                await listen(sentence)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rate", 79),
        ("rate", 401),
        ("pitch", -1),
        ("pitch_range", 100),
        ("level", -9.0),
        ("pause", -0.1),
    ],
)
def test_settings_out_of_range_name_the_setting(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"{name} must lie between"):
        VoiceSettings(**{name: value})  # type: ignore[arg-type]
