from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.audio.endpoint import (
    PAUSE_WINDOWS,
    Endpointer,
    SpeechEvent,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
)
from voice_hitl.audio.vad import WINDOW_SECONDS as W

probabilities = st.lists(st.floats(0, 1), max_size=120)


def feed(
    endpointer: Endpointer, values: list[float], first: int = 0
) -> list[tuple[int, SpeechEvent]]:
    events = []
    for index, p in enumerate(values, first):
        event = endpointer.feed(p, (index + 1) * W)
        if event is not None:
            events.append((index, event))
    return events


def test_two_sure_windows_start_speech() -> None:
    ((index, event),) = feed(Endpointer(), [0.0] * 5 + [0.9, 0.9, 0.9])
    assert index == 6
    assert isinstance(event, SpeechStarted)
    assert event.at == pytest.approx(5 * W - W / 2)


def test_doubtful_windows_take_longer() -> None:
    ((index, _),) = feed(Endpointer(), [0.0] * 3 + [0.4] * 6)
    assert index == 6


@pytest.mark.parametrize("values", [[1.0, 0.0, 0.0, 0.0] * 10, [0.19] * 100])
def test_clicks_and_murmur_do_not(values: list[float]) -> None:
    assert feed(Endpointer(), values) == []


def test_a_pause_is_dated_back() -> None:
    events = feed(Endpointer(), [0.9] * 10 + [0.1] * 5)
    index, event = events[-1]
    assert index == 10 + PAUSE_WINDOWS - 1
    assert event == SpeechPaused(10 * W)


def test_a_stop_within_a_word_is_no_pause() -> None:
    stop = [0.1] * (PAUSE_WINDOWS - 1)
    assert len(feed(Endpointer(), ([0.9] * 4 + stop) * 5)) == 1


def test_going_on_resumes_the_turn() -> None:
    kinds = [type(event) for _, event in feed(Endpointer(), ([0.9] * 5 + [0.0] * 10) * 2)]
    assert kinds == [SpeechStarted, SpeechPaused, SpeechResumed, SpeechPaused]


def test_a_closed_turn_makes_the_next_speech_a_start() -> None:
    endpointer = Endpointer()
    feed(endpointer, [0.9] * 5 + [0.0] * 5)
    endpointer.close_turn()
    ((_, event),) = feed(endpointer, [0.9] * 5, first=10)
    assert isinstance(event, SpeechStarted)
    assert event.at == pytest.approx(10 * W - W / 2)


def test_a_turn_closed_while_speaking_starts_anew() -> None:
    endpointer = Endpointer()
    feed(endpointer, [0.9] * 5)
    endpointer.close_turn()
    ((_, event),) = feed(endpointer, [0.9] * 5, first=5)
    assert isinstance(event, SpeechStarted)


def test_a_closed_gate_is_a_pause() -> None:
    endpointer = Endpointer()
    feed(endpointer, [0.9] * 5)
    assert endpointer.silence(7 * W) == SpeechPaused(5 * W)
    assert endpointer.silence(8 * W) is None


def test_a_closed_gate_takes_the_evidence_back() -> None:
    endpointer = Endpointer()
    assert feed(endpointer, [0.7]) == []
    assert endpointer.silence(2 * W) is None
    assert feed(endpointer, [0.7], first=20) == []


@given(probabilities, st.sets(st.integers(0, 119)), st.sets(st.integers(0, 119)))
def test_events_alternate_and_go_forward(
    values: list[float], closed: set[int], gated: set[int]
) -> None:
    endpointer = Endpointer()
    speaking = in_turn = False
    before = 0.0
    for index, p in enumerate(values):
        now = (index + 1) * W
        event = endpointer.silence(now) if index in gated else endpointer.feed(p, now)
        if event is not None:
            assert isinstance(event, SpeechPaused) == speaking
            assert isinstance(event, SpeechStarted) == (not speaking and not in_turn)
            assert before <= event.at <= now
            before = event.at
            in_turn = True
            speaking = not speaking
        if index in closed:
            endpointer.close_turn()
            speaking = in_turn = False
        assert endpointer.speaking == speaking
