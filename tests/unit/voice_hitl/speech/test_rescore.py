from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.speech.rescore import MARGIN, Reading, choose, distinct, expected

texts = st.sampled_from(["", "yes", "guess", "no", "yes please"])
readings = st.lists(st.builds(Reading, texts, st.floats(-5, 0)), max_size=8)


@given(readings, st.integers(0, 5))
def test_distinct_readings_keep_their_order(given_: list[Reading], most: int) -> None:
    found = distinct(given_, most)
    assert len({reading.text for reading in found}) == len(found) <= most
    assert "" not in {reading.text for reading in found}
    places = [given_.index(reading) for reading in found]
    assert places == sorted(places)


@given(readings.filter(bool), st.lists(texts, max_size=3))
def test_only_an_expected_reading_nearly_as_good_wins(
    given_: list[Reading], phrases: list[str]
) -> None:
    index = choose(given_, phrases)
    if index:
        assert expected(given_[index].text, phrases)
        assert not expected(given_[0].text, phrases)
        assert given_[index].score >= given_[0].score - MARGIN


def test_the_expected_answer_wins_a_near_draw_and_loses_a_far_one() -> None:
    best = Reading("guess", -1.0)
    assert choose([best, Reading("yes", -1.0 - MARGIN / 2)], ["yes"]) == 1
    assert choose([best, Reading("yes", -1.0 - MARGIN * 2)], ["yes"]) == 0
    assert choose([best, Reading("yes", -1.0)], []) == 0


def test_a_phrase_counts_at_word_boundaries() -> None:
    assert expected("well yes please", ["yes"])
    assert not expected("yesterday", ["yes"])
    assert not expected("yes", [""])


def test_nothing_to_choose_from() -> None:
    with pytest.raises(ValueError, match="no readings"):
        choose([], ["yes"])
