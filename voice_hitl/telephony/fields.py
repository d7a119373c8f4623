"""The values in Media Streams messages, read with patience: numbers may come as strings, or as anything."""

from __future__ import annotations

from typing import TypeGuard

import orjson

_MAX_DIGITS = 15  # of a number in a string: keeps int() cheap and every value exact in a float
_MAX_SID = 64  # characters; a real sid has 34


def json_text(text: str) -> str:
    """A JSON string; characters that UTF-8 cannot carry become `?`."""
    return orjson.dumps(text.encode("utf-8", "replace").decode()).decode()


def number_of(value: object) -> int | None:
    """A whole number >= 0 given as number or string; None when absent or anything else."""
    if type(value) is str:
        if value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS:
            return int(value)
        return None
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is int and 0 <= value < 10**_MAX_DIGITS:
        return value
    return None


def text_of(value: object) -> str | None:
    """A string, also when it came as a number."""
    if type(value) is str:
        return value
    if type(value) in (int, float):
        return str(value)
    return None


def is_sid(value: object) -> TypeGuard[str]:
    """Whether this can be the id of a stream, a call or an account."""
    return type(value) is str and 0 < len(value) <= _MAX_SID and value.isascii() and value.isalnum()


def is_mulaw(given: object) -> bool:
    """Whether a `mediaFormat` is ours; absent means Twilio's only format, which it is."""
    if given is None:
        return True
    if type(given) is not dict:
        return False
    return (
        given.get("encoding", "audio/x-mulaw") == "audio/x-mulaw"
        and number_of(given.get("sampleRate", 8000)) == 8000
        and number_of(given.get("channels", 1)) == 1
    )
