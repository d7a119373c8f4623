from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.errors import RecognizerLost
from voice_hitl.language import Expectation, Hypothesis, Word
from voice_hitl.speech.protocols import SpeakerMemory
from voice_hitl.speech.recognizer import (
    SEGMENT_HARD,
    SEGMENT_SOFT,
    Pcm,
    ProcessRecognizer,
    join,
)
from voice_hitl.speech.workers.pool import Watch, WorkerPool
from voice_hitl.speech.workers.process import EngineSpec

RATE = 8000
CALM = Watch()
QUICK = Watch(ping_every=0.05, hung_after=0.5)

Opening = Callable[..., AbstractAsyncContextManager[ProcessRecognizer]]


@pytest.fixture
def counter(toys: str) -> Opening:
    """Make a recognizer whose text is the number of samples it heard."""

    def make(
        *, final_within: float = 8.0, watch: Watch = CALM, leases_each: int = 8
    ) -> ProcessRecognizer:
        spec = EngineSpec(f"{toys}:load_counter")
        pool = WorkerPool(spec, size=1, leases_each=leases_each, watch=watch)
        return ProcessRecognizer("counter", pool, final_within=final_within)

    return make


class Partials:
    """What a listener was told, and a way to wait for the next."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.came = asyncio.Event()

    def __call__(self, hypothesis: Hypothesis) -> None:
        assert not hypothesis.final
        self.texts.append(hypothesis.text)
        self.came.set()

    async def next(self) -> None:
        self.came.clear()
        await asyncio.wait_for(self.came.wait(), 10)


def noise(seconds: float, seed: int = 0) -> Pcm:
    random = np.random.default_rng(seed)
    return random.integers(-8000, 8000, round(seconds * RATE)).astype(np.int16)


def silence(seconds: float) -> Pcm:
    return np.zeros(round(seconds * RATE), np.int16)


async def test_every_sample_is_heard_once_however_it_is_fed(counter: Opening) -> None:
    async with counter() as recognizer:
        partials = Partials()
        utterance = recognizer.open(partials)
        for length in (1, 159, 160, 161, 5000, 0, 7):
            utterance.feed(np.ones(length, np.int16))
        found = await utterance.finish()
        assert found == Hypothesis(
            "5488", 0.5, (Word("5488", 0.0, 5488 / RATE, 0.5),), ("other",), final=True
        )
        utterance.feed(noise(1))  # too late, and nobody minds
        utterance.cancel()
        assert recognizer.pool.leased == 0


async def test_partials_come_on_the_loop_and_end_with_the_utterance(counter: Opening) -> None:
    async with counter() as recognizer:
        partials = Partials()
        utterance = recognizer.open(partials)
        utterance.feed(noise(0.12))
        await partials.next()
        utterance.feed(noise(0.12))
        await partials.next()
        assert partials.texts == ["960", "1920"]
        utterance.feed(noise(0.5))
        await utterance.finish()
        heard = len(partials.texts)
        await recognizer.open(partials).finish()
        assert len(partials.texts) == heard


async def test_an_expectation_and_the_callers_voice_reach_the_decoder(counter: Opening) -> None:
    async with counter() as recognizer:
        memory = SpeakerMemory()
        for expected in ("+", "++"):
            utterance = recognizer.open(Partials(), Expectation(("yes", "no")), memory)
            utterance.feed(noise(1))
            await utterance.finish()
            assert memory.state == expected


async def test_utterances_queue_with_their_audio_while_all_decoders_are_busy(
    counter: Opening,
) -> None:
    async with counter(leases_each=1) as recognizer:
        utterances = [recognizer.open(Partials()) for _ in range(3)]
        assert recognizer.pool.waiting == 2
        for number, utterance in enumerate(utterances, 1):
            utterance.feed(noise(number))
        found = await asyncio.gather(*(u.finish() for u in utterances))
        assert [h.text for h in found] == ["8000", "16000", "24000"]


async def test_a_cancelled_utterance_leaves_the_line(counter: Opening) -> None:
    async with counter(leases_each=1) as recognizer:
        first, second = recognizer.open(Partials()), recognizer.open(Partials())
        second.cancel()
        second.cancel()
        assert (recognizer.pool.leased, recognizer.pool.waiting) == (1, 0)
        first.cancel()
        assert recognizer.pool.leased == 0


async def test_a_killed_worker_costs_no_word(counter: Opening) -> None:
    async with counter() as recognizer:
        partials = Partials()
        utterance = recognizer.open(partials)
        utterance.feed(noise(1))
        await partials.next()
        os.kill(recognizer.pool.pids[0], signal.SIGKILL)
        utterance.feed(noise(1))
        await partials.next()
        utterance.feed(noise(0.5))
        assert (await utterance.finish()).text == "20000"


async def test_all_workers_killed_at_once_cost_no_word(toys: str) -> None:
    pool = WorkerPool(EngineSpec(f"{toys}:load_counter"), size=2)
    async with ProcessRecognizer("counter", pool) as recognizer:
        partials = Partials()
        utterances = [recognizer.open(partials) for _ in range(4)]
        for utterance in utterances:
            utterance.feed(noise(1))
        await partials.next()
        for pid in pool.pids:
            os.kill(pid, signal.SIGKILL)
        for utterance in utterances:
            utterance.feed(noise(1))
        found = await asyncio.gather(*(utterance.finish() for utterance in utterances))
        assert [h.text for h in found] == ["16000"] * 4
        assert pool.restarts == 2


async def test_a_worker_killed_while_finishing_costs_no_word(counter: Opening) -> None:
    async with counter() as recognizer:
        utterance = recognizer.open(Partials())
        utterance.feed(noise(1))
        os.kill(recognizer.pool.pids[0], signal.SIGSTOP)
        finishing = asyncio.ensure_future(utterance.finish())
        await asyncio.sleep(0)
        os.kill(recognizer.pool.pids[0], signal.SIGKILL)
        assert (await finishing).text == "8000"


async def test_a_second_loss_is_told(counter: Opening) -> None:
    async with counter() as recognizer:
        utterance = recognizer.open(Partials(), Expectation(("die",)))
        utterance.feed(noise(1))
        with pytest.raises(RecognizerLost, match="lost twice, at last because it died"):
            await utterance.finish()
        well = recognizer.open(Partials())
        well.feed(noise(1))
        assert (await well.finish()).text == "8000"


async def test_a_decoder_that_fails_twice_is_told_and_the_worker_lives(counter: Opening) -> None:
    async with counter() as recognizer:
        pids = recognizer.pool.pids
        utterance = recognizer.open(Partials(), Expectation(("fail",)))
        utterance.feed(noise(1))
        with pytest.raises(RecognizerLost, match="the decoder choked"):
            await utterance.finish()
        assert recognizer.pool.pids == pids


async def test_a_worker_that_hangs_is_replaced_and_others_lose_nothing(counter: Opening) -> None:
    async with counter(watch=QUICK) as recognizer:
        well = recognizer.open(Partials())
        well.feed(noise(2))
        bad = recognizer.open(Partials(), Expectation(("hang",)))
        bad.feed(noise(1))
        await asyncio.sleep(0)
        assert (await well.finish()).text == "16000"
        bad.cancel()


async def test_a_text_that_takes_too_long_is_given_up(counter: Opening) -> None:
    async with counter(final_within=0.2) as recognizer:
        utterance = recognizer.open(Partials(), Expectation(("hang",)))
        utterance.feed(noise(1))
        with pytest.raises(RecognizerLost, match=r"within 0\.2 s"):
            await utterance.finish()
        assert recognizer.pool.leased == 0


async def test_a_cancelled_finish_gives_the_decoder_back(counter: Opening) -> None:
    async with counter() as recognizer:
        utterance = recognizer.open(Partials(), Expectation(("hang",)))
        utterance.feed(noise(1))
        finishing = asyncio.ensure_future(utterance.finish())
        await asyncio.sleep(0)
        finishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await finishing
        assert recognizer.pool.leased == 0


async def test_closing_ends_what_is_open_and_opens_nothing_more(counter: Opening) -> None:
    async with counter() as recognizer:
        utterance = recognizer.open(Partials())
        utterance.feed(noise(1))
        await recognizer.aclose()
        for ended in (utterance, recognizer.open(Partials())):
            ended.feed(noise(1))
            with pytest.raises(RecognizerLost, match="closed"):
                await ended.finish()


async def test_long_speech_is_cut_where_it_is_quiet(counter: Opening) -> None:
    async with counter() as recognizer:
        utterance = recognizer.open(Partials())
        spoken = [noise(SEGMENT_SOFT + 1), silence(0.3), noise(2)]
        whole = np.concatenate(spoken)
        for at in range(0, len(whole), 160):
            utterance.feed(whole[at : at + 160])
            await asyncio.sleep(0)
        found = await utterance.finish()
        first, second = (int(part) for part in found.text.split())
        assert first + second == len(whole)
        assert 0 <= first / RATE - (SEGMENT_SOFT + 1) <= 0.3
        assert found.words[1].start == pytest.approx(first / RATE)
        assert found.confidence == 0.25
        assert found.alternatives == (f"{first} other",)


async def test_speech_without_a_pause_is_cut_at_the_limit(counter: Opening) -> None:
    async with counter() as recognizer:
        partials = Partials()
        utterance = recognizer.open(partials)
        for _ in range(35):
            utterance.feed(noise(1))
        assert (await utterance.finish()).text == f"{int(SEGMENT_HARD * RATE)} {5 * RATE}"
        assert utterance.dropped == 0


async def test_an_outtalked_recognizer_keeps_a_bounded_backlog(counter: Opening) -> None:
    async with counter(leases_each=1, final_within=5) as recognizer:
        blocking = recognizer.open(Partials())
        utterance = recognizer.open(Partials())
        for _ in range(70):
            utterance.feed(noise(1))
        assert utterance.dropped == 70 - 2 * SEGMENT_HARD
        blocking.cancel()
        limit = int(SEGMENT_HARD * RATE)
        assert (await utterance.finish()).text == f"{limit} {limit}"


parts = st.lists(
    st.builds(
        Hypothesis,
        text=st.sampled_from(["", "yes", "my card"]),
        confidence=st.floats(0, 1),
        words=st.lists(
            st.builds(
                Word,
                text=st.just("w"),
                start=st.floats(0, 10),
                end=st.floats(10, 20),
                confidence=st.just(1.0),
            ),
            max_size=3,
        ).map(tuple),
        alternatives=st.lists(st.sampled_from(["no", "hi"]), max_size=2).map(tuple),
    ),
    min_size=1,
    max_size=4,
)


@given(parts)
def test_joined_hypotheses_keep_every_word_in_its_place(found: list[Hypothesis]) -> None:
    starts = [30.0 * i for i in range(len(found))]
    whole = join(found, starts, final=True)
    assert whole.final
    assert whole.text.split() == [word for part in found for word in part.text.split()]
    assert len(whole.words) == sum(len(part.words) for part in found)
    assert all(0 <= word.start <= word.end <= starts[-1] + 20 for word in whole.words)
    assert 0 <= whole.confidence <= 1
    assert len(whole.alternatives) == len(found[-1].alternatives)
