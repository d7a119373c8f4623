"""What needs no model; the model itself is in tests/contract/speech."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.errors import ConfigError
from voice_hitl.language import Expectation, Hypothesis, Word
from voice_hitl.speech import whisper
from voice_hitl.speech.workers.tasks import Pcm

words = st.lists(
    st.builds(
        Word,
        text=st.sampled_from(["the", "The,", "card", "yes", "balance", "is"]),
        start=st.just(0.0),
        end=st.just(1.0),
        confidence=st.floats(0, 1),
    ),
    max_size=6,
)


@given(words, st.booleans())
def test_a_confidence_is_a_probability_no_larger_than_any_content_words(
    found: list[Word], looping: bool
) -> None:
    value = whisper.confidence(found, looping=looping)
    assert 0 <= value <= 1
    for word in found:
        if whisper.plain(word.text) not in {"the", "is"}:
            assert value <= word.confidence
    if looping:
        assert value <= whisper.LOOP_CONFIDENCE


def test_function_words_do_not_count_unless_there_are_no_others() -> None:
    the, card = Word("The", 0, 1, 0.2), Word("card.", 1, 2, 0.9)
    assert whisper.confidence([the, card]) == 0.9
    assert whisper.confidence([the]) == 0.2
    assert whisper.confidence([]) == 0


@given(st.lists(st.text("abc ", min_size=1, max_size=60), max_size=30).map(tuple))
def test_hints_are_the_first_phrases_and_bounded(phrases: tuple[str, ...]) -> None:
    hint = whisper.hotwords(Expectation(phrases))
    assert (hint is None) == (not phrases)
    if hint is not None:
        assert len(hint) <= 400
        assert ", ".join(phrases).startswith(hint)


def test_a_partial_waits_for_twice_what_decoding_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[int] = []

    def transcribe(model: object, pcm: Pcm, *_: object, **__: object) -> Hypothesis:
        decoded.append(len(pcm))
        return Hypothesis("text")

    times = iter([0.0, 1.0, 1.0, 1.1, 2.0, 2.0])  # the first decoding takes a second
    monkeypatch.setattr(whisper, "transcribe", transcribe)
    monkeypatch.setattr("time.perf_counter", lambda: next(times))
    stream = whisper.WhisperStream(None, whisper.Settings("en", 1))
    stream.start(Expectation(), "")

    def feed(seconds: float) -> Hypothesis | None:
        stream.feed(np.zeros(round(seconds * 8000), np.int16))
        return stream.partial()

    assert feed(0.5) is None
    assert feed(0.1) == Hypothesis("text")
    assert feed(1.9) is None
    assert feed(0.1) == Hypothesis("text")
    assert feed(0.5) is None
    stream.finish()
    assert decoded == [4800, 20800, 24800]


def test_a_folder_without_a_model_is_refused_in_the_parent(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the folder missing"):
        whisper.spec(tmp_path / "nowhere")
    (tmp_path / "model.bin").write_bytes(b"")
    with pytest.raises(
        ConfigError, match=r"config\.json, tokenizer\.json, vocabulary\.json missing"
    ):
        whisper.spec(tmp_path)
