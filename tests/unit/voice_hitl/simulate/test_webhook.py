from __future__ import annotations

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from voice_hitl.errors import ConfigError, TelephonyError
from voice_hitl.simulate.webhook import Target, post
from voice_hitl.telephony.signature import SignatureChecker

PUBLIC = "https://voice.example.com/phones"


def test_public_addresses_are_reached_where_the_server_really_is() -> None:
    target = Target("http://127.0.0.1:8080/", PUBLIC)
    assert target.known_as == PUBLIC
    assert target.reach(f"{PUBLIC}/twilio/voice") == "http://127.0.0.1:8080/twilio/voice"
    assert (
        target.reach("wss://voice.example.com/phones/twilio/media")
        == "ws://127.0.0.1:8080/twilio/media"
    )
    assert target.reach("wss://voice.example.com.evil/x") == "wss://voice.example.com.evil/x"
    assert Target("http://127.0.0.1:8080").reach("ws://127.0.0.1:8080/a") == "ws://127.0.0.1:8080/a"


def test_signatures_are_made_for_the_public_address_and_only_with_a_token() -> None:
    form = {"CallSid": "CA1", "From": "+1555"}
    target = Target("http://127.0.0.1:8080", PUBLIC, "s3cret")
    checker = SignatureChecker("s3cret", PUBLIC)
    (signature,) = target.signature(f"{PUBLIC}/twilio/voice", form).values()
    assert checker.webhook("/twilio/voice", form, signature)
    (signature,) = target.signature("wss://voice.example.com/phones/twilio/media", {}).values()
    assert checker.upgrade("/twilio/media", signature)
    assert Target("http://127.0.0.1:8080").signature("http://x", form) == {}
    assert "s3cret" not in repr(target)


@pytest.mark.parametrize("url", ["localhost:8080", "ws://localhost"])
def test_a_target_must_be_a_web_address(url: str) -> None:
    with pytest.raises(ConfigError, match="http"):
        Target(url)
    with pytest.raises(ConfigError, match="http"):
        Target("http://localhost", public_url=url)


async def test_a_form_is_posted_and_answered() -> None:
    async def echo(request: web.Request) -> web.Response:
        form = await request.post()
        return web.Response(text=f"{request.content_type} {form['a']!r}")

    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=403, text="not you\n")

    app = web.Application()
    app.router.add_post("/echo", echo)
    app.router.add_post("/refuse", refuse)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        target = Target(str(server.make_url("/")), "https://voice.example.com")
        answer = await post(session, target, "https://voice.example.com/echo", {"a": "ä&b"})
        assert answer == "application/x-www-form-urlencoded 'ä&b'"
        with pytest.raises(TelephonyError, match=r"voice\.example\.com/refuse: HTTP 403: not you$"):
            await post(session, target, "https://voice.example.com/refuse", {"a": "b"})
    async with aiohttp.ClientSession() as session:
        with pytest.raises(TelephonyError, match=r"http://127\.0\.0\.1:1/x: .+"):
            await post(session, Target("http://127.0.0.1:1"), "http://127.0.0.1:1/x", {})
