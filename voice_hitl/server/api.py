"""The REST interface under `/api/v1`: accounts, stored calls, and the document of all of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, isfinite

import orjson
from aiohttp import web

from handoff.ports import CallRecord, DecisionRecord, HandoffRecord, Store, TurnRecord
from voice_hitl.clock import Clock
from voice_hitl.server.attempts import Attempts
from voice_hitl.server.auth import COOKIE, Accounts, Identity, TooManyHashes
from voice_hitl.server.openapi import (
    Identify,
    Query,
    Route,
    add_routes,
    answer,
    document,
    read_body,
)
from voice_hitl.server.peers import client_address
from voice_hitl.server.wire import ErrorBody, Session, SetUp, SignIn, WireModel

MAX_CALLS = 1000


class CallPage(WireModel):
    """Calls, newest first."""

    calls: list[CallRecord]


class CallDetail(WireModel):
    """All that is stored of one call."""

    call: CallRecord
    turns: list[TurnRecord]
    decisions: list[DecisionRecord]
    handoffs: list[HandoffRecord]


class Api:
    """The handlers, over accounts and store."""

    def __init__(
        self,
        accounts: Accounts,
        store: Store,
        clock: Clock,
        identify: Identify,
        secure_cookies: bool,
        trusted_proxies: Sequence[str],
        informed: Callable[[str, str], None],
        others: Sequence[Route] = (),
    ) -> None:
        """`trusted_proxies`: see `client_address`. `informed` is told that an operator sees what the AI makes
        of a call; `others` are further routes that the document lists and `add_to` registers."""
        self._secure = secure_cookies
        self._trusted_proxies = trusted_proxies
        self._attempts = Attempts()
        self._accounts = accounts
        self._store = store
        self._clock = clock
        self._identify = identify
        self._informed = informed
        self.routes = [
            Route(
                "POST",
                "/setup",
                "Make the first account with the one-time link's token",
                self.set_up,
                SetUp,
                {
                    200: Session,
                    403: ErrorBody,
                    415: ErrorBody,
                    422: ErrorBody,
                    503: ErrorBody,
                },
            ),
            Route(
                "POST",
                "/session",
                "Sign in",
                self.sign_in,
                SignIn,
                {
                    200: Session,
                    401: ErrorBody,
                    403: ErrorBody,
                    415: ErrorBody,
                    422: ErrorBody,
                    429: ErrorBody,
                    503: ErrorBody,
                },
            ),
            Route(
                "GET",
                "/session",
                "Who is signed in",
                self.who,
                None,
                {200: Session, 401: ErrorBody, 403: ErrorBody},
                needs_session=True,
            ),
            Route(
                "DELETE",
                "/session",
                "Sign out",
                self.sign_out,
                None,
                {204: None, 401: ErrorBody, 403: ErrorBody},
                needs_session=True,
            ),
            Route(
                "GET",
                "/calls",
                "Stored calls, newest first",
                self.calls,
                None,
                {200: CallPage, 401: ErrorBody, 403: ErrorBody, 422: ErrorBody},
                needs_session=True,
                query=(
                    Query(
                        "limit",
                        "How many calls at most",
                        {"type": "integer", "minimum": 1, "maximum": MAX_CALLS, "default": 100},
                    ),
                    Query(
                        "before",
                        "Only calls that began before this Unix time, in seconds",
                        {"type": "number"},
                    ),
                ),
            ),
            Route(
                "GET",
                "/calls/{call_id}",
                "One call with its transcript, decisions and handoffs",
                self.call,
                None,
                {200: CallDetail, 401: ErrorBody, 403: ErrorBody, 404: ErrorBody},
                needs_session=True,
            ),
            Route("GET", "/openapi.json", "This document", self.openapi, None, {200: None}),
            *others,
        ]
        self._document = orjson.dumps(document(self.routes))  # takes 20 ms: once, not for everybody

    def add_to(self, app: web.Application) -> None:
        """Register every route."""
        add_routes(app, self.routes)

    # --- accounts ---

    async def set_up(self, request: web.Request) -> web.Response:
        """`POST /setup`."""
        body = await read_body(request, SetUp)
        try:
            identity = await self._accounts.set_up(
                body.token, body.name, body.password, self._clock.wall()
            )
        except TooManyHashes as error:
            raise _busy(error) from error
        if identity is None:
            raise web.HTTPForbidden(
                text="this link was used or is not valid; restart the server for a new one, "
                "or use `voice-hitl users add`"
            )
        return await self._signed_in(request, identity)

    async def sign_in(self, request: web.Request) -> web.Response:
        """`POST /session`."""
        body = await read_body(request, SignIn)
        address = client_address(request, self._trusted_proxies)
        wait = self._attempts.begin(body.name, address, self._clock.now())
        if wait > 0.0:
            seconds = ceil(wait)
            raise web.HTTPTooManyRequests(
                text=f"too many failed sign-ins; try again in {seconds} s",
                headers={"Retry-After": str(seconds)},
            )
        try:
            identity = await self._accounts.sign_in(body.name, body.password)
        except TooManyHashes as error:
            self._attempts.withdrawn(body.name, address)
            raise _busy(error) from error
        if identity is None:
            raise web.HTTPUnauthorized(text="name or password is wrong")
        self._attempts.succeeded(body.name, address)
        return await self._signed_in(request, identity)

    async def who(self, request: web.Request) -> web.Response:
        """`GET /session`."""
        identity = await self._identify(request)
        return answer(_session(identity))

    async def sign_out(self, request: web.Request) -> web.Response:
        """`DELETE /session`."""
        await self._identify(request)
        await self._accounts.close_session(request.cookies.get(COOKIE, ""))
        response = web.Response(status=204)
        response.del_cookie(COOKIE, path="/")
        return response

    async def _signed_in(self, request: web.Request, identity: Identity) -> web.Response:
        token = await self._accounts.open_session(identity, self._clock.wall())
        response = answer(_session(identity))
        response.set_cookie(
            COOKIE,
            token,
            path="/",
            httponly=True,
            samesite="Strict",
            secure=self._secure,
            max_age=round(self._accounts.session_seconds),
        )
        return response

    # --- calls ---

    async def calls(self, request: web.Request) -> web.Response:
        """`GET /calls`."""
        await self._identify(request)
        found = await self._store.calls(limit=_limit(request), before=_before(request))
        return answer(CallPage(calls=found))

    async def call(self, request: web.Request) -> web.Response:
        """`GET /calls/{call_id}`."""
        identity = await self._identify(request)
        call_id = request.match_info["call_id"]
        self._informed(identity.operator_id, call_id)  # first: a review of it would not be blind
        call = await self._store.call(call_id)
        if call is None:
            raise web.HTTPNotFound(text=f"there is no call {call_id}")
        return answer(
            CallDetail(
                call=call,
                turns=await self._store.turns(call_id),
                decisions=await self._store.decisions(call_id),
                handoffs=await self._store.handoffs(call_id),
            )
        )

    # --- the document ---

    async def openapi(self, _request: web.Request) -> web.Response:
        """`GET /openapi.json`."""
        return web.Response(body=self._document, content_type="application/json")


def _busy(error: TooManyHashes) -> web.HTTPServiceUnavailable:
    return web.HTTPServiceUnavailable(text=str(error), headers={"Retry-After": "1"})


def _limit(request: web.Request) -> int:
    given = request.query.get("limit", "100")
    # Of digits alone and few of them: `int` takes more than a document of ours should promise.
    limit = int(given) if given.isascii() and given.isdigit() and len(given) <= 4 else 0
    if not 1 <= limit <= MAX_CALLS:
        raise web.HTTPUnprocessableEntity(
            text=f"limit: not a whole number from 1 to {MAX_CALLS}: {given[:40]!r}"
        )
    return limit


def _before(request: web.Request) -> float | None:
    given = request.query.get("before")
    if given is None:
        return None
    try:
        before = float(given)
    except ValueError:
        before = float("nan")
    if not isfinite(before):
        raise web.HTTPUnprocessableEntity(text=f"before: not a time in seconds: {given[:40]!r}")
    return before


def _session(identity: Identity) -> Session:
    return Session.model_validate(
        {"operator_id": identity.operator_id, "name": identity.name, "role": identity.role}
    )
