from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.audio.g711 import SILENT_FRAME
from voice_hitl.audio.jitter import MAX_FILL, REORDER, Jitter


def frame(number: int) -> bytes:
    """A frame that cannot be mistaken for another or for silence."""
    return bytes([number % 127 + 1, number // 127 % 127 + 1]) * 80


def play(jitter: Jitter, arrivals: Sequence[int], base_ms: int = 0) -> list[bytes]:
    played: list[bytes] = []
    for number in arrivals:
        played += jitter.push(frame(number), base_ms + 20 * number)
    return [*played, *jitter.flush()]


@given(st.integers(1, 200), st.integers(0, 10**9))
def test_frames_in_order_pass_at_once(count: int, base_ms: int) -> None:
    jitter = Jitter()
    for number in range(count):
        assert list(jitter.push(frame(number), base_ms + 20 * number)) == [frame(number)]
    assert not jitter.flush()


@given(st.data())
def test_slight_disorder_is_mended(data: st.DataObject) -> None:
    """No frame is overtaken by more than `REORDER` others; some come twice."""
    count = data.draw(st.integers(2, 60))
    keys = [number + data.draw(st.floats(0, REORDER - 0.01)) for number in range(1, count)]
    order = [0, *(1 + index for index in sorted(range(count - 1), key=keys.__getitem__))]
    twice = [n for n in order for _ in range(1 + data.draw(st.booleans()))]
    jitter = Jitter()
    assert play(jitter, twice) == [frame(number) for number in range(count)]
    assert jitter.late == len(twice) - count
    assert jitter.filled == 0


@given(st.integers(3, 80), st.sets(st.integers(1, 78)))
def test_what_is_missing_becomes_silence(count: int, lost: set[int]) -> None:
    lost = {number for number in lost if number < count - 1}
    jitter = Jitter()
    played = play(jitter, [number for number in range(count) if number not in lost])
    assert played == [SILENT_FRAME if n in lost else frame(n) for n in range(count)]
    assert jitter.filled == 160 * len(lost)


@given(st.integers(1, 700))
def test_a_gap_is_filled_to_the_sample(samples: int) -> None:
    """Gaps need not be whole frames; below a frame they are no gaps."""
    jitter = Jitter()
    jitter.push(frame(0), 0)
    start = 20 + samples
    played = [*jitter.push(frame(1), start), *jitter.flush()]
    silence = b"".join(played[:-1])
    assert silence == b"\xff" * (8 * samples if samples >= 20 else 0)


@pytest.mark.parametrize("seconds", [11, 60, 86_400])
def test_a_long_gap_is_filled_for_ten_seconds_only(seconds: int) -> None:
    jitter = Jitter()
    played = play(jitter, [0, 1, 50 * seconds, 50 * seconds + 1])
    assert b"".join(played[2:-2]) == b"\xff" * MAX_FILL
    assert played[-2:] == [frame(50 * seconds), frame(50 * seconds + 1)]
    assert jitter.resyncs == 1


def test_a_clock_that_wraps_goes_on() -> None:
    """A 32-bit millisecond clock starts again at 0 after 49 days."""
    jitter = Jitter()
    played: list[bytes] = []
    for number in range(20):
        played += jitter.push(frame(number), (2**32 - 200 + 20 * number) % 2**32)
    assert played == [frame(number) for number in range(20)]
    assert jitter.resyncs == 1


def test_late_frames_are_dropped() -> None:
    jitter = Jitter()
    assert play(jitter, [0, 1, 5, 6, 7, 2, 3, 8]).count(SILENT_FRAME) == 3
    assert jitter.late == 2


def test_timestamps_may_waver() -> None:
    jitter = Jitter()
    rng = random.Random(0)
    played: list[bytes] = []
    for number in range(500):
        played += jitter.push(frame(number), 20 * number + rng.randint(0, 19))
    assert played == [frame(number) for number in range(500)]


@given(st.lists(st.tuples(st.integers(0, 2**33), st.integers(1, 400)), max_size=60))
def test_any_input_is_bounded_and_nothing_is_invented(pushes: list[tuple[int, int]]) -> None:
    jitter = Jitter()
    given_bytes = got = 0
    for timestamp, size in pushes:
        payload = b"\x10" * size
        given_bytes += size
        played = b"".join(jitter.push(payload, timestamp))
        assert len(played) <= (REORDER + 1) * MAX_FILL + given_bytes
        got += played.count(b"\x10")
    got += b"".join(jitter.flush()).count(b"\x10")
    assert got <= given_bytes
    if jitter.late == 0:
        assert got == given_bytes
