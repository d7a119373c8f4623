from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import Mock
from xml.etree import ElementTree

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request
from twilio.request_validator import RequestValidator
from yarl import URL

from voice_hitl.errors import ConfigError
from voice_hitl.server.twilio import AFTER_PATH, MEDIA_PATH, CallStatus, TwilioGate
from voice_hitl.telephony.tokens import TokenStore
from voice_hitl.telephony.twiml import Fallback

PUBLIC = "https://voice.example.com"
SECRET = "s3cret"
FORM = {"CallSid": "CA" + "a" * 32, "From": "+15550100", "CallStatus": "in-progress"}
Client = TestClient[web.Request, web.Application]


def gate(**changes: Any) -> TwilioGate:
    given: dict[str, Any] = {
        "tokens": TokenStore(),
        "clock": lambda: 100.0,
        "parameters": lambda form: {},
        "accepting": lambda: True,
        "unserved": lambda call_sid: False,
        "on_status": lambda status: None,
    }
    return TwilioGate(**given | changes)


@asynccontextmanager
async def serving(served: TwilioGate) -> AsyncIterator[Client]:
    async def media(request: web.Request) -> web.StreamResponse:
        refusal = served.check_upgrade(request)
        if refusal is not None:
            return refusal
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.close()
        return socket

    app = web.Application()
    app.router.add_post("/twilio/voice", served.voice)
    app.router.add_post(AFTER_PATH, served.after)
    app.router.add_post("/twilio/status", served.status)
    app.router.add_get(MEDIA_PATH, media)
    async with TestClient(TestServer(app)) as client:
        yield client


def sign(url: str, form: Mapping[str, str]) -> dict[str, str]:
    return {"X-Twilio-Signature": RequestValidator(SECRET).compute_signature(url, form)}


async def test_a_local_call_gets_a_stream_on_the_address_it_used() -> None:
    served = gate(
        announcement="Hello.",
        parameters=lambda form: {"caller": form["From"]},
        fallback=Fallback("Sorry.", "+15550123"),
    )
    async with serving(served) as client:
        answer = await client.post("/twilio/voice", data=FORM)
        assert answer.status == 200
        assert answer.content_type == "text/xml"
        response = ElementTree.fromstring(await answer.text())
        stream = response.find("Connect/Stream")
        assert stream is not None
        assert stream.get("url") == f"ws://127.0.0.1:{client.port}/twilio/media"
        parameters = {p.get("name"): p.get("value") for p in stream}
        assert parameters["caller"] == "+15550100"
        token = parameters["token"]
        assert token is not None
        assert served.tokens.redeem(token, FORM["CallSid"], now=101.0)
        async with client.session.ws_connect(stream.get("url", "")) as socket:
            assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_a_signed_call_gets_a_stream_on_the_public_address() -> None:
    async with serving(gate(public_url=PUBLIC + "/", auth_token=SECRET)) as client:
        path = "/twilio/voice?line=%31"  # signed and compared as requested, never re-encoded
        url = URL(f"http://127.0.0.1:{client.port}{path}", encoded=True)
        answer = await client.session.post(url, data=FORM, headers=sign(PUBLIC + path, FORM))
        assert answer.status == 200
        stream = ElementTree.fromstring(await answer.text()).find("Connect/Stream")
        assert stream is not None
        assert stream.get("url") == "wss://voice.example.com/twilio/media"


@pytest.mark.parametrize("path", ["/twilio/voice", "/twilio/after", "/twilio/status"])
async def test_a_bad_signature_is_refused_in_one_clear_line(path: str) -> None:
    async with serving(gate(public_url=PUBLIC, auth_token=SECRET)) as client:
        local = str(client.make_url(path))
        forged = {
            "Host": "voice.example.com",
            "X-Forwarded-Host": f"127.0.0.1:{client.port}",
            "X-Forwarded-Proto": "http",
        }
        for headers in ({}, sign(local, FORM), forged | sign(local, FORM)):
            answer = await client.post(path, data=FORM, headers=headers)
            assert answer.status == 403
            text = await answer.text()
            assert text.count("\n") == 1
            assert "twilio.auth_token" in text
        right = sign(PUBLIC + path, FORM)
        tampered = FORM | {"From": "+1999"}
        assert (await client.post(path, data=tampered, headers=right)).status == 403
        assert (await client.post(path, data=FORM, headers=right)).status in (200, 204)


