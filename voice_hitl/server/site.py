"""The web application that every mode serves: telephony and health; and the port that it listens on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack

from aiohttp import web

from voice_hitl.call.line import CALLER
from voice_hitl.clock import Clock
from voice_hitl.config import Config
from voice_hitl.errors import ConfigError
from voice_hitl.log import get_logger
from voice_hitl.server.http import one_shape
from voice_hitl.server.media import StreamSession, media_socket
from voice_hitl.server.twilio import TwilioGate
from voice_hitl.telephony.tokens import TokenStore
from voice_hitl.telephony.twiml import Fallback

log = get_logger(__name__)


def twilio_gate(
    config: Config,
    tokens: TokenStore,
    clock: Clock,
    accepting: Callable[[], bool],
    unserved: Callable[[str], bool],
) -> TwilioGate:
    """The carrier's webhooks as configured.

    `accepting`: whether there is room for a further call; `unserved`: whether a call got no service and is
    sent on.
    """
    token = config.twilio.auth_token
    return TwilioGate(
        tokens=tokens,
        clock=clock.now,
        public_url=config.server.public_url,
        auth_token=None if token is None else token.get_secret_value(),
        fallback=Fallback(number=config.twilio.fallback_number),
        parameters=lambda form: {CALLER: form.get("From", "unknown")},
        accepting=accepting,
        unserved=unserved,
        announcement=config.twilio.announcement,
        on_status=lambda status: log.info(
            "call status", call_sid=status.call_sid, status=status.status
        ),
    )


def application(
    gate: TwilioGate, open_line: Callable[[], StreamSession], live: Callable[[], int]
) -> web.Application:
    """The routes that every mode has: telephony and health."""

    async def media(request: web.Request) -> web.StreamResponse:
        refusal = gate.check_upgrade(request)
        return refusal if refusal is not None else await media_socket(request, open_line)

    async def healthy(_request: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    async def ready(_request: web.Request) -> web.Response:
        room = gate.accepting()
        return web.json_response({"ready": room, "calls": live()}, status=200 if room else 503)

    app = web.Application(middlewares=[one_shape])
    app.router.add_post("/twilio/voice", gate.voice)
    app.router.add_post("/twilio/after", gate.after)
    app.router.add_post("/twilio/status", gate.status)
    app.router.add_get("/twilio/media", media)
    app.router.add_get("/healthz", healthy)
    app.router.add_get("/readyz", ready)
    return app


async def listen(config: Config, app: web.Application, stack: AsyncExitStack) -> int:
    """Open the port; returns it."""
    host = config.server.host
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=2.0)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    try:
        await web.TCPSite(runner, host, config.server.port).start()
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {host}:{config.server.port}: {error.strerror}; "
            "choose another --port, or stop whatever has it"
        ) from error
    return int(runner.addresses[0][1])
