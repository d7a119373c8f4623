from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_hitl.telephony.tokens import TokenStore


def test_a_token_opens_its_call_once() -> None:
    store = TokenStore(ttl=60)
    token = store.issue("CA1", now=0.0)
    assert store.redeem(token, "CA1", now=59.9)
    assert not store.redeem(token, "CA1", now=59.9)


def test_a_token_dies_at_its_time() -> None:
    store = TokenStore(ttl=60)
    token = store.issue("CA1", now=0.0)
    assert not store.redeem(token, "CA1", now=60.0)
    assert len(store) == 0


def test_a_token_shown_with_another_call_is_void() -> None:
    store = TokenStore()
    token = store.issue("CA1", now=0.0)
    assert not store.redeem(token, "CA2", now=1.0)
    assert not store.redeem(token, "CA1", now=1.0)


def test_what_was_never_issued_opens_nothing() -> None:
    store = TokenStore()
    store.issue("CA1", now=0.0)
    assert not store.redeem("", "CA1", now=0.0)
    assert not store.redeem("x" * 32, "CA1", now=0.0)


def test_a_repeated_webhook_voids_the_older_token() -> None:
    store = TokenStore()
    older = store.issue("CA1", now=0.0)
    newer = store.issue("CA1", now=1.0)
    assert not store.redeem(older, "CA1", now=2.0)
    assert store.redeem(newer, "CA1", now=2.0)


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    store = TokenStore(capacity=2)
    tokens = [store.issue(f"CA{n}", now=0.0) for n in range(3)]
    assert len(store) == 2
    assert [store.redeem(t, f"CA{n}", now=0.0) for n, t in enumerate(tokens)] == [False, True, True]


def test_nonsense_limits_are_refused() -> None:
    with pytest.raises(ValueError, match="ttl"):
        TokenStore(ttl=0)
    with pytest.raises(ValueError, match="capacity"):
        TokenStore(capacity=0)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["issue", "redeem", "steal"]),
            st.integers(0, 5),
            st.floats(0, 30, allow_nan=False),
        ),
        max_size=60,
    )
)
def test_against_a_plain_model(steps: list[tuple[str, int, float]]) -> None:
    """Whatever the order, a token opens exactly the call, once, while it lives and is the newest."""
    store, now = TokenStore(ttl=60, capacity=4), 0.0
    alive: list[tuple[str, str, float]] = []  # token, call, end; oldest first
    issued: list[tuple[str, str]] = [("never", "CA0")]
    for what, number, wait in steps:
        now += wait
        alive = [entry for entry in alive if entry[2] > now]
        if what == "issue":
            call = f"CA{number}"
            if not any(entry[1] == call for entry in alive) and len(alive) == 4:
                alive.pop(0)
            alive = [entry for entry in alive if entry[1] != call]
            token = store.issue(call, now)
            alive.append((token, call, now + 60))
            issued.append((token, call))
        else:
            token, call = issued[number % len(issued)]
            claimed = call if what == "redeem" else "CAother"
            expected = what == "redeem" and any(entry[0] == token for entry in alive)
            alive = [entry for entry in alive if entry[0] != token]
            assert store.redeem(token, claimed, now) is expected
        assert len(store) == len(alive) <= 4
