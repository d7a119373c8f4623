"""What Twilio is told to do with a call, as TwiML.

https://www.twilio.com/docs/voice/twiml/connect and .../stream
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from twilio.twiml.voice_response import Connect, Stream, VoiceResponse

TOKEN_PARAMETER = "token"
MAX_PARAMETER = 500  # characters of name and value together; Twilio refuses longer ones


@dataclass(frozen=True, slots=True)
class Fallback:
    """What a caller gets when the server cannot serve the call: words, then a number or the end."""

    words: str = "We are sorry, we cannot take your call right now. Please call again later."
    number: str | None = None  # E.164; None hangs up after the words


def connect(
    *,
    stream_url: str,
    token: str,
    parameters: Mapping[str, str],
    announcement: str,
    fallback: Fallback,
    action: str = "/twilio/after",
) -> str:
    """Say the announcement (if any), connect the stream, and fall back if that fails.

    Twilio ignores a parameter that is too long, so `ValueError` is raised here; also when a parameter
    takes the token's name.
    """
    response = VoiceResponse()
    if announcement:
        response.say(announcement)
    verb = Connect(action=action, method="POST")
    stream = Stream(url=stream_url)
    if TOKEN_PARAMETER in parameters:
        raise ValueError(f"the parameter name {TOKEN_PARAMETER!r} is taken")
    for name, value in {TOKEN_PARAMETER: token, **parameters}.items():
        if len(name) + len(value) > MAX_PARAMETER:
            raise ValueError(f"parameter {name!r} is over {MAX_PARAMETER} characters")
        stream.parameter(name=name, value=value)
    verb.append(stream)
    response.append(verb)
    _fall_back(response, fallback)
    return str(response)


def hang_up() -> str:
    """The call was served: end it."""
    response = VoiceResponse()
    response.hangup()
    return str(response)


def fall_back(fallback: Fallback) -> str:
    """The call cannot be served: say so, then dial the configured number or end."""
    response = VoiceResponse()
    _fall_back(response, fallback)
    return str(response)


def _fall_back(response: VoiceResponse, fallback: Fallback) -> None:
    if fallback.words:
        response.say(fallback.words)
    if fallback.number:
        response.dial(fallback.number)
    else:
        response.hangup()
