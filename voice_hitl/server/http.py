"""The one port: routes, the console's files, security headers and errors in one shape."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from voice_hitl.errors import ConfigError
from voice_hitl.log import get_logger
from voice_hitl.server.wire import ErrorBody

log = get_logger(__name__)

CONSOLE_FILES = Path(__file__).parent.parent / "console" / "dist"

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; "
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "Permissions-Policy": "microphone=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PUBLIC_URL = web.AppKey("public_url", str)
"""The server's address as browsers know it, where a proxy is in front of it."""


def refuse_foreign_page(request: web.Request) -> None:
    """Raise 403 if another site's page asks; who names no page (not a browser) may ask."""
    origin = request.headers.get("Origin")
    if origin is None:
        return
    asked = urlsplit(origin).netloc
    own = {request.host, urlsplit(request.app.get(PUBLIC_URL, "")).netloc} - {""}
    if asked not in own:
        raise web.HTTPForbidden(text="this page may not talk to this server")


@web.middleware
async def one_shape(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors of the API as JSON (`ErrorBody`); security headers on every answer."""
    api = request.path.startswith("/api/")
    response: web.StreamResponse
    try:
        response = await handler(request)
    except web.HTTPException as error:
        error.headers.update(SECURITY_HEADERS)
        if error.status < 400 or not api:
            raise
        response = _error(error.status, error.text or error.reason)
        for name in ("Allow", "Retry-After"):
            if name in error.headers:
                response.headers[name] = error.headers[name]
    except Exception:
        if not api:
            raise
        log.exception("a request failed", method=request.method, path=request.path)
        response = _error(500, "the server could not do this; its log says why")
    if not response.prepared:
        response.headers.update(SECURITY_HEADERS)
    return response


def _error(status: int, words: str) -> web.Response:
    return web.json_response(ErrorBody(error=words).model_dump(), status=status)


def add_console(app: web.Application) -> None:
    """Serve the built console at `/`; raise `ConfigError` if it was never built."""
    index = CONSOLE_FILES / "index.html"
    if not index.is_file():
        raise ConfigError(
            "the operator console is not built; run `pip install .` (or `python hatch_build.py`) first"
        )

    async def page(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(index, headers={"Cache-Control": "no-cache"})

    app.router.add_get("/", page)
    app.router.add_get("/setup", page)
    for path in sorted(CONSOLE_FILES.iterdir()):
        if path.is_dir():
            app.router.add_static(f"/{path.name}/", path)
        elif path.name != "index.html":
            app.router.add_get(f"/{path.name}", _file(path))


def _file(path: Path) -> Handler:
    async def serve(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(path)

    return serve
