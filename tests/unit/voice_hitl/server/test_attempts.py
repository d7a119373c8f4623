from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.server.attempts import (
    FORGOTTEN_AFTER,
    FREE_FOR_ADDRESS,
    FREE_FOR_NAME,
    LONGEST_WAIT,
    MAX_REMEMBERED,
    Attempts,
)


def test_a_name_waits_ever_longer_after_some_failures() -> None:
    attempts = Attempts()
    for n in range(FREE_FOR_NAME):
        assert attempts.begin("ana", f"a{n}", 0.0) == 0.0
    assert attempts.begin("ana", "z", 0.0) == 1.0
    assert attempts.begin("ben", "z", 0.0) == 0.0
    assert attempts.begin("ana", "z", 1.0) == 0.0
    assert attempts.begin("ana", "z", 1.0) == 2.0


def test_an_address_waits_with_every_name_even_with_new_ones() -> None:
    attempts = Attempts()
    tries = [attempts.begin(f"n{n}", "a", n * 0.05) for n in range(2000)]  # for 100 s
    assert sum(wait == 0.0 for wait in tries) < FREE_FOR_ADDRESS + 10
    assert attempts.begin("n0", "a", 100.0) > 0.0
    assert attempts.begin("n0", "b", 100.0) == 0.0


def test_an_address_does_not_shut_out_who_has_signed_in_from_there() -> None:
    attempts = Attempts()
    attempts.begin("ana", "a", 0.0)
    attempts.succeeded("ana", "a")
    for n in range(3 * FREE_FOR_ADDRESS):
        attempts.begin(f"n{n}", "a", 0.0)
    assert attempts.begin("ben", "a", 0.0) > 0.0
    for _ in range(FREE_FOR_NAME):
        assert attempts.begin("ana", "a", 0.0) == 0.0
    assert attempts.begin("ana", "a", 0.0) > 0.0, "guessing her password has to wait as ever"


def test_who_signed_in_longest_ago_is_forgotten_first() -> None:
    attempts = Attempts()
    for n in range(MAX_REMEMBERED + 1):
        attempts.begin(f"n{n}", "a", 0.0)
        attempts.succeeded(f"n{n}", "a")
    for n in range(FREE_FOR_ADDRESS):
        attempts.begin(f"x{n}", "a", 0.0)
    assert attempts.begin("n0", "a", 0.0) > 0.0
    assert attempts.begin("n1", "a", 0.0) == 0.0


def test_success_clears_the_name_and_takes_its_try_off_the_address() -> None:
    attempts = Attempts()
    for n in range(10 * FREE_FOR_ADDRESS):
        assert attempts.begin(f"n{n % 3}", "a", 0.0) == 0.0
        attempts.succeeded(f"n{n % 3}", "a")


def test_a_try_that_was_not_looked_at_does_not_count() -> None:
    attempts = Attempts()
    for _ in range(10 * FREE_FOR_ADDRESS):
        assert attempts.begin("ana", "a", 0.0) == 0.0
        attempts.withdrawn("ana", "a")


def test_old_failures_and_the_oldest_of_too_many_are_forgotten() -> None:
    attempts = Attempts()
    for n in range(FREE_FOR_NAME):
        attempts.begin("ana", f"a{n}", 0.0)
    assert attempts.begin("ana", "z", 0.0) > 0.0
    assert attempts.begin("ana", "z", FORGOTTEN_AFTER) == 0.0
    for n in range(FREE_FOR_NAME):
        attempts.begin("ben", f"b{n}", 1000.0)
    for n in range(MAX_REMEMBERED):
        attempts.begin(f"n{n}", f"c{n}", 1000.0)
    assert attempts.begin("ben", "z", 1000.0) == 0.0


@given(st.lists(st.floats(0.0, 40.0), max_size=60))
def test_no_wait_is_longer_than_the_longest_and_waiting_it_is_enough(gaps: list[float]) -> None:
    attempts = Attempts()
    now = 0.0
    for gap in gaps:
        now += gap
        wait = attempts.begin("ana", "a", now)
        assert 0.0 <= wait <= LONGEST_WAIT
        if wait > 0.0:
            now += wait + 1e-6
            assert attempts.begin("ana", "a", now) == 0.0
