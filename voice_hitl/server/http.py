"""The one port: routes, the console's files, security headers and errors in one shape."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from voice_hitl.errors import ConfigError
from voice_hitl.server.wire import ErrorBody

CONSOLE_FILES = Path(__file__).parent.parent / "console" / "dist"

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "worker-src 'self' blob:; connect-src 'self' ws: wss:; frame-ancestors 'none'"
    ),
    "Permissions-Policy": "microphone=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def one_shape(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors of the API as JSON (`ErrorBody`); security headers on every page."""
    try:
        response = await handler(request)
    except web.HTTPException as error:
        if error.status < 400 or not request.path.startswith("/api/"):
            raise
        body = ErrorBody(error=error.text or error.reason)
        return web.json_response(body.model_dump(), status=error.status)
    if not response.prepared:
        response.headers.update(SECURITY_HEADERS)
    return response


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
