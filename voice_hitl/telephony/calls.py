"""Steering live calls through Twilio's REST interface.

The client library blocks, so each request runs in a thread. Closing the media stream ends a call as well
(`<Connect action>` says what comes next); this is for calls without a stream that listens.
"""

from __future__ import annotations

import asyncio

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from voice_hitl.errors import TelephonyError

_NOT_IN_PROGRESS = 21220  # https://www.twilio.com/docs/api/errors/21220


class CallControl:
    """Ends and redirects calls of one account.

    `timeout`: seconds a request may take, > 0. `api_url`: where the REST interface is, by default Twilio's.
    """

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        *,
        timeout: float = 5.0,
        api_url: str | None = None,
    ) -> None:
        self._client = Client(
            account_sid, auth_token, http_client=TwilioHttpClient(timeout=timeout)
        )
        if api_url is not None:
            self._client.api.base_url = api_url.rstrip("/")

    async def end(self, call_sid: str) -> None:
        """Hang up; a call that is already over is fine. Raises `TelephonyError`."""
        await self._update(call_sid, "end", status="completed")

    async def redirect(self, call_sid: str, twiml: str) -> None:
        """Go on with other TwiML, whatever the call does now. Raises `TelephonyError`."""
        await self._update(call_sid, "redirect", twiml=twiml)

    async def _update(self, call_sid: str, doing: str, **change: str) -> None:
        try:
            await asyncio.to_thread(lambda: self._client.calls(call_sid).update(**change))
        except TwilioRestException as error:
            if doing == "end" and (error.status == 404 or error.code == _NOT_IN_PROGRESS):
                return
            raise TelephonyError(
                f"Twilio refused to {doing} call {call_sid}: {error.msg} (HTTP {error.status})"
            ) from error
        except (TwilioException, requests.RequestException) as error:
            raise TelephonyError(f"cannot reach Twilio to {doing} {call_sid}: {error}") from error
