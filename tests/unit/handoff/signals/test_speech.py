from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.events import SpeechFacts
from handoff.signals import speech


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 50), st.none() | st.floats(-20, 60))
def test_speech_trouble_is_bounded_and_falls_with_confidence(
    low: float, high: float, revisions: int, snr: float | None
) -> None:
    low, high = sorted((low, high))
    worse = SpeechFacts(low, revisions=revisions, snr_db=snr)
    better = SpeechFacts(high, revisions=revisions, snr_db=snr)
    assert 0 <= speech.trouble(better) <= speech.trouble(worse) <= 1
    assert ("speech.snr_db" in speech.read(worse)) == (snr is not None)


@pytest.mark.parametrize(
    ("confidence", "trouble"), [(1.0, 0.0), (0.4, 0.0), (0.2, 0.5), (0.0, 1.0)]
)
def test_a_good_lines_recognition_is_no_trouble(confidence: float, trouble: float) -> None:
    assert speech.trouble(SpeechFacts(confidence)) == pytest.approx(trouble)


def test_words_taken_back_add_a_little() -> None:
    assert speech.trouble(SpeechFacts(1.0, revisions=2)) == pytest.approx(0.1)
    assert speech.trouble(SpeechFacts(1.0, revisions=99)) == pytest.approx(0.2)
