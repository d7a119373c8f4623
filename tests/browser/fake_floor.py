"""A floor without phones: speaks the console's protocol so that pages can be tested and worked on alone.

What a console shows and sends is real (`wire.py` both ways, the built files, a strict content security
policy, cookies, 20 ms audio frames); the calls are set by the test. It carries out an operator's commands as
the server does: presence, accept, decline, take, hand back, end, answers to approvals, dispositions.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from aiohttp import WSCloseCode, WSMsgType, web

from tests.browser.fake_work import FakeWork
from tests.browser.sound import Samples, babble
from voice_hitl.console import dist
from voice_hitl.server import wire

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

COOKIE = "vh_session"
FRAME_SAMPLES = 160
FRAME_BYTES = 4 + 2 * FRAME_SAMPLES

# Nothing but this origin, no inline script and no inline style: what the console is built to live with.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


@dataclass
class Person:
    """An account; `view` is what colleagues see."""

    view: wire.OperatorView
    password: str


@dataclass
class Bridge:
    """A call that an operator talks on."""

    operator_id: str
    epoch: int
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    sequences: list[int] = field(default_factory=list)


class FakeFloor:
    """`async with FakeFloor() as floor:` serves it on a free port of this machine."""

    def __init__(self, *, guidelines: str = "", version: str = "1", port: int = 0) -> None:
        self.setup_token = secrets.token_urlsafe(16)
        self.people: dict[str, Person] = {}
        self.calls: dict[str, wire.CallView] = {}
        self.lines: dict[str, list[wire.TranscriptEntry]] = {}
        self.offers: dict[str, tuple[str, wire.OfferView]] = {}
        self.briefs: dict[str, wire.BriefView] = {}  # by call
        self.curves: dict[str, list[wire.Point]] = {}  # by call: all its points
        self.lines_at_once = 300
        self.approvals: dict[str, tuple[str, wire.ApprovalView]] = {}
        self.dispositions: list[tuple[str, wire.DispositionBody]] = []
        self.bridges: dict[str, Bridge] = {}
        self.work = FakeWork(self.tell)
        self.commands: list[wire.ConsoleMessage] = []
        self.operator_audio: dict[str, list[Samples]] = {}
        self.caller_voice = babble(seed=1)
        self.reachable = True
        self.guidelines = guidelines
        self.version = version
        self._port = port
        self._sessions: dict[str, str] = {}
        self._consoles: dict[web.WebSocketResponse, str] = {}
        self._watching: dict[web.WebSocketResponse, str | None] = {}
        self._epochs = itertools.count(1)
        self._changed = asyncio.Event()
        self._runner: web.AppRunner | None = None

    # --- the server -----------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/", self._page)
        app.router.add_get("/setup", self._page)
        app.router.add_static("/assets/", dist() / "assets")
        app.router.add_get("/api/v1/session", self._who)
        app.router.add_post("/api/v1/session", self._sign_in)
        app.router.add_delete("/api/v1/session", self._sign_out)
        app.router.add_post("/api/v1/setup", self._set_up)
        app.router.add_post("/api/v1/calls/{call_id}/disposition", self._dispose)
        self.work.add_to(app)
        app.router.add_get("/ws/console", self._console)
        app.router.add_get("/ws/audio/{call_id}", self._audio)
        self._runner = web.AppRunner(app, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self.sever()
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        """Where the console is."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def windows(self) -> int:
        """How many consoles are connected."""
        return len(self._consoles)

    @property
    def setup_url(self) -> str:
        """The one-time link."""
        return f"{self.url}/setup?token={self.setup_token}"

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not self.reachable:
            raise web.HTTPServiceUnavailable
        response = await handler(request)
        if not response.prepared:
            response.headers["Content-Security-Policy"] = POLICY
            response.headers["Cache-Control"] = "no-cache"
        return response

    async def until(self, what: str, happened: Callable[[], bool], seconds: float = 5.0) -> None:
        """Wait until the condition (a function) holds; it is looked at after every command."""
        try:
            async with asyncio.timeout(seconds):
                while not happened():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as error:
            raise AssertionError(f"not within {seconds} s: {what}") from error

    async def sever(self) -> None:
        """Cut every socket, as a lost network does for the browser."""
        sockets = [*self._consoles, *(s for b in self.bridges.values() for s in b.sockets)]
        for socket in sockets:
            await socket.close(code=WSCloseCode.GOING_AWAY)

    def forget_sessions(self) -> None:
        """Every session is over."""
        self._sessions.clear()

    # --- what the test sets ---------------------------------------------------------------------

    def add_person(
        self,
        name: str,
        password: str = "correct horse",
        presence: wire.PresenceState = "away",
        *,
        supervisor: bool = False,
    ) -> str:
        """Add an account; return its id."""
        operator_id = f"op-{len(self.people) + 1}"
        view = wire.OperatorView(
            operator_id=operator_id,
            name=name,
            presence=presence,
            call_id=None,
            role="supervisor" if supervisor else "operator",
            skills=[],
            languages=[],
            seniority="standard",
            load=0,
            resting=False,
        )
        self.people[operator_id] = Person(view, password)
        return operator_id

    async def join(self, name: str, presence: wire.PresenceState) -> str:
        """A colleague comes to the floor; return their id."""
        operator_id = self.add_person(name, presence=presence)
        await self.tell(wire.OperatorChanged(operator=self.people[operator_id].view))
        return operator_id

    async def set_presence(
        self, operator_id: str, presence: wire.PresenceState, call_id: str | None = None
    ) -> None:
        """Change what an operator does."""
        person = self.people[operator_id]
        person.view = person.view.model_copy(update={"presence": presence, "call_id": call_id})
        await self.tell(wire.OperatorChanged(operator=person.view))

    async def set_call(self, call: wire.CallView) -> None:
        """A call is new or different."""
        self.calls[call.call_id] = call
        self.curves[call.call_id] = call.points
        await self.tell(wire.CallChanged(call=call))

    async def change_call(self, call_id: str, **change: object) -> None:
        """Change some fields of a call."""
        await self.set_call(self.calls[call_id].model_copy(update=change))

    async def say(self, call_id: str, entry: wire.TranscriptEntry) -> None:
        """A transcript line is new or different."""
        lines = [line for line in self.lines.get(call_id, []) if line.seq != entry.seq]
        self.lines[call_id] = sorted([*lines, entry], key=lambda line: line.seq)
        for console, watched in list(self._watching.items()):
            if watched == call_id:
                await self._send(console, wire.TranscriptChanged(call_id=call_id, entry=entry))

    async def ring(self, operator_id: str, offer: wire.OfferView) -> None:
        """Offer a call."""
        self.offers[offer.offer_id] = (operator_id, offer)
        self.briefs[offer.call_id] = offer.brief
        await self.set_presence(operator_id, "offered", offer.call_id)
        await self.tell(wire.Offered(offer=offer), operator_id)

    async def stop_ringing(self, offer_id: str, reason: str, message: str) -> None:
        """End an offer."""
        operator_id, offer = self.offers.pop(offer_id)
        await self.tell(
            wire.OfferOver.model_validate(
                {
                    "offer_id": offer_id,
                    "call_id": offer.call_id,
                    "reason": reason,
                    "message": message,
                }
            ),
            operator_id,
        )
        if reason != "accepted":
            await self.set_presence(operator_id, "available")

    async def ask(self, operator_id: str, approval: wire.ApprovalView) -> None:
        """Ask an operator about an action, or again about the same one as it stands now."""
        self.approvals[approval.approval_id] = (operator_id, approval)
        await self.tell(wire.ApprovalAsked(approval=approval), operator_id)

    async def stop_asking(self, approval_id: str, status: str, message: str) -> None:
        """The answer of this operator is not needed any more."""
        operator_id, _ = self.approvals.pop(approval_id)
        over = wire.ApprovalOver(approval_id=approval_id, status=status, message=message)
        await self.tell(over, operator_id)

    async def end_call(self, call_id: str, outcome: str = "automated") -> None:
        """The call is over for everybody."""
        await self._unbridge(call_id, "caller_gone", "The caller hung up.")
        self.calls.pop(call_id, None)
        await self.tell(wire.CallGone.model_validate({"call_id": call_id, "outcome": outcome}))

    async def hang_up_operator(self, call_id: str) -> None:
        """The operator leaves the call to the AI."""
        await self._unbridge(call_id, "handed_back", "You handed the call back to the AI.")

    async def bridge(self, operator_id: str, call_id: str) -> None:
        """The operator and the caller hear one another."""
        epoch = next(self._epochs)
        self.bridges[call_id] = Bridge(operator_id, epoch)
        await self.set_presence(operator_id, "in_call", call_id)
        await self.change_call(
            call_id,
            state="operator",
            operator_id=operator_id,
            operator_name=self.people[operator_id].view.name,
        )
        await self.tell(self._bridged(call_id, epoch), operator_id)

    def _bridged(self, call_id: str, epoch: int) -> wire.Bridged:
        return wire.Bridged(call_id=call_id, epoch=epoch, brief=self.briefs.get(call_id))

    async def tell(self, message: wire.WireModel, operator_id: str | None = None) -> None:
        """Send a message to one operator's consoles, or to all."""
        for console, owner in list(self._consoles.items()):
            if operator_id in (None, owner):
                await self._send(console, message)

    async def hear_operator(self, call_id: str, seconds: float) -> Samples:
        """What the operator says in the next seconds, as the caller hears it."""
        frames = self.operator_audio.setdefault(call_id, [])
        first, count = len(frames), round(seconds / 0.02)
        await self.until(
            f"{seconds} s of the operator's voice",
            lambda: len(frames) >= first + count,
            seconds=seconds + 5,
        )
        return np.concatenate(frames[first : first + count])

    # --- HTTP -----------------------------------------------------------------------------------

    async def _page(self, _request: web.Request) -> web.StreamResponse:
        return web.FileResponse(dist() / "index.html")

    def _operator(self, request: web.Request) -> str:
        operator_id = self._sessions.get(request.cookies.get(COOKIE, ""))
        if operator_id is None:
            raise web.HTTPUnauthorized(
                text=wire.ErrorBody(error="sign in first").model_dump_json(),
                content_type="application/json",
            )
        return operator_id

    def _welcome(self, operator_id: str) -> web.Response:
        token = secrets.token_urlsafe(16)
        self._sessions[token] = operator_id
        session = wire.Session(operator_id=operator_id, name=self.people[operator_id].view.name)
        response = web.json_response(text=session.model_dump_json())
        response.set_cookie(COOKIE, token, httponly=True, samesite="Strict")
        return response

    async def _who(self, request: web.Request) -> web.Response:
        person = self.people[self._operator(request)].view
        session = wire.Session(operator_id=person.operator_id, name=person.name)
        return web.json_response(text=session.model_dump_json())

    async def _sign_in(self, request: web.Request) -> web.Response:
        body = wire.SignIn.model_validate_json(await request.read())
        for operator_id, person in self.people.items():
            if person.view.name == body.name and person.password == body.password:
                return self._welcome(operator_id)
        error = wire.ErrorBody(error="Name or password is wrong.")
        return web.json_response(text=error.model_dump_json(), status=401)

    async def _sign_out(self, request: web.Request) -> web.Response:
        self._sessions.pop(request.cookies.get(COOKIE, ""), None)
        response = web.Response(status=204)
        response.del_cookie(COOKIE)
        return response

    async def _set_up(self, request: web.Request) -> web.Response:
        body = wire.SetUp.model_validate_json(await request.read())
        if body.token != self.setup_token:
            error = wire.ErrorBody(
                error="This link was used already. Restart the server for a new one."
            )
            return web.json_response(text=error.model_dump_json(), status=403)
        self.setup_token = secrets.token_urlsafe(16)
        return self._welcome(self.add_person(body.name, body.password))

    async def _dispose(self, request: web.Request) -> web.Response:
        self._operator(request)
        body = wire.DispositionBody.model_validate_json(await request.read())
        self.dispositions.append((request.match_info["call_id"], body))
        self._changed.set()
        return web.Response(status=204)

    # --- the console's socket -------------------------------------------------------------------

    async def _console(self, request: web.Request) -> web.WebSocketResponse:
        operator_id = self._operator(request)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._consoles[socket] = operator_id
        self._watching[socket] = None
        await self._greet(socket, operator_id)
        self._changed.set()
        try:
            async for message in socket:
                command = wire.console_message.validate_json(message.data)
                self.commands.append(command)
                await self._obey(socket, operator_id, command)
                self._changed.set()
        finally:
            del self._consoles[socket], self._watching[socket]
            self._changed.set()
        return socket

    async def _greet(self, socket: web.WebSocketResponse, operator_id: str) -> None:
        me = self.people[operator_id].view
        await self._send(
            socket,
            wire.Hello(
                me=me,
                operators=[person.view for person in self.people.values()],
                calls=list(self.calls.values()),
                offers=[offer for owner, offer in self.offers.values() if owner == operator_id],
                approvals=[view for owner, view in self.approvals.values() if owner == operator_id],
                reviews=list(self.work.reviews.values()),
                alerts=[],
                callbacks=[],
                callback_offers=[],
                queue=[],
                server_time=time.time(),
                version=self.version,
                guidelines=self.guidelines,
            ),
        )
        for call_id, bridge in self.bridges.items():
            if bridge.operator_id == operator_id:
                await self._send(socket, self._bridged(call_id, bridge.epoch))

    def _latest(
        self, call_id: str, before: int | None = None
    ) -> tuple[list[wire.TranscriptEntry], bool]:
        """Lines that are sent at once, and whether there are earlier ones."""
        lines = self.lines.get(call_id, [])
        known = [line for line in lines if before is None or line.seq < before]
        return known[-self.lines_at_once :], len(known) > self.lines_at_once

    async def _obey(
        self, socket: web.WebSocketResponse, me: str, command: wire.ConsoleMessage
    ) -> None:
        match command:
            case wire.SetPresence(presence=presence):
                await self.set_presence(me, presence)
            case wire.Watch(call_id=call_id):
                self._watching[socket] = call_id
                if call_id is not None:
                    points = self.curves.get(call_id, [])
                    entries, more = self._latest(call_id)
                    await self._send(
                        socket,
                        wire.Transcript(call_id=call_id, entries=entries, more=more, points=points),
                    )
            case wire.Earlier(call_id=call_id, before=before):
                entries, more = self._latest(call_id, before)
                message = wire.TranscriptEarlier(call_id=call_id, entries=entries, more=more)
                await self._send(socket, message)
            case wire.Accept(offer_id=offer_id):
                await self._accept(me, offer_id)
            case wire.Decline(offer_id=offer_id):
                await self.stop_ringing(offer_id, "declined", "You declined.")
            case wire.Take(call_id=call_id):
                await self._take(socket, me, call_id)
            case wire.Approve() | wire.Reject() | wire.Respond():
                await self._answer(socket, command)
            case wire.HandBack(call_id=call_id):
                await self.hang_up_operator(call_id)
            case wire.EndCall(call_id=call_id):
                await self._unbridge(call_id, "operator_ended", "You ended the call.")
                await self.end_call(call_id, "handed_off")
            case _:
                await self.work.obey(me, command)

    async def _accept(self, me: str, offer_id: str) -> None:
        call_id = self.offers[offer_id][1].call_id
        await self.stop_ringing(offer_id, "accepted", "You have the call.")
        await self.bridge(me, call_id)

    async def _answer(
        self,
        socket: web.WebSocketResponse,
        command: wire.Approve | wire.Reject | wire.Respond,
    ) -> None:
        known = self.approvals.get(command.approval_id)
        counted = known is not None and known[1].digest == command.digest
        words = {
            "approve": "Approved; the AI goes on.",
            "reject": "Rejected; the AI tells the caller.",
        }
        answer = wire.AnswerTaken(
            approval_id=command.approval_id,
            counted=counted,
            message=words.get(command.type, "The AI passes your answer on.")
            if counted
            else "Your answer did not count: what the AI wants has changed.",
        )
        if counted:
            del self.approvals[command.approval_id]
        await self._send(socket, answer)

    async def _take(self, socket: web.WebSocketResponse, me: str, call_id: str) -> None:
        if call_id in self.bridges or call_id not in self.calls:
            await self._send(socket, wire.Problem(message="A colleague has this call."))
        else:
            await self.bridge(me, call_id)

    async def _unbridge(self, call_id: str, reason: str, message: str) -> None:
        bridge = self.bridges.pop(call_id, None)
        if bridge is None:
            return
        for socket in bridge.sockets:
            await socket.close()
        await self.set_presence(bridge.operator_id, "available")
        await self.change_call(call_id, state="ai", operator_id=None, operator_name=None)
        await self.tell(
            wire.Unbridged(call_id=call_id, reason=reason, message=message), bridge.operator_id
        )

    async def _send(self, socket: web.WebSocketResponse, message: wire.WireModel) -> None:
        if not socket.closed:
            await socket.send_str(message.model_dump_json())

    # --- the call's audio -----------------------------------------------------------------------

    async def _audio(self, request: web.Request) -> web.WebSocketResponse:
        call_id = request.match_info["call_id"]
        bridge = self.bridges.get(call_id)
        if (
            bridge is None
            or bridge.operator_id != self._operator(request)
            or request.query.get("epoch") != str(bridge.epoch)
        ):
            raise web.HTTPForbidden
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        bridge.sockets.append(socket)
        try:
            async with asyncio.TaskGroup() as tasks:
                speaking = tasks.create_task(self._speak(socket))
                async for message in socket:
                    if message.type is WSMsgType.BINARY:
                        self._hear(call_id, bridge, message.data)
                speaking.cancel()
        finally:
            bridge.sockets.remove(socket)
            self._changed.set()
        return socket

    def _hear(self, call_id: str, bridge: Bridge, data: bytes) -> None:
        assert len(data) == FRAME_BYTES, f"a frame of {len(data)} bytes"
        bridge.sequences.append(int.from_bytes(data[:4], "little"))
        self.operator_audio.setdefault(call_id, []).append(np.frombuffer(data[4:], "<i2"))
        self._changed.set()

    async def _speak(self, socket: web.WebSocketResponse) -> None:
        """The caller's voice over and over, a frame every 20 ms against an absolute clock."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        frames = len(self.caller_voice) // FRAME_SAMPLES
        for sequence in itertools.count():
            if socket.closed:
                return
            at = sequence % frames * FRAME_SAMPLES
            voice = self.caller_voice[at : at + FRAME_SAMPLES]
            await socket.send_bytes(sequence.to_bytes(4, "little") + voice.astype("<i2").tobytes())
            await asyncio.sleep(max(0.0, start + 0.02 * (sequence + 1) - loop.time()))
