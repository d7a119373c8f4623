from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from voice_hitl.errors import ConfigError
from voice_hitl.server import http
from voice_hitl.server.http import SECURITY_HEADERS, add_console, one_shape

Client = TestClient[web.Request, web.Application]


@pytest.fixture
def dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built console, small."""
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<title>console</title>")
    (dist / "favicon.svg").write_text("<svg/>")
    (dist / "assets" / "index-1a2b.js").write_text("start()")
    (tmp_path / "secret.txt").write_text("not for the world")
    monkeypatch.setattr(http, "CONSOLE_FILES", dist)
    return dist


@pytest.fixture
async def client(dist: Path) -> AsyncIterator[Client]:
    async def refuse(_request: web.Request) -> web.Response:
        raise web.HTTPForbidden(text="this link is not valid; ask for a new one")

    async def move(_request: web.Request) -> web.Response:
        raise web.HTTPFound("/elsewhere")

    async def break_down(_request: web.Request) -> web.Response:
        raise ZeroDivisionError("a bug")

    app = web.Application(middlewares=[one_shape])
    app.router.add_get("/api/v1/refuse", refuse)
    app.router.add_get("/refuse", refuse)
    app.router.add_get("/api/v1/move", move)
    app.router.add_get("/api/v1/break", break_down)
    add_console(app)
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/setup", "/setup?token=x"])
async def test_the_console_is_the_page_and_is_asked_for_anew(client: Client, path: str) -> None:
    answer = await client.get(path)
    assert answer.status == 200
    assert answer.content_type == "text/html"
    assert "console" in await answer.text()
    assert answer.headers["Cache-Control"] == "no-cache"


async def test_the_consoles_files_are_served_with_their_types(client: Client) -> None:
    script = await client.get("/assets/index-1a2b.js")
    assert (script.status, await script.text()) == (200, "start()")
    assert script.content_type in ("text/javascript", "application/javascript")
    icon = await client.get("/favicon.svg")
    assert (icon.status, icon.content_type) == (200, "image/svg+xml")


@pytest.mark.parametrize(
    "path",
    [
        "/assets/",
        "/assets/absent.js",
        "/assets/../../secret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
    ],
)
async def test_nothing_else_is_served(client: Client, path: str) -> None:
    answer = await client.session.get(URL(f"{client.make_url('/')}"[:-1] + path, encoded=True))
    assert answer.status in (403, 404)
    assert "not for the world" not in await answer.text()


@pytest.mark.parametrize("path", ["/", "/assets/index-1a2b.js", "/favicon.svg"])
async def test_every_page_carries_the_security_headers(client: Client, path: str) -> None:
    answer = await client.get(path)
    assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS


@pytest.mark.parametrize("path", ["/api/v1/refuse", "/refuse", "/absent", "/api/v1/absent"])
async def test_errors_carry_them_too(client: Client, path: str) -> None:
    answer = await client.get(path)
    assert answer.status in (403, 404)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


async def test_errors_of_the_api_have_one_shape(client: Client) -> None:
    answer = await client.get("/api/v1/refuse")
    assert answer.status == 403
    assert await answer.json() == {"error": "this link is not valid; ask for a new one"}
    absent = await client.get("/api/v1/absent")
    assert absent.status == 404
    assert set(await absent.json()) == {"error"}


async def test_a_method_that_is_not_allowed_says_which_is(client: Client) -> None:
    answer = await client.delete("/api/v1/refuse")
    assert answer.status == 405
    assert set(await answer.json()) == {"error"}
    assert "GET" in answer.headers["Allow"]


async def test_a_bug_in_the_api_is_told_in_the_same_shape_without_its_insides(
    client: Client,
) -> None:
    answer = await client.get("/api/v1/break")
    assert answer.status == 500
    text = str((await answer.json())["error"])
    assert "ZeroDivisionError" not in text
    assert "a bug" not in text


async def test_redirects_and_pages_are_left_as_they_are(client: Client) -> None:
    moved = await client.get("/api/v1/move", allow_redirects=False)
    assert (moved.status, moved.headers["Location"]) == (302, "/elsewhere")
    page = await client.get("/refuse")
    assert (page.status, page.content_type) == (403, "text/plain")


async def test_a_console_that_was_never_built_is_said_at_start(dist: Path) -> None:
    (dist / "index.html").unlink()
    with pytest.raises(ConfigError, match="pip install"):
        add_console(web.Application())
