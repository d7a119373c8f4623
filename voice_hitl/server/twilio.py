"""Twilio's webhooks, and the gate before the media stream.

Who may come in:

- With an auth token: whoever signs as Twilio does, judged against the configured public URL.
- Without one: callers on this machine only (see `peers`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlsplit

from aiohttp import web

from voice_hitl.errors import ConfigError
from voice_hitl.log import get_logger
from voice_hitl.server.peers import is_local
from voice_hitl.telephony import twiml
from voice_hitl.telephony.signature import HEADER, SignatureChecker, websocket_url
from voice_hitl.telephony.tokens import TokenStore

MEDIA_PATH = "/twilio/media"
AFTER_PATH = "/twilio/after"
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CallStatus:
    """What Twilio says of a call's life, outside the media stream."""

    call_sid: str
    status: str  # queued | ringing | in-progress | completed | busy | failed | no-answer | canceled


@dataclass(frozen=True, kw_only=True)
class TwilioGate:
    """The webhook handlers with all they depend on.

    `parameters` makes the stream's `<Parameter>`s from the webhook's form; `accepting` says whether there
    is room for a further call; `unserved` whether a call whose stream is over still needs the fallback
    (asked by CallSid); `on_status` takes what Twilio reports. `clock` gives monotonic seconds.
    Raises `ConfigError` for an auth token without a public URL.
    """

    tokens: TokenStore
    clock: Callable[[], float]
    parameters: Callable[[Mapping[str, str]], Mapping[str, str]]
    accepting: Callable[[], bool]
    unserved: Callable[[str], bool]
    on_status: Callable[[CallStatus], None]
    public_url: str | None = None
    auth_token: str | None = field(default=None, repr=False)
    announcement: str = ""
    fallback: twiml.Fallback = field(default_factory=twiml.Fallback)

    def __post_init__(self) -> None:
        if self.auth_token is not None and self.public_url is None:
            raise ConfigError(
                "twilio.auth_token is set but server.public_url is not: Twilio's signatures can only "
                "be checked against the URL that Twilio calls"
            )
        if self.public_url is not None:
            websocket_url(self.public_url)

    @property
    def loopback_only(self) -> bool:
        """Whether only callers on this machine are let in."""
        return self.auth_token is None

    async def voice(self, request: web.Request) -> web.Response:
        """`POST /twilio/voice`: a call comes in; answer with the stream to open."""
        form, refusal = await self._admit(request)
        if refusal is not None:
            return refusal
        call_sid = form.get("CallSid", "")
        if not call_sid:
            return _refuse(request, 400, "the form has no CallSid")
        if not self.accepting():
            _log.warning("call_refused_full", call_sid=call_sid)
            return _twiml(twiml.fall_back(self.fallback))
        try:
            answer = twiml.connect(
                stream_url=self._stream_url(request),
                token=self.tokens.issue(call_sid, self.clock()),
                parameters=self.parameters(form),
                announcement=self.announcement,
                fallback=self.fallback,
                action=urlsplit(self.public_url or "").path.rstrip("/") + AFTER_PATH,
            )
        except ValueError as error:  # a parameter that Twilio would drop
            _log.error("call_refused", call_sid=call_sid, why=str(error))
            answer = twiml.fall_back(self.fallback)
        return _twiml(answer)

    async def after(self, request: web.Request) -> web.Response:
        """`POST /twilio/after`: the stream is over; say what comes next."""
        form, refusal = await self._admit(request)
        if refusal is not None:
            return refusal
        if self.unserved(form.get("CallSid", "")):
            return _twiml(twiml.fall_back(self.fallback))
        return _twiml(twiml.hang_up())

    async def status(self, request: web.Request) -> web.Response:
        """`POST /twilio/status`: the call's life as Twilio sees it."""
        form, refusal = await self._admit(request)
        if refusal is not None:
            return refusal
        call_sid = form.get("CallSid", "")
        if not call_sid:
            return _refuse(request, 400, "the form has no CallSid")
        self.on_status(CallStatus(call_sid, form.get("CallStatus", "")))
        return web.Response(status=204)

    def check_upgrade(self, request: web.Request) -> web.Response | None:
        """Whether a client may open the media WebSocket: None, or the refusal to answer with."""
        if self._signatures is None:
            return self._local_only(request)
        if self._signatures.upgrade(request.raw_path, request.headers.get(HEADER, "")):
            return None
        return _refuse(request, 403, _BAD_SIGNATURE)

    @cached_property
    def _signatures(self) -> SignatureChecker | None:
        if self.auth_token is None or self.public_url is None:
            return None
        return SignatureChecker(self.auth_token, self.public_url)

    async def _admit(self, request: web.Request) -> tuple[dict[str, str], web.Response | None]:
        """The form of a webhook that may come in, or why it may not."""
        if self._signatures is None:
            refusal = self._local_only(request)
            if refusal is not None:
                return {}, refusal
        if request.content_type != "application/x-www-form-urlencoded":
            return {}, _refuse(request, 415, "webhooks are form-encoded")
        try:
            posted = await request.post()
        except (ValueError, LookupError):  # not in the charset it claims, or no such charset
            return {}, _refuse(request, 400, "the form cannot be decoded")
        form = {name: value for name, value in posted.items() if isinstance(value, str)}
        if self._signatures is not None and not self._signatures.webhook(
            request.raw_path,
            posted,  # type: ignore[arg-type]  # a multi-dict: the signature covers every value
            request.headers.get(HEADER, ""),
        ):
            return {}, _refuse(request, 403, _BAD_SIGNATURE)
        return form, None

    def _local_only(self, request: web.Request) -> web.Response | None:
        return None if is_local(request) else _refuse(request, 403, _NOT_LOCAL)

    def _stream_url(self, request: web.Request) -> str:
        if self.public_url is not None:
            return websocket_url(self.public_url.rstrip("/")) + MEDIA_PATH
        return f"ws://{request.headers['Host']}{MEDIA_PATH}"


_BAD_SIGNATURE = (
    "the X-Twilio-Signature does not fit: check twilio.auth_token, and that Twilio calls exactly the "
    "configured server.public_url"
)
_NOT_LOCAL = (
    "without twilio.auth_token only callers on this machine are accepted: set the auth token and "
    "server.public_url to take calls from outside"
)


def _twiml(document: str) -> web.Response:
    return web.Response(text=document, content_type="text/xml", charset="utf-8")


def _refuse(request: web.Request, status: int, why: str) -> web.Response:
    _log.warning("webhook_refused", path=request.path, status=status, why=why)
    return web.Response(status=status, text=why + "\n")
