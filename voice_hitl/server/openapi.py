"""One table of routes is the REST interface and its OpenAPI document; reading bodies and writing answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from aiohttp import web
from pydantic import BaseModel, TypeAdapter, ValidationError

from voice_hitl.server.auth import COOKIE, Identity
from voice_hitl.server.http import refuse_foreign_page
from voice_hitl.server.wire import ErrorBody

PREFIX = "/api/v1"
MAX_BODY = 64 * 1024

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Identify = Callable[[web.Request], Awaitable[Identity]]
Model = TypeVar("Model", bound=BaseModel)
Answers = dict[int, type[BaseModel] | None]
KEPT: Answers = {
    204: None,
    401: ErrorBody,
    403: ErrorBody,
    404: ErrorBody,
    422: ErrorBody,
    503: ErrorBody,
}
"""What an operation answers that keeps what it is told of something that is there (`kept`)."""


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
    answers: Answers
    needs_session: bool = False
    query: tuple[Query, ...] = ()


def add_routes(app: web.Application, routes: Iterable[Route]) -> None:
    """Register every route."""
    for route in routes:
        app.router.add_route(route.method, PREFIX + route.path, route.handler)


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the routes."""
    schemas: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for route in routes:
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


async def read_body(request: web.Request, model: type[Model]) -> Model:
    """The body of a request from one of our pages; raises the HTTP error that says what is wrong with it."""
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


def kept(stored: bool) -> web.Response:
    """204 for what is stored; raises the 503 that says that it may not be."""
    if not stored:
        raise web.HTTPServiceUnavailable(
            text="the store did not confirm in time that this is kept: say it again"
        )
    return web.Response(status=204)


def answer(body: BaseModel) -> web.Response:
    """A JSON answer."""
    return web.Response(text=body.model_dump_json(), content_type="application/json")
