from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from voice_hitl.audio import g711
from voice_hitl.errors import ConfigError
from voice_hitl.speech import espeak
from voice_hitl.speech.voice import VoiceSettings

if not espeak.available():
    pytest.skip("the extra espeak is not installed", allow_module_level=True)

RATE = 8000
sounds = arrays.arrays(
    np.float32, st.integers(0, 4000), elements=st.floats(-1, 1, width=32), fill=st.just(0.0)
)


@pytest.fixture(scope="module")
def voice() -> espeak.EspeakVoice:
    return espeak.EspeakVoice(VoiceSettings(pause=0.0))


def loudness(clip: bytes) -> float:
    """Return the dBFS RMS of the parts of a clip within 20 dB of its loudest."""
    pcm = g711.decode(clip).astype(np.float64) / 32768
    blocks = np.sqrt(np.mean(pcm[: len(pcm) // 80 * 80].reshape(-1, 80) ** 2, axis=1))
    speech = blocks[blocks > blocks.max() / 10]
    return float(20 * np.log10(np.sqrt(np.mean(speech**2))))


@pytest.mark.parametrize(
    "text",
    ["Yes.", "Hello, how may I help you?", "Your balance is $1,240.50. Is there anything else?"],
)
def test_every_sentence_has_the_same_loudness_and_no_silence_around_it(
    voice: espeak.EspeakVoice, text: str
) -> None:
    clip = voice.render(text)
    assert loudness(clip) == pytest.approx(-20, abs=1.5)
    pcm = np.abs(g711.decode(clip).astype(np.int32))
    assert pcm.max() < 32000
    audible = np.flatnonzero(pcm > pcm.max() / 100)
    assert audible[0] < 0.04 * RATE
    assert len(pcm) - audible[-1] < 0.07 * RATE


def test_a_longer_sentence_takes_longer_at_about_the_rate_that_was_asked(
    voice: espeak.EspeakVoice,
) -> None:
    sentences = (
        "I have blocked your card and ordered a new one, which arrives in five business days.",
        "For a transfer of that size I need your confirmation. Shall I go ahead?",
    )
    seconds = [len(voice.render(sentence)) / RATE for sentence in sentences]
    assert seconds[0] > seconds[1]
    words = sum(len(sentence.split()) for sentence in sentences)
    assert words / sum(seconds) * 60 == pytest.approx(165, rel=0.15)


def test_numbers_are_said_in_words(voice: espeak.EspeakVoice) -> None:
    figures = len(voice.render("ending 4421"))
    assert figures == pytest.approx(len(voice.render("ending four four two one")), rel=0.02)


@pytest.mark.parametrize("text", ["...", "!", "\0", "\u200b", "\ud800"])
def test_what_has_neither_letter_nor_figure_is_not_said(
    voice: espeak.EspeakVoice, text: str
) -> None:
    assert voice.render(text) == b""


@pytest.mark.parametrize("text", ["<b>bold</b> & so on", "naïve café", "☎ ring", "a\0b"])
def test_odd_characters_do_no_harm(voice: espeak.EspeakVoice, text: str) -> None:
    assert voice.render(text)


def test_chunks_make_up_the_whole_with_the_pause_after_it(voice: espeak.EspeakVoice) -> None:
    chunks = list(espeak.EspeakVoice(VoiceSettings(pause=0.5)).speak("Good afternoon to you."))
    assert all(len(chunk) == espeak.CHUNK for chunk in chunks[:-1])
    assert b"".join(chunks).endswith(g711.silence(RATE // 2))


@pytest.mark.parametrize("name", ["en-us+nobody", "klingon-east", "+f3+"])
def test_an_unknown_voice_is_named(name: str) -> None:
    with pytest.raises(ConfigError, match="espeak-ng has no"):
        espeak.load(VoiceSettings(voice=name).as_options())


def test_another_language_is_left_to_espeak() -> None:
    german = espeak.EspeakVoice(VoiceSettings(voice="de"))
    assert len(german.render("21")) == pytest.approx(len(german.render("einundzwanzig")), rel=0.1)


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeak, "available", lambda: False)
    with pytest.raises(ConfigError, match=r'pip install "voice-hitl\[espeak\]"'):
        espeak.spec(VoiceSettings())


@given(sounds)
def test_trimming_takes_only_quiet_from_the_ends(sound: np.ndarray) -> None:
    kept = espeak.trim(sound)
    assert len(kept) <= len(sound)
    peak = np.abs(sound).max(initial=0)
    if peak > 0:
        assert np.abs(kept).max() == peak
        start = next(
            at
            for at in range(0, len(sound) + 1, 80)
            if np.array_equal(sound[at : at + len(kept)], kept)
        )
        outside = np.concatenate([sound[:start], sound[start + len(kept) :]])
        assert np.abs(outside).max(initial=0) < peak
    else:
        assert len(kept) == 0


@given(sounds, st.floats(-40, -10))
def test_levelling_keeps_the_length_and_never_clips(sound: np.ndarray, dbfs: float) -> None:
    levelled = espeak.level(sound, dbfs)
    assert levelled.shape == sound.shape
    assert np.all(np.abs(levelled) <= 1)
    assert np.all(np.sign(levelled) * np.sign(sound) >= 0)