async def test_the_upgrade_needs_its_signature() -> None:
    async with serving(gate(public_url=PUBLIC, auth_token=SECRET)) as client:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await client.ws_connect(MEDIA_PATH)
        headers = sign(f"wss://voice.example.com{MEDIA_PATH}", {})
        async with client.ws_connect(MEDIA_PATH, headers=headers) as socket:
            assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "127.0.0.1"},
        {"Forwarded": "for=10.0.0.1"},
        {"X-Real-IP": "127.0.0.1"},
        {"Host": "evil.example.com"},
        {"Host": "[::1"},
        {"Origin": "https://evil.example.com"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
async def test_without_a_token_what_may_come_from_elsewhere_is_refused(
    headers: dict[str, str],
) -> None:
    async with serving(gate()) as client:
        answer = await client.post("/twilio/voice", data=FORM, headers=headers)
        assert answer.status == 403
        assert "callers on this machine" in await answer.text()
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await client.ws_connect(MEDIA_PATH, headers=headers)


async def test_without_a_token_a_page_of_this_server_may_call() -> None:
    async with serving(gate()) as client:
        headers = {"Origin": f"http://127.0.0.1:{client.port}"}
        assert (await client.post("/twilio/voice", data=FORM, headers=headers)).status == 200


@pytest.mark.parametrize(
    ("peer", "allowed"),
    [
        (("127.0.0.1", 5), True),
        (("127.8.8.8", 5), True),
        (("::1", 5, 0, 0), True),
        (("::ffff:127.0.0.1", 5, 0, 0), True),
        (("::ffff:10.0.0.1", 5, 0, 0), False),
        (("10.0.0.1", 5), False),
        (("fe80::1", 5, 0, 0), False),
        (("not an address", 5), False),
        ("", False),
        (None, False),
    ],
)
def test_the_peers_own_address_decides(peer: object, allowed: bool) -> None:
    transport = Mock()
    transport.get_extra_info.side_effect = lambda name, default=None: (
        peer if name == "peername" else default
    )
    request = make_mocked_request(
        "GET", MEDIA_PATH, headers={"Host": "localhost:8080"}, transport=transport
    )
    refusal = gate().check_upgrade(request)
    assert (refusal is None) is allowed


async def test_when_there_is_no_room_the_caller_gets_the_fallback() -> None:
    async with serving(gate(accepting=lambda: False)) as client:
        answer = await client.post("/twilio/voice", data=FORM)
        assert [v.tag for v in ElementTree.fromstring(await answer.text())] == ["Say", "Hangup"]


async def test_a_parameter_that_twilio_would_drop_gives_the_fallback() -> None:
    async with serving(gate(parameters=lambda form: {"note": "x" * 600})) as client:
        answer = await client.post("/twilio/voice", data=FORM)
        assert [v.tag for v in ElementTree.fromstring(await answer.text())] == ["Say", "Hangup"]


@pytest.mark.parametrize(("unserved", "tags"), [(False, ["Hangup"]), (True, ["Say", "Dial"])])
async def test_after_the_stream_the_call_ends_unless_it_was_not_served(
    unserved: bool, tags: list[str]
) -> None:
    asked: list[str] = []

    def judge(call_sid: str) -> bool:
        asked.append(call_sid)
        return unserved

    async with serving(gate(unserved=judge, fallback=Fallback("Sorry.", "+1555"))) as client:
        answer = await client.post(AFTER_PATH, data=FORM)
        assert [v.tag for v in ElementTree.fromstring(await answer.text())] == tags
    assert asked == [FORM["CallSid"]]


async def test_a_status_is_passed_on() -> None:
    told: list[CallStatus] = []
    async with serving(gate(on_status=told.append)) as client:
        assert (await client.post("/twilio/status", data=FORM)).status == 204
    assert told == [CallStatus(FORM["CallSid"], "in-progress")]


async def test_forms_that_cannot_be_used_are_refused() -> None:
    async with serving(gate()) as client:
        post: Callable[..., Awaitable[aiohttp.ClientResponse]] = client.post
        plain = {"Content-Type": "application/x-www-form-urlencoded"}
        odd = {"Content-Type": "application/x-www-form-urlencoded; charset=none-such"}
        with aiohttp.MultipartWriter("form-data") as multipart:
            multipart.append("x")
        cases: list[tuple[str, Mapping[str, Any], int]] = [
            ("/twilio/voice", {"data": {"From": "+1"}}, 400),
            ("/twilio/status", {"data": {"From": "+1"}}, 400),
            ("/twilio/voice", {"json": FORM}, 415),
            ("/twilio/voice", {"data": multipart}, 415),
            ("/twilio/voice", {"data": b"CallSid=%ff", "headers": plain}, 200),
            ("/twilio/voice", {"data": b"CallSid=\xff", "headers": plain}, 400),
            ("/twilio/voice", {"data": b"CallSid=x", "headers": odd}, 400),
        ]
        for path, arguments, status in cases:
            answer = await post(path, **arguments)
            assert (answer.status, path, arguments) == (status, path, arguments)


def test_a_gate_that_could_never_check_a_signature_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"server\.public_url"):
        gate(auth_token=SECRET)
    with pytest.raises(ConfigError, match="https"):
        gate(public_url="voice.example.com")
    assert SECRET not in repr(gate(public_url=PUBLIC, auth_token=SECRET))
    assert gate().loopback_only
    assert not gate(public_url=PUBLIC, auth_token=SECRET).loopback_only
