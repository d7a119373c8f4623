from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from voice_hitl.errors import ConfigError
from voice_hitl.language import Expectation, LanguageSource
from voice_hitl.packs import __file__ as packs
from voice_hitl.speech.evaluation import read_wav
from voice_hitl.speech.sphinx import Speaker, SphinxDecoder, SphinxEngine

Pcm = NDArray[np.int16]

SCENARIOS = Path(packs).parent / "banking" / "scenarios"
SOURCE = LanguageSource(
    (
        "i lost my {card}",
        "where is my new {card}",
        "what is the balance of my {account} account",
        "i'd like to know the balance of my {account} account",
        "i want to talk to a person",
        "when is the {branch} branch open on {day}",
    ),
    {
        "card": ("credit card", "debit card"),
        "account": ("checking", "savings"),
        "branch": ("airport", "riverside"),
        "day": ("friday", "saturday"),
    },
)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> SphinxEngine:
    return SphinxEngine(SOURCE, tmp_path_factory.mktemp("models"))


@pytest.fixture
def decoder(engine: SphinxEngine) -> SphinxDecoder:
    return engine.decoder()


@pytest.fixture(scope="session")
def question() -> Pcm:
    """Return a caller's "where is my new credit card"."""
    return read_wav(SCENARIOS / "angry_1.wav")


def listen(decoder: SphinxDecoder, pcm: Pcm, block: int = 160) -> list[str]:
    heard = [decoder.feed(pcm[at : at + block]) for at in range(0, len(pcm), block)]
    return [text for text in heard if text is not None]


def test_a_caller_is_understood(decoder: SphinxDecoder, question: Pcm) -> None:
    decoder.start()
    partials = listen(decoder, question)
    found = decoder.finish()
    assert found.text == "where is my new credit card"
    assert found.final
    assert found.confidence > 0.5
    assert len(partials) > 1
    assert "new credit" in partials[-1]
    assert [word.text for word in found.words] == found.text.split()
    times = [time for word in found.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] <= len(question) / 8000 + 0.02
    assert found.text not in found.alternatives
    assert all(0 <= word.confidence <= 1 for word in found.words)


def test_the_same_samples_give_the_same_words_whoever_spoke_before(
    engine: SphinxEngine, question: Pcm
) -> None:
    used, new = engine.decoder(), engine.decoder()
    used.start()
    listen(used, np.random.default_rng(1).normal(0, 3000, 16000).astype(np.int16))
    used.finish()
    found = []
    for one in (used, new):
        one.start()
        listen(one, question)
        found.append(one.finish())
    assert found[0].text == found[1].text
    assert found[0].alternatives == found[1].alternatives
    assert found[0].confidence == pytest.approx(found[1].confidence, abs=1e-3)


def test_noise_is_not_believed(decoder: SphinxDecoder) -> None:
    decoder.start()
    listen(decoder, np.random.default_rng(0).normal(0, 2000, 16000).astype(np.int16))
    assert decoder.finish().confidence < 0.3


@pytest.mark.parametrize("samples", [0, 1, 300, 1600])
def test_hardly_any_sound_is_no_words(decoder: SphinxDecoder, samples: int) -> None:
    decoder.start()
    listen(decoder, np.zeros(samples, np.int16))
    found = decoder.finish()
    assert (found.text, found.confidence, found.words) == ("", 0, ())


def test_a_cancelled_utterance_leaves_nothing(decoder: SphinxDecoder, question: Pcm) -> None:
    decoder.start()
    listen(decoder, question[: len(question) // 2])
    decoder.cancel()
    decoder.cancel()
    decoder.start()
    assert decoder.finish().text == ""


def test_the_callers_voice_is_learnt_and_weighs_at_the_next_start(
    decoder: SphinxDecoder, question: Pcm
) -> None:
    assert decoder.speaker == Speaker()
    decoder.start()
    listen(decoder, question)
    decoder.finish()
    known = decoder.speaker
    assert len(known.mean) == 20
    assert known.frames > 50
    decoder.start(speaker=known)
    # A known caller's words come at once, an unknown one is listened to for a moment first.
    assert decoder.speaker == known
    listen(decoder, question)
    assert decoder.finish().text == "where is my new credit card"
    assert decoder.speaker.frames > known.frames


def test_silence_does_not_make_a_voice(decoder: SphinxDecoder) -> None:
    known = Speaker(tuple([12.0] * 20), 80.0)
    decoder.start(speaker=known)
    decoder.finish()
    assert decoder.speaker == known


def test_an_expectation_never_takes_a_clear_answer_away(
    decoder: SphinxDecoder, question: Pcm
) -> None:
    decoder.start(Expectation(("airport", "Friday!")))
    listen(decoder, question)
    assert decoder.finish().text == "where is my new credit card"


def test_the_end_comes_quickly(decoder: SphinxDecoder, question: Pcm) -> None:
    decoder.start()
    listen(decoder, question)
    started = time.process_time()
    decoder.finish()
    assert time.process_time() - started < 0.15


def test_models_are_built_once_also_by_many_at_a_time(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda _: SphinxEngine(SOURCE, cache), range(3)))
    (folder,) = cache.iterdir()
    built = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    SphinxEngine(SOURCE, cache)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == built
    SphinxEngine(LanguageSource(("something else",)), cache)
    assert len(list(cache.iterdir())) == 2


def test_words_that_no_dictionary_has_are_recognizable_words(tmp_path: Path) -> None:
    source = LanguageSource(("i want a zorkmid", "привет", "§ 5"))
    decoder = SphinxEngine(source, tmp_path).decoder()
    decoder.start()
    assert decoder.finish().text == ""


def test_a_recording_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_wav(tmp_path / "none.wav")
