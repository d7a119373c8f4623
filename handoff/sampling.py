"""Draws that are not random: whether something is sampled follows from its id and a secret key.

Anyone with the key can repeat and check a draw later; nobody without it can foresee one or steer it by
choosing ids.
"""

from __future__ import annotations

import hashlib
import hmac


def draw(key: bytes, purpose: str, name: str) -> float:
    """A number in [0, 1) that belongs to `name`: `draw(...) < p` holds with probability p (to 2^-53).

    HMAC-SHA256 of purpose and name (RFC 2104). Two purposes give independent draws. Raises `ValueError` for
    an empty key.
    """
    if not key:
        raise ValueError("the sampling key is empty: give some secret bytes")
    message = len(purpose).to_bytes(4, "big") + purpose.encode() + name.encode(errors="replace")
    digest = hmac.digest(key, message, hashlib.sha256)
    return (int.from_bytes(digest[:8], "big") >> 11) * 2.0**-53
