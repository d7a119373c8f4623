from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher

from handoff.ports import CallRecord
from handoff.testing import MemoryStore
from voice_hitl.clock import Clock
from voice_hitl.server import api, auth
from voice_hitl.server.api import Api
from voice_hitl.server.attempts import FREE_FOR_ADDRESS, FREE_FOR_NAME
from voice_hitl.server.auth import COOKIE, Accounts, Identity
from voice_hitl.server.http import one_shape

Client = TestClient[web.Request, web.Application]
PASSWORD = "correct horse"


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


INFORMED = web.AppKey("informed", list[tuple[str, str]])  # operators and calls


@pytest.fixture
def accounts(store: MemoryStore) -> Accounts:
    return Accounts(store, session_seconds=3600)


@pytest.fixture
async def client(store: MemoryStore, accounts: Accounts) -> AsyncIterator[Client]:
    clock = Clock.of_running_loop()

    async def identify(request: web.Request) -> Identity:
        identity = await accounts.identify(request.cookies.get(COOKIE), clock.wall())
        if identity is None:
            raise web.HTTPUnauthorized(text="sign in first")
        return identity

    app = web.Application(middlewares=[one_shape])
    app[INFORMED] = []
    Api(
        accounts,
        store,
        clock,
        identify,
        secure_cookies=False,
        trusted_proxies=("127.0.0.1/32",),
        informed=lambda *told: app[INFORMED].append(told),
    ).add_to(app)
    async with TestClient(TestServer(app)) as client:
        yield client


async def sign_in(client: Client, accounts: Accounts) -> None:
    await accounts.add("ana", PASSWORD, 0.0)
    answer = await client.post("/api/v1/session", json={"name": "ana", "password": PASSWORD})
    assert answer.status == 200


async def test_the_one_time_link_makes_an_account_and_signs_in(
    client: Client, accounts: Accounts
) -> None:
    token = await accounts.first_link_token()
    body = {"token": token, "name": "ana", "password": "long enough"}
    answer = await client.post("/api/v1/setup", json=body)
    assert answer.status == 200
    assert (await (await client.get("/api/v1/session")).json())["name"] == "ana"
    again = await client.post("/api/v1/setup", json=body)
    assert again.status == 403
    assert "restart the server" in (await again.json())["error"]


async def test_signing_in_and_out(client: Client, accounts: Accounts) -> None:
    assert (await client.get("/api/v1/session")).status == 401
    await sign_in(client, accounts)
    assert (await client.get("/api/v1/session")).status == 200
    assert (await client.delete("/api/v1/session")).status == 204
    assert (await client.get("/api/v1/session")).status == 401


