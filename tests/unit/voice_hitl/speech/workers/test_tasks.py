from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.errors import SynthesisError
from voice_hitl.language import Expectation, Hypothesis, Word
from voice_hitl.speech.workers.frames import Kind
from voice_hitl.speech.workers.tasks import (
    BLOCK,
    PARTIAL_EVERY,
    SHORTEST,
    Pcm,
    RecognitionEngine,
    RecognitionTask,
    Result,
    SpeechTask,
    Urgency,
    decode_opening,
    decode_result,
    encode_opening,
    encode_result,
)


class Recorder:
    """A decoder that remembers what it was given."""

    def __init__(self) -> None:
        self.slices: list[Pcm] = []
        self.cancelled = 0

    def start(self, expectation: Expectation, speaker: str) -> None:
        self.slices = []

    def feed(self, pcm: Pcm) -> None:
        self.slices.append(pcm)

    def partial(self) -> Hypothesis | None:
        return Hypothesis("so far")

    def finish(self) -> Hypothesis:
        return Hypothesis("all", final=True)

    def speaker(self) -> str:
        return "a low voice"

    def cancel(self) -> None:
        self.cancelled += 1


class Out:
    def __init__(self) -> None:
        self.sent: list[tuple[Kind, bytes]] = []

    def __call__(self, kind: Kind, payload: bytes) -> None:
        self.sent.append((kind, payload))


def run(task: RecognitionTask, out: Out) -> bool:
    while task.urgency() is not None:
        if task.step(out):
            return True
    return False


def task_of(decoder: Recorder, slice_samples: int = 1600) -> tuple[RecognitionTask, list[object]]:
    returned: list[object] = []
    return RecognitionTask(decoder, slice_samples, returned.append), returned


@given(st.lists(st.integers(0, 5000), max_size=20), st.booleans())
def test_the_decoder_gets_all_audio_in_the_same_blocks_however_it_arrives(
    lengths: list[int], at_once: bool
) -> None:
    decoder, out = Recorder(), Out()
    task, _ = task_of(decoder)
    whole = np.arange(sum(lengths), dtype=np.int64).astype(np.int16)
    at = 0
    for length in lengths:
        task.feed(whole[at : at + length].tobytes())
        at += length
        if not at_once:
            run(task, Out())
    task.finish()
    assert run(task, out)
    assert [kind for kind, _ in out.sent] == [Kind.FINAL]
    assert [len(piece) for piece in decoder.slices[:-1]] == [BLOCK] * (len(decoder.slices) - 1)
    assert np.array_equal(np.concatenate([np.zeros(0, np.int16), *decoder.slices]), whole)


def test_a_step_decodes_a_slice_and_no_more() -> None:
    task, _ = task_of(decoder := Recorder(), slice_samples=4 * BLOCK)
    task.feed(np.zeros(10 * BLOCK, np.int16).tobytes())
    fed = []
    while task.urgency() is Urgency.BACKLOG:
        task.step(Out())
        fed.append(len(decoder.slices))
    assert fed == [4, 8, 10]


def test_a_partial_is_made_only_of_enough_audio_and_with_none_waiting() -> None:
    task, _ = task_of(Recorder())
    out = Out()
    task.feed(np.zeros(PARTIAL_EVERY - 1, np.int16).tobytes())
    run(task, out)
    assert out.sent == []
    task.feed(np.zeros(1, np.int16).tobytes())
    assert task.urgency() is Urgency.BACKLOG
    task.step(out)
    assert task.urgency() is Urgency.PARTIAL
    run(task, out)
    assert [kind for kind, _ in out.sent] == [Kind.PARTIAL]


@pytest.mark.parametrize("samples", [0, 1, SHORTEST - 1])
def test_next_to_no_audio_is_nothing_without_asking_the_decoder(samples: int) -> None:
    task, _ = task_of(Recorder())
    out = Out()
    task.feed(np.zeros(samples, np.int16).tobytes())
    task.finish()
    run(task, out)
    assert decode_result(out.sent[0][1]).hypothesis == Hypothesis("", 0.0, final=True)


def test_last_words_come_before_everything_and_bring_no_partial() -> None:
    task, _ = task_of(Recorder())
    task.feed(np.zeros(4000, np.int16).tobytes())
    assert task.urgency() is Urgency.BACKLOG
    task.finish()
    assert task.urgency() is Urgency.LAST_WORDS
    out = Out()
    run(task, out)
    assert [kind for kind, _ in out.sent] == [Kind.FINAL]
    assert decode_result(out.sent[0][1]) == Result(Hypothesis("all", final=True), "a low voice")


def test_a_closed_task_gives_its_decoder_back_once_and_an_engine_lends_it_again() -> None:
    task, returned = task_of(decoder := Recorder())
    task.close()
    task.close()
    assert returned == [decoder]
    assert decoder.cancelled == 1

    made: list[Recorder] = []

    def make() -> Recorder:
        made.append(Recorder())
        return made[-1]

    engine = RecognitionEngine(make)
    first, second = (
        engine.open(encode_opening(Expectation(), "")),
        engine.open(b'{"phrases":[],"speaker":""}'),
    )
    assert len(made) == 2
    first.close()
    second.close()
    engine.open(encode_opening(Expectation(), "")).close()
    assert len(made) == 2


def test_a_sentence_gives_its_chunks_and_an_end() -> None:
    out = Out()
    task = SpeechTask(iter([b"one", b"two"]))
    while not task.step(out):
        pass
    assert out.sent == [(Kind.PARTIAL, b"one"), (Kind.PARTIAL, b"two"), (Kind.FINAL, b"")]


words = st.builds(
    Word,
    text=st.text(max_size=8),
    start=st.floats(0, 30),
    end=st.floats(0, 30),
    confidence=st.floats(0, 1),
)
hypotheses = st.builds(
    Hypothesis,
    text=st.text(max_size=20),
    confidence=st.floats(0, 1),
    words=st.lists(words, max_size=4).map(tuple),
    alternatives=st.lists(st.text(max_size=8), max_size=3).map(tuple),
    final=st.booleans(),
)


@given(hypotheses, st.text(max_size=10))
def test_results_survive_the_wire(hypothesis: Hypothesis, speaker: str) -> None:
    assert decode_result(encode_result(Result(hypothesis, speaker))) == Result(hypothesis, speaker)


@given(st.lists(st.text(max_size=8), max_size=4).map(tuple), st.text(max_size=8))
def test_openings_survive_the_wire(phrases: tuple[str, ...], speaker: str) -> None:
    payload = encode_opening(Expectation(phrases), speaker)
    assert decode_opening(payload) == (Expectation(phrases), speaker)


@pytest.mark.parametrize("payload", [b"", b"[]", b"{}", b'{"hypothesis":{}}', b'"x"'])
def test_what_is_no_result_is_told_by_name(payload: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        decode_result(payload)


def test_a_voice_that_fails_raises_where_the_worker_catches_it() -> None:
    def broken() -> object:
        raise SynthesisError("no")
        yield b""

    with pytest.raises(SynthesisError):
        SpeechTask(broken()).step(Out())  # type: ignore[arg-type]
