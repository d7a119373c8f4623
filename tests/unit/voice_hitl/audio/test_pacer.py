from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.audio.g711 import FRAME_SECONDS
from voice_hitl.audio.pacer import LEAD, Pacer


def test_the_lead_is_there_at_once_and_then_one_frame_a_frame() -> None:
    pacer = Pacer()
    assert pacer.room(100.0) == 10
    pacer.sent(100.0, 10)
    assert [pacer.room(100.0 + 0.02 * tick) for tick in range(4)] == [0, 1, 2, 3]


@given(
    start=st.floats(0, 1e6),
    steps=st.lists(st.tuples(st.floats(0, 0.5), st.integers(0, 30)), min_size=1, max_size=80),
)
def test_never_further_ahead_than_the_lead(start: float, steps: list[tuple[float, int]]) -> None:
    pacer, now = Pacer(), start
    for wait, wanted in steps:
        now += wait
        frames = min(wanted, pacer.room(now))
        before = pacer.ahead(now)
        if frames:
            assert pacer.sent(now, frames) == pytest.approx(now + before, abs=1e-6)
        assert pacer.ahead(now) <= LEAD + 1e-5
        assert pacer.ahead(now) == pytest.approx(before + frames * FRAME_SECONDS, abs=1e-6)


@given(late=st.lists(st.floats(0, LEAD - 2 * FRAME_SECONDS), min_size=5, max_size=200))
def test_late_ticks_within_the_lead_leave_no_gap(late: list[float]) -> None:
    """Sent whenever a tick comes, playback never runs dry and keeps to its absolute clock."""
    pacer = Pacer()
    pacer.sent(0.0, pacer.room(0.0))
    total = 10
    for tick, lateness in enumerate(late, 1):
        now = tick * FRAME_SECONDS + lateness
        assert pacer.ahead(now) > 0
        frames = pacer.room(now)
        if frames:
            pacer.sent(now, frames)
            total += frames
        assert pacer.end == pytest.approx(total * FRAME_SECONDS)


def test_after_running_dry_the_clock_starts_anew() -> None:
    pacer = Pacer()
    pacer.sent(0.0, 5)
    assert pacer.sent(3.0, 1) == 3.0
    assert pacer.end == pytest.approx(3.02)


def test_cleared_audio_makes_room() -> None:
    pacer = Pacer()
    pacer.sent(1.0, 10)
    pacer.cleared(1.05)
    assert pacer.room(1.05) == 10
    assert pacer.ahead(1.05) == 0.0
