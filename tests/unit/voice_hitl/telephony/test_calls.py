from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from voice_hitl.errors import TelephonyError
from voice_hitl.telephony.calls import CallControl

ACCOUNT = "AC" + "a" * 32
CALL = "CA" + "b" * 32


class RestApi:
    """As much of Twilio's REST interface as one call resource."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], str]] = []
        self.answer = (200, {"sid": CALL})
        self.held: asyncio.Event | None = None

    async def update(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.requests.append((request.path, form, request.headers["Authorization"]))
        if self.held is not None:
            await self.held.wait()
        status, body = self.answer
        return web.json_response(body, status=status)


@pytest.fixture
async def api() -> AsyncIterator[tuple[RestApi, str]]:
    rest = RestApi()
    app = web.Application()
    app.router.add_post("/2010-04-01/Accounts/{account}/Calls/{call}", rest.update)
    async with TestServer(app) as server:
        yield rest, str(server.make_url("/"))


async def test_a_call_is_ended(api: tuple[RestApi, str]) -> None:
    rest, url = api
    await CallControl(ACCOUNT, "secret", api_url=url).end(CALL)
    ((path, form, authorization),) = rest.requests
    assert path == f"/2010-04-01/Accounts/{ACCOUNT}/Calls/{CALL}.json"
    assert form == {"Status": "completed"}
    assert base64.b64decode(authorization.removeprefix("Basic ")).decode() == f"{ACCOUNT}:secret"


async def test_a_call_is_sent_elsewhere(api: tuple[RestApi, str]) -> None:
    rest, url = api
    await CallControl(ACCOUNT, "secret", api_url=url).redirect(CALL, "<Response/>")
    assert rest.requests[0][1] == {"Twiml": "<Response/>"}


@pytest.mark.parametrize("answer", [(404, {"code": 20404}), (400, {"code": 21220})])
async def test_ending_a_call_that_is_over_is_fine(
    api: tuple[RestApi, str], answer: tuple[int, dict[str, str]]
) -> None:
    rest, url = api
    rest.answer = answer
    control = CallControl(ACCOUNT, "secret", api_url=url)
    await control.end(CALL)
    with pytest.raises(TelephonyError, match="redirect"):
        await control.redirect(CALL, "<Response/>")


async def test_a_refusal_names_the_call_and_the_cause(api: tuple[RestApi, str]) -> None:
    rest, url = api
    rest.answer = (401, {"code": "20003", "message": "Authenticate"})
    with pytest.raises(TelephonyError, match=f"refused to end call {CALL}.*Authenticate.*401"):
        await CallControl(ACCOUNT, "wrong", api_url=url).end(CALL)


async def test_an_unreachable_or_silent_api_is_a_telephony_error(api: tuple[RestApi, str]) -> None:
    rest, url = api
    with pytest.raises(TelephonyError, match="cannot reach Twilio"):
        await CallControl(ACCOUNT, "secret", api_url="http://127.0.0.1:1").end(CALL)
    rest.held = asyncio.Event()
    with pytest.raises(TelephonyError, match="cannot reach Twilio"):
        await CallControl(ACCOUNT, "secret", api_url=url, timeout=0.1).end(CALL)
    rest.held.set()
