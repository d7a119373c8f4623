from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.sampling import draw

KEY = b"a secret"


def test_a_draw_is_the_hmac_of_purpose_and_name() -> None:
    digest = hmac.new(KEY, b"\0\0\0\5audit" + b"call-1:3", hashlib.sha256).digest()
    assert draw(KEY, "audit", "call-1:3") == (int.from_bytes(digest[:8], "big") >> 11) / 2**53


@given(st.text(), st.text())
def test_draws_are_repeatable_and_below_one(purpose: str, name: str) -> None:
    assert 0 <= draw(KEY, purpose, name) < 1
    assert draw(KEY, purpose, name) == draw(KEY, purpose, name)


def test_the_share_below_p_is_p_and_purposes_are_independent() -> None:
    count, p = 20_000, 0.05
    audit = [draw(KEY, "audit", str(name)) < p for name in range(count)]
    review = [draw(KEY, "review", str(name)) < p for name in range(count)]
    error = (p * (1 - p) / count) ** 0.5
    assert abs(sum(audit) / count - p) < 4 * error
    both = sum(a and b for a, b in zip(audit, review, strict=True)) / count
    assert abs(both - p * p) < 4 * (p * p / count) ** 0.5


def test_purpose_and_name_do_not_run_together() -> None:
    assert draw(KEY, "ab", "c") != draw(KEY, "a", "bc")


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(ValueError, match="key is empty"):
        draw(b"", "audit", "call-1")
