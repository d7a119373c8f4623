"""The REST interface under `/api/v1`, and its OpenAPI document, which is made from the same table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import ceil, isfinite
from typing import Any, Literal, TypeVar

from aiohttp import web
from pydantic import BaseModel, TypeAdapter, ValidationError

from handoff.ports import CallRecord, DecisionRecord, HandoffRecord, Store, TurnRecord
from voice_hitl.clock import Clock
from voice_hitl.server.attempts import Attempts
from voice_hitl.server.auth import COOKIE, Accounts, Identity
from voice_hitl.server.http import refuse_foreign_page
from voice_hitl.server.wire import ErrorBody, Session, SetUp, SignIn, WireModel

PREFIX = "/api/v1"
MAX_BODY = 64 * 1024
MAX_CALLS = 1000

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Identify = Callable[[web.Request], Awaitable[Identity]]
Model = TypeVar("Model", bound=BaseModel)


class CallPage(WireModel):
    """Calls, newest first."""

    calls: list[CallRecord]


class CallDetail(WireModel):
    """All that is stored of one call."""

    call: CallRecord
    turns: list[TurnRecord]
    decisions: list[DecisionRecord]
    handoffs: list[HandoffRecord]


@dataclass(frozen=True, slots=True)
class Query:
    """A parameter of an operation's query: its name, its meaning and its JSON schema."""

    name: str
    meaning: str
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of the interface; the table of these is the interface."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    summary: str
    handler: Handler
    body: type[BaseModel] | None
    answers: dict[int, type[BaseModel] | None]
    needs_session: bool = False
    query: tuple[Query, ...] = ()


class Api:
    """The handlers, over accounts and store."""

    def __init__(
        self,
        accounts: Accounts,
        store: Store,
        clock: Clock,
        identify: Identify,
        secure_cookies: bool,
    ) -> None:
        self._secure = secure_cookies
        self._attempts = Attempts()
        self._accounts = accounts
        self._store = store
        self._clock = clock
        self._identify = identify
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
        ]

    def add_to(self, app: web.Application) -> None:
        """Register every route."""
        for route in self.routes:
            app.router.add_route(route.method, PREFIX + route.path, route.handler)

    # --- accounts ---

    async def set_up(self, request: web.Request) -> web.Response:
        """`POST /setup`."""
        body = await _body(request, SetUp)
        identity = await self._accounts.set_up(
            body.token, body.name, body.password, self._clock.wall()
        )
        if identity is None:
            raise web.HTTPForbidden(
                text="this link was used or is not valid; restart the server for a new one, "
                "or use `voice-hitl users add`"
            )
        return await self._signed_in(request, identity)

    async def sign_in(self, request: web.Request) -> web.Response:
        """`POST /session`."""
        body = await _body(request, SignIn)
        address = request.remote or ""
        wait = self._attempts.begin(body.name, address, self._clock.now())
        if wait > 0.0:
            seconds = ceil(wait)
            raise web.HTTPTooManyRequests(
                text=f"too many failed sign-ins; try again in {seconds} s",
                headers={"Retry-After": str(seconds)},
            )
        identity = await self._accounts.sign_in(body.name, body.password)
        if identity is None:
            raise web.HTTPUnauthorized(text="name or password is wrong")
        self._attempts.succeeded(body.name, address)
        return await self._signed_in(request, identity)

    async def who(self, request: web.Request) -> web.Response:
        """`GET /session`."""
        identity = await self._identify(request)
        return _json(Session(operator_id=identity.operator_id, name=identity.name))

    async def sign_out(self, request: web.Request) -> web.Response:
        """`DELETE /session`."""
        await self._identify(request)
        await self._accounts.close_session(request.cookies.get(COOKIE, ""))
        response = web.Response(status=204)
        response.del_cookie(COOKIE, path="/")
        return response

    async def _signed_in(self, request: web.Request, identity: Identity) -> web.Response:
        token = await self._accounts.open_session(identity, self._clock.wall())
        response = _json(Session(operator_id=identity.operator_id, name=identity.name))
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
        return _json(CallPage(calls=found))

    async def call(self, request: web.Request) -> web.Response:
        """`GET /calls/{call_id}`."""
        await self._identify(request)
        call_id = request.match_info["call_id"]
        call = await self._store.call(call_id)
        if call is None:
            raise web.HTTPNotFound(text=f"there is no call {call_id}")
        return _json(
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
        return web.json_response(self.document())

    def document(self) -> dict[str, Any]:
        """The OpenAPI 3.1 document of the routes."""
        schemas: dict[str, Any] = {}
        paths: dict[str, Any] = {}
        for route in self.routes:
            operation: dict[str, Any] = {
                "summary": route.summary,
                "operationId": route.handler.__name__,
                "responses": {
                    str(status): _answer(model, schemas) for status, model in route.answers.items()
                },
            }
            if route.body is not None:
                operation["requestBody"] = {
                    "required": True,
                    "content": {"application/json": {"schema": _schema(route.body, schemas)}},
                }
            names = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
            parameters: list[dict[str, Any]] = [
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                for name in names
            ] + [
                {"name": q.name, "in": "query", "description": q.meaning, "schema": q.schema}
                for q in route.query
            ]
            if parameters:
                operation["parameters"] = parameters
            if route.needs_session:
                operation["security"] = [{"session": []}]
            paths.setdefault(PREFIX + route.path, {})[route.method.lower()] = operation
        return {
            "openapi": "3.1.0",
            "info": {"title": "voice-hitl", "version": "1"},
            "paths": paths,
            "components": {
                "schemas": schemas,
                "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": COOKIE}},
            },
        }


def _answer(model: type[BaseModel] | None, schemas: dict[str, Any]) -> dict[str, Any]:
    if model is None:
        return {"description": "done"}
    return {
        "description": (model.__doc__ or "").strip(),
        "content": {"application/json": {"schema": _schema(model, schemas)}},
    }


def _schema(model: type[BaseModel], schemas: dict[str, Any]) -> dict[str, str]:
    schema = TypeAdapter(model).json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs", {}))
    schemas[model.__name__] = schema
    return {"$ref": f"#/components/schemas/{model.__name__}"}


async def _body(request: web.Request, model: type[Model]) -> Model:
    refuse_foreign_page(request)
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="send application/json")
    if (request.content_length or 0) > MAX_BODY:
        raise web.HTTPRequestEntityTooLarge(MAX_BODY, request.content_length or 0)
    try:
        return model.model_validate_json(await request.read())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise web.HTTPUnprocessableEntity(text=f"{where}: {first['msg']}") from error


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


def _json(body: BaseModel) -> web.Response:
    return web.Response(text=body.model_dump_json(), content_type="application/json")