async def test_the_cookie_cannot_be_read_by_scripts_or_sent_by_other_sites(
    client: Client, accounts: Accounts
) -> None:
    await accounts.add("ana", PASSWORD, 0.0)
    answer = await client.post("/api/v1/session", json={"name": "ana", "password": PASSWORD})
    header = answer.headers["Set-Cookie"]
    assert "HttpOnly" in header
    assert "SameSite=Strict" in header


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "Invalid JSON"),
        (b"{}", "name"),
        (b'{"name": "ana", "password": "x", "more": 1}', "more"),
        (b'{"name": 3, "password": "x"}', "name"),
    ],
)
async def test_a_bad_body_is_refused_in_one_clear_line(
    client: Client, body: bytes, words: str
) -> None:
    answer = await client.post(
        "/api/v1/session", data=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status == 422
    assert words in (await answer.json())["error"]


@pytest.mark.parametrize("path", ["/api/v1/session", "/api/v1/setup"])
async def test_a_foreign_page_can_neither_sign_in_nor_set_up(client: Client, path: str) -> None:
    for origin in ("https://evil.example.com", "null"):
        answer = await client.post(path, json={}, headers={"Origin": origin})
        assert answer.status == 403
        assert (await answer.json())["error"] == "this page may not talk to this server"
    own = str(client.make_url("/")).rstrip("/")
    assert (await client.post(path, json={}, headers={"Origin": own})).status == 422


@pytest.mark.parametrize("path", ["/api/v1/session", "/api/v1/setup"])
async def test_a_form_is_not_json(client: Client, path: str) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        answer = await client.post(path, data=b"{}", headers={"Content-Type": kind})
        assert (answer.status, await answer.json()) == (415, {"error": "send application/json"})


async def test_guessing_passwords_has_to_wait(client: Client, accounts: Accounts) -> None:
    await accounts.add("ana", PASSWORD, 0.0)
    guess = {"name": "ana", "password": "a guess"}
    answers = [await client.post("/api/v1/session", json=guess) for _ in range(FREE_FOR_NAME)]
    assert {answer.status for answer in answers} == {401}
    refused = await client.post("/api/v1/session", json={"name": "ana", "password": PASSWORD})
    assert refused.status == 429
    assert refused.headers["Retry-After"] == "1"
    assert await refused.json() == {"error": "too many failed sign-ins; try again in 1 s"}


async def test_behind_a_proxy_who_guesses_keeps_no_colleague_waiting(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PasswordHasher, "verify", lambda *_: False)

    async def tries(name: str, address: str) -> int:
        body = {"name": name, "password": "a guess"}
        headers = {"X-Forwarded-For": address}
        return (await client.post("/api/v1/session", json=body, headers=headers)).status

    for number in range(FREE_FOR_ADDRESS):
        assert await tries(f"n{number}", "203.0.113.7") == 401
    assert await tries("n0", "203.0.113.7") == 429
    assert await tries("n0", "203.0.113.8") == 401


async def test_who_is_one_too_many_may_sign_in_a_second_later(
    client: Client, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    await accounts.add("ana", PASSWORD, 0.0)
    body = {"name": "ana", "password": PASSWORD}
    with monkeypatch.context() as patch:
        patch.setattr(auth, "MAX_HASHES", 0)
        for _ in range(FREE_FOR_NAME + 1):
            answer = await client.post("/api/v1/session", json=body)
            assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert (await client.post("/api/v1/session", json=body)).status == 200


async def test_calls_are_listed_and_shown_to_who_is_signed_in(
    client: Client, accounts: Accounts, store: MemoryStore
) -> None:
    await store.save(
        [CallRecord(f"CA{n}", "+15550100", "banking", "en", started_at=float(n)) for n in range(3)]
    )
    assert (await client.get("/api/v1/calls")).status == 401
    assert (await client.get("/api/v1/calls/CA1")).status == 401
    await sign_in(client, accounts)
    page = await (await client.get("/api/v1/calls", params={"limit": "2"})).json()
    assert [call["call_id"] for call in page["calls"]] == ["CA2", "CA1"]
    detail = await (await client.get("/api/v1/calls/CA1")).json()
    assert detail["call"]["caller"] == "+15550100"
    assert detail["turns"] == []
    missing = await client.get("/api/v1/calls/CA9")
    assert (missing.status, await missing.json()) == (404, {"error": "there is no call CA9"})


async def test_who_reads_of_a_call_may_not_decide_beside_its_ai_any_more(
    client: Client, accounts: Accounts, store: MemoryStore
) -> None:
    await store.save([CallRecord("CA1", "+15550100", "banking", "en", started_at=1.0)])
    await client.get("/api/v1/calls/CA1")
    assert client.app[INFORMED] == []  # not signed in
    await sign_in(client, accounts)
    await client.get("/api/v1/calls")  # the list tells of no intents
    assert client.app[INFORMED] == []
    await client.get("/api/v1/calls/CA1")
    ((_, call_id),) = client.app[INFORMED]
    assert call_id == "CA1"


@pytest.mark.parametrize("name", ["limit", "before"])
@pytest.mark.parametrize("value", ["many", "nan", "inf", "-inf", "", "1e999"])
async def test_an_odd_page_is_refused(
    client: Client, accounts: Accounts, name: str, value: str
) -> None:
    await sign_in(client, accounts)
    answer = await client.get("/api/v1/calls", params={name: value})
    assert answer.status == 422
    assert (await answer.json())["error"].startswith(f"{name}: not a ")


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "2.5", "99999", "\u00b2"])
async def test_a_limit_is_from_1_to_1000(client: Client, accounts: Accounts, limit: str) -> None:
    await sign_in(client, accounts)
    assert (await client.get("/api/v1/calls", params={"limit": limit})).status == 422
    for fits in ("1", "1000"):
        assert (await client.get("/api/v1/calls", params={"limit": fits})).status == 200


async def test_the_document_is_made_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def again(_routes: object) -> dict[str, object]:
        raise AssertionError("it is made for every reader")

    monkeypatch.setattr(api, "document", again)
    answer = await client.get("/api/v1/openapi.json")
    assert (answer.status, answer.content_type) == (200, "application/json")


async def test_the_document_describes_every_route(client: Client) -> None:
    document = await (await client.get("/api/v1/openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]["/api/v1/session"]) == {"post", "get", "delete"}
    known = document["components"]["schemas"]
    for path in document["paths"].values():
        for operation in path.values():
            for answer in operation["responses"].values():
                for content in answer.get("content", {}).values():
                    assert content["schema"]["$ref"].rsplit("/", 1)[1] in known


async def test_the_document_says_what_needs_a_session_and_how_to_page(client: Client) -> None:
    document = await (await client.get("/api/v1/openapi.json")).json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            open_to_all = {("/api/v1/session", "post"), ("/api/v1/setup", "post")} | {
                ("/api/v1/openapi.json", "get")
            }
            assert ("security" in operation) == ((path, method) not in open_to_all)
    page = document["paths"]["/api/v1/calls"]["get"]["parameters"]
    assert [(p["name"], p["in"]) for p in page] == [("limit", "query"), ("before", "query")]
    assert (page[0]["schema"]["minimum"], page[0]["schema"]["maximum"]) == (1, 1000)
