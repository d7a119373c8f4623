from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from difflib import SequenceMatcher
from typing import Protocol

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from voice_hitl.errors import RecognizerLost
from voice_hitl.language import Expectation, Hypothesis
from voice_hitl.speech.protocols import Recognizer, SpeakerMemory, Utterance
from voice_hitl.speech.recognizer import ProcessRecognizer
from voice_hitl.speech.workers.pool import Watch

Pcm = NDArray[np.int16]
Said = Callable[[str], Pcm]
Recognizers = Callable[..., ProcessRecognizer]

pytestmark = pytest.mark.asyncio(loop_scope="module")

CARD = "i lost my credit card yesterday"
TRANSFER = "please transfer fifty dollars to my savings account"


class Partials:
    """What a listener was told, and a way to wait for the next."""

    def __init__(self) -> None:
        self.told: list[Hypothesis] = []
        self.came = asyncio.Event()

    def __call__(self, hypothesis: Hypothesis) -> None:
        self.told.append(hypothesis)
        self.came.set()

    async def next(self) -> None:
        self.came.clear()
        await asyncio.wait_for(self.came.wait(), 30)


class Backend(Protocol):
    """What the conftest says of an engine."""

    understands: bool
    learns: bool


def understood(backend: Backend, found: Hypothesis, said: str) -> bool:
    """Tell whether most words came through; how many exactly is for evaluations to say."""
    same = SequenceMatcher(None, said.split(), found.text.split(), autojunk=False).ratio()
    return same > 0.7 or not backend.understands


def feed(utterance: Utterance, pcm: Pcm) -> None:
    """Feed as a call does: 20 ms at a time."""
    for at in range(0, len(pcm), 160):
        utterance.feed(pcm[at : at + 160])


async def recognize(recognizer: Recognizer, pcm: Pcm) -> Hypothesis:
    utterance = recognizer.open(lambda _: None)
    feed(utterance, pcm)
    return await utterance.finish()


async def test_an_utterance_becomes_text_with_words_in_time_and_confidences(
    recognizer: ProcessRecognizer, said: Said, backend: Backend
) -> None:
    pcm = said(TRANSFER)
    found = await recognize(recognizer, pcm)
    assert found.final
    assert found.text
    assert understood(backend, found, TRANSFER)
    assert 0 <= found.confidence <= 1
    assert found.words
    assert all(0 <= word.confidence <= 1 for word in found.words)
    assert all(0 <= w.start <= w.end <= len(pcm) / 8000 + 0.1 for w in found.words)
    starts = [word.start for word in found.words]
    assert starts == sorted(starts)
    assert found.text not in found.alternatives


async def test_partials_come_while_the_caller_speaks_and_never_after(
    recognizer: ProcessRecognizer, said: Said
) -> None:
    pcm = said(CARD)
    partials = Partials()
    utterance = recognizer.open(partials)
    feed(utterance, pcm[: len(pcm) // 2])
    await partials.next()
    feed(utterance, pcm[len(pcm) // 2 :])
    await partials.next()
    await utterance.finish()
    count = len(partials.told)
    await recognize(recognizer, pcm)
    assert len(partials.told) == count
    assert not any(hypothesis.final for hypothesis in partials.told)


@pytest.mark.parametrize("samples", [0, 1, 100])
async def test_next_to_nothing_is_recognized_as_nothing(
    recognizer: ProcessRecognizer, samples: int
) -> None:
    found = await recognize(recognizer, np.zeros(samples, np.int16))
    assert found.final
    assert found.text == ""
    assert found.words == ()


async def test_the_same_audio_gives_the_same_text_alone_or_in_a_crowd(
    recognizer: ProcessRecognizer, said: Said
) -> None:
    clips = [said(CARD), said(TRANSFER)]
    alone = [await recognize(recognizer, clip) for clip in clips]
    # More utterances than decoders: some wait in line, their audio kept, and catch up.
    crowd = await asyncio.gather(*(recognize(recognizer, clip) for clip in clips * 3))
    assert [h.text for h in crowd] == [h.text for h in alone] * 3
    assert recognizer.pool.leased == recognizer.pool.waiting == 0


async def test_a_cancelled_utterance_leaves_no_mark_on_the_next(
    recognizer: ProcessRecognizer, said: Said
) -> None:
    alone = await recognize(recognizer, said(CARD))
    for _ in range(3):
        utterance = recognizer.open(lambda _: None)
        feed(utterance, said(TRANSFER))
        utterance.cancel()
        utterance.cancel()
    assert (await recognize(recognizer, said(CARD))).text == alone.text


async def test_a_hint_is_taken_and_never_silences_the_rest(
    recognizer: ProcessRecognizer, said: Said, backend: Backend
) -> None:
    utterance = recognizer.open(lambda _: None, Expectation(("yes", "no", "savings account")))
    feed(utterance, said(CARD))
    found = await utterance.finish()
    assert found.text
    assert understood(backend, found, CARD)


async def test_what_is_learnt_of_a_caller_is_kept_for_the_same_caller(
    recognizer: ProcessRecognizer, said: Said, backend: Backend
) -> None:
    memory = SpeakerMemory()
    for _ in range(3):
        utterance = recognizer.open(lambda _: None, Expectation(), memory)
        feed(utterance, said(CARD))
        assert understood(backend, await utterance.finish(), CARD)
    assert (memory.state != "") == backend.learns


async def test_a_worker_killed_in_mid_sentence_costs_no_word(
    recognizers: Recognizers, said: Said
) -> None:
    pcm = said(TRANSFER)
    async with recognizers() as recognizer:
        alone = await recognize(recognizer, pcm)
        partials = Partials()
        utterance = recognizer.open(partials)
        feed(utterance, pcm[: len(pcm) // 2])
        await partials.next()
        os.kill(recognizer.pool.pids[0], signal.SIGKILL)
        feed(utterance, pcm[len(pcm) // 2 :])
        assert (await utterance.finish()).text == alone.text
        assert recognizer.pool.restarts == 1


async def test_a_worker_that_hangs_in_mid_sentence_costs_no_word(
    recognizers: Recognizers, said: Said, backend: Backend
) -> None:
    pcm = said(CARD)
    async with recognizers(watch=Watch(ping_every=0.1, hung_after=2)) as recognizer:
        alone = await recognize(recognizer, pcm)
        utterance = recognizer.open(lambda _: None)
        feed(utterance, pcm[: len(pcm) // 2])
        stopped = recognizer.pool.pids[0]
        os.kill(stopped, signal.SIGSTOP)
        feed(utterance, pcm[len(pcm) // 2 :])
        assert (await utterance.finish()).text == alone.text
        assert not psutil.pid_exists(stopped)


async def test_closing_is_quick_and_tells_who_still_waits(
    recognizers: Recognizers, said: Said
) -> None:
    async with recognizers(leases_each=1) as recognizer:
        utterances = [recognizer.open(lambda _: None) for _ in range(2)]
        for utterance in utterances:
            feed(utterance, said(CARD))
        pids = recognizer.pool.pids
        began = time.monotonic()
        await recognizer.aclose()
        assert time.monotonic() - began < 1
        assert not any(psutil.pid_exists(pid) for pid in pids)
        for utterance in utterances:
            with pytest.raises(RecognizerLost, match="closed"):
                await utterance.finish()
