"""Posts webhooks as Twilio does: form-encoded, signed when an auth token is set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
from twilio.request_validator import RequestValidator

from voice_hitl.errors import TelephonyError
from voice_hitl.telephony.signature import HEADER, websocket_url

TIMEOUT = 15.0  # seconds: Twilio's own
VOICE_PATH = "/twilio/voice"
STATUS_PATH = "/twilio/status"


@dataclass(frozen=True, slots=True)
class Target:
    """The server that is called.

    `url` is where it is reached. `public_url` is what it is configured as, if that is something else: then
    signatures are made for the public address, and streams of the public address are opened at `url`.
    """

    url: str
    public_url: str | None = None
    auth_token: str | None = field(default=None, repr=False)
    account_sid: str = "AC" + "0" * 32
    number: str = "+15550199"  # the number that is called

    def __post_init__(self) -> None:
        websocket_url(self.url)
        if self.public_url is not None:
            websocket_url(self.public_url)

    @property
    def known_as(self) -> str:
        """The address that signatures are made for, without a trailing slash."""
        return (self.public_url or self.url).rstrip("/")

    def reach(self, address: str) -> str:
        """Where an address of the public server, http or ws, is really reached."""
        here, there = self.url.rstrip("/"), self.known_as
        for public, real in ((there, here), (websocket_url(there), websocket_url(here))):
            if address == public or address.startswith(public + "/"):
                return real + address[len(public) :]
        return address

    def signature(self, address: str, form: Mapping[str, str]) -> dict[str, str]:
        """The signature header for an address as Twilio knows it; empty without an auth token."""
        if self.auth_token is None:
            return {}
        made = RequestValidator(self.auth_token).compute_signature(address, form)
        return {HEADER: str(made)}


async def post(
    session: aiohttp.ClientSession, target: Target, address: str, form: Mapping[str, str]
) -> str:
    """Post a form to an absolute address of the public server; return the answer's text.

    Raises `TelephonyError` for no answer in 15 s or one that is no success.
    """
    headers = {"User-Agent": "TwilioProxy/1.1", **target.signature(address, form)}
    try:
        async with session.post(
            target.reach(address),
            data=form,
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=TIMEOUT),
        ) as answer:
            text = await answer.text()
    except (aiohttp.ClientError, TimeoutError, UnicodeDecodeError) as error:
        raise TelephonyError(f"{address}: {str(error) or 'no answer in time'}") from error
    if not 200 <= answer.status < 300:
        raise TelephonyError(f"{address}: HTTP {answer.status}: {text.strip()[:300]}")
    return text
