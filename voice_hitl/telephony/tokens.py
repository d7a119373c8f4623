"""Single-use tokens that tie a media stream to the webhook that asked for it.

The TwiML of a call carries a token as `<Parameter>`; the stream's `start` must bring it back with the same
CallSid, once, soon. Who did not get the TwiML cannot open a stream.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass

_TOKEN_BYTES = 24  # 192 random bits: not to be guessed within any lifetime


@dataclass(frozen=True, slots=True)
class _Issued:
    call_sid: str
    until: float


class TokenStore:
    """Tokens that wait for their stream; in memory, bounded, time as an argument.

    `ttl`: seconds a token lives, > 0. `capacity`: tokens kept, >= 1; the oldest go first.
    """

    def __init__(self, ttl: float = 60.0, capacity: int = 10_000) -> None:
        if ttl <= 0 or capacity < 1:
            raise ValueError(f"ttl {ttl} must be > 0 and capacity {capacity} >= 1")
        self._ttl = ttl
        self._capacity = capacity
        # All tokens live equally long, so the order of issue is the order of expiry.
        self._tokens: OrderedDict[str, _Issued] = OrderedDict()
        self._of_call: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._tokens)

    def issue(self, call_sid: str, now: float) -> str:
        """Make the token of a call; an older one of the same call is void from here on."""
        self._expire(now)
        older = self._of_call.get(call_sid)
        if older is not None:
            self._forget(older)
        elif len(self._tokens) >= self._capacity:
            self._forget(next(iter(self._tokens)))
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        self._tokens[token] = _Issued(call_sid, now + self._ttl)
        self._of_call[call_sid] = token
        return token

    def redeem(self, token: str, call_sid: str, now: float) -> bool:
        """Use a token up; whether it was alive and of this call.

        A token shown with another CallSid is void too: it has leaked.
        """
        self._expire(now)
        issued = self._tokens.get(token)
        if issued is None:
            return False
        self._forget(token)
        return issued.call_sid == call_sid

    def _expire(self, now: float) -> None:
        while self._tokens:
            token, issued = next(iter(self._tokens.items()))
            if issued.until > now:
                return
            self._forget(token)

    def _forget(self, token: str) -> None:
        issued = self._tokens.pop(token)
        del self._of_call[issued.call_sid]
