"""The console's two sockets: events and commands (`/ws/console`), and the operator's audio."""

from __future__ import annotations

import asyncio
import socket as socket_options
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiohttp import WSCloseCode, WSMsgType, web
from pydantic import ValidationError

from handoff import approvals as said
from handoff import audit, review
from handoff import events as facts
from handoff.errors import StorageError
from voice_hitl.call.approving import ApprovalService
from voice_hitl.call.auditing import AuditService
from voice_hitl.call.bridge import FRAME_BYTES, OperatorLeg
from voice_hitl.call.floor import FloorService
from voice_hitl.call.inbox import FloorSaid
from voice_hitl.call.reviewing import ReviewService
from voice_hitl.call.runner import CallRunner
from voice_hitl.clock import Clock
from voice_hitl.log import get_logger
from voice_hitl.server import wire
from voice_hitl.server.auth import COOKIE, Accounts, Identity
from voice_hitl.server.floor_events import (
    closing_event,
    joined_event,
    override_event,
    presence_event,
)
from voice_hitl.server.http import PUBLIC_URL, refuse_foreign_page
from voice_hitl.server.hub import Hub
from voice_hitl.server.windows import Connection

log = get_logger(__name__)

MAX_MESSAGE = 64 * 1024
HEARTBEAT = 15.0  # seconds; a browser that is gone without a word is noticed after one and a half
# In a call that takes too long: 2.1 s. A browser answers even when its page has no microphone to send from.
AUDIO_HEARTBEAT = 1.4
FAREWELL = 2.0  # seconds that a browser has to answer a socket's closing
# Caller audio that may wait below us, where nothing can drop it: about 0.2 s with the kernel's overhead.
AUDIO_BUFFER = 10 * FRAME_BYTES
SESSION_CHECK = 15.0  # seconds between looks at whether a socket's session still holds
OVERTIME = (
    300.0  # seconds that a session holds yet after a conversation it expired in: for the wrap-up
)
REPLACED = 4001  # the audio was opened elsewhere: do not come back


@dataclass(frozen=True, slots=True)
class ConsoleParts:
    """What the console's handlers work with."""

    accounts: Accounts
    hub: Hub
    floor: FloorService
    approvals: ApprovalService
    reviews: ReviewService
    audits: AuditService
    clock: Clock
    find_call: Callable[[str], CallRunner | None]
    reconnect_seconds: float
    public_url: str | None


class Consoles:
    """The handlers. Every socket is an aiohttp handler of its own; none starts loose tasks."""

    def __init__(self, parts: ConsoleParts) -> None:
        self._parts = parts
        self._leaving: dict[str, asyncio.TimerHandle] = {}
        self._open: defaultdict[str, set[web.WebSocketResponse]] = defaultdict(set)  # by session
        parts.accounts.on_session_over = self._close_sockets

    def add_to(self, app: web.Application) -> None:
        """Register both sockets."""
        if self._parts.public_url is not None:
            app[PUBLIC_URL] = self._parts.public_url
        app.router.add_get("/ws/console", self.console)
        app.router.add_get("/ws/audio/{call_id}", self.audio)

    async def identify(self, request: web.Request) -> Identity:
        """Who asks; raises 401 when nobody is signed in and 403 for a foreign page."""
        refuse_foreign_page(request)
        identity = await self._parts.accounts.identify(
            request.cookies.get(COOKIE), self._parts.clock.wall()
        )
        if identity is None:
            raise web.HTTPUnauthorized(text="sign in first")
        return identity

    @contextmanager
    def _of_session(self, request: web.Request, socket: web.WebSocketResponse) -> Iterator[None]:
        """The socket ends with the session that opened it."""
        token = request.cookies.get(COOKIE, "")
        self._open[token].add(socket)
        try:
            yield
        finally:
            self._open[token].discard(socket)
            if not self._open[token]:
                del self._open[token]

    async def _close_sockets(self, token: str) -> None:
        async with asyncio.TaskGroup() as tasks:
            for socket in self._open.get(token, ()):
                tasks.create_task(
                    socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"signed out")
                )

    async def _close_with_session(
        self, request: web.Request, socket: web.WebSocketResponse, *, talks: bool = False
    ) -> None:
        """Close the socket soon after its session has expired, or lost its account at the command line.

        While somebody `talks` over it, no session expires in their mouth.
        """
        accounts, token = self._parts.accounts, request.cookies.get(COOKIE, "")
        known = True
        while known:
            if talks:
                wall = self._parts.clock.wall()
                accounts.outlast(token, wall, wall + OVERTIME)
            await asyncio.sleep(SESSION_CHECK)
            try:
                known = await accounts.identify(token, self._parts.clock.wall()) is not None
            except StorageError as error:  # of a sick store nobody is locked out
                log.warning("a session could not be looked up", error=str(error))
        await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"signed out")

    # --- events and commands ---

    async def console(self, request: web.Request) -> web.WebSocketResponse:
        """`GET /ws/console`."""
        identity = await self.identify(request)
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT, max_msg_size=MAX_MESSAGE, timeout=FAREWELL
        )
        await socket.prepare(request)
        leaving = self._leaving.pop(identity.operator_id, None)
        if leaving is not None:
            leaving.cancel()
        connection = self._parts.hub.open(identity)
        try:
            self._parts.floor.post(joined_event(identity))
            with self._of_session(request, socket):
                async with asyncio.TaskGroup() as tasks:
                    writer = tasks.create_task(self._write(socket, connection))
                    watch = tasks.create_task(self._close_with_session(request, socket))
                    await self._read(socket, connection)
                    writer.cancel()
                    watch.cancel()
        finally:
            if self._parts.hub.close(connection):
                self._leave_later(identity)
        return socket

    async def _write(self, socket: web.WebSocketResponse, connection: Connection) -> None:
        try:
            while not connection.overrun:
                await socket.send_str(await connection.next_message())
        except ConnectionError:
            return  # the reader sees the same end
        await socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=b"too slow; reconnect")

    async def _read(self, socket: web.WebSocketResponse, connection: Connection) -> None:
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                connection.send(wire.Problem(message="only JSON text messages are understood"))
                continue
            try:
                command = wire.console_message.validate_json(message.data)
            except ValidationError as error:
                first = error.errors()[0]
                where = "".join(f"{part}." for part in first["loc"])[:-1]
                words = f"{where}: {first['msg']}" if where else first["msg"]
                connection.send(wire.Problem(message=f"message refused: {words}"))
                continue
            self._obey(connection, command)

    def _leave_later(self, identity: Identity) -> None:
        """A reload must not cost an operator their call: leave only if they stay away."""
        self._leaving[identity.operator_id] = asyncio.get_running_loop().call_later(
            self._parts.reconnect_seconds, self._left, identity
        )

    def _left(self, identity: Identity) -> None:
        self._leaving.pop(identity.operator_id, None)
        self._parts.floor.post_always(facts.OperatorLeft(identity.operator_id))

    def _obey(self, connection: Connection, command: wire.ConsoleMessage) -> None:
        me = connection.identity.operator_id
        floor = self._parts.floor
        match command:
            case wire.SetPresence():
                floor.post(presence_event(me, command))
            case wire.WrapUpDone():
                floor.post(facts.WrapUpDone(me))
            case wire.Override():
                if not connection.identity.is_supervisor:
                    connection.send(wire.Problem(message="only supervisors may change the queue"))
                else:
                    floor.post(override_event(me, command))
            case wire.CloseCallback():
                floor.post(closing_event(me, command))
            case wire.WithdrawCallback(callback_id=callback_id, note=note):
                owner = floor.desk.owner(callback_id)
                if connection.identity.is_supervisor or (owner and owner.operator_id == me):
                    floor.post(facts.CallbackWithdrawn(callback_id, note))
                else:
                    connection.send(wire.Problem(message="this callback is not yours"))
            case wire.Accept(offer_id=offer_id):
                floor.post(facts.OfferAccepted(me, offer_id))
            case wire.Decline(offer_id=offer_id):
                floor.post(facts.OfferDeclined(me, offer_id))
            case wire.Approve(arguments=arguments):
                edited = said.Approve() if arguments is None else said.ApproveEdited(arguments)
                self._answer(me, command, edited)
            case wire.Reject(reason=reason):
                self._answer(me, command, said.Reject(reason))
            case wire.Respond(text=text):
                self._answer(me, command, said.Respond(text))
            case wire.ReviewChoice():
                self._choose(connection, command)
            case wire.ReviewVerdict(review_id=review_id, equal=equal):
                self._parts.reviews.post(review.VerdictGiven(review_id, me, equal))
            case wire.NextAudit():
                self._parts.audits.post(audit.AuditorAsks(me))
            case wire.AuditVerdict(audit_id=audit_id, verdict=verdict, note=note):
                self._parts.audits.post(audit.AuditorAnswers(audit_id, me, verdict, note))
            case wire.Watch(call_id=call_id):
                self._parts.hub.watch(connection, call_id)
            case wire.Earlier(call_id=call_id, before=before):
                self._parts.hub.earlier(connection, call_id, before)
            case wire.Take(call_id=call_id):
                self._tell(connection, call_id, FloorSaid(facts.TakeoverAsked(me)))
            case wire.HandBack(call_id=call_id, note=note, epoch=epoch):
                event = facts.HandedBack(me, note, epoch=epoch)
                self._tell(connection, call_id, FloorSaid(event))
            case wire.EndCall(call_id=call_id, epoch=epoch):
                ended = facts.OperatorEndedCall(me, epoch=epoch)
                self._tell(connection, call_id, FloorSaid(ended))

    def _answer(
        self, me: str, command: wire.Approve | wire.Reject | wire.Respond, answer: said.Answer
    ) -> None:
        event = said.Answered(command.approval_id, me, command.digest, answer)
        self._parts.approvals.post(event)

    def _choose(self, connection: Connection, command: wire.ReviewChoice) -> None:
        me = connection.identity.operator_id
        why_not = self._parts.hub.reviews.chooses(me, command)
        if why_not is not None:
            connection.send(wire.Problem(message=why_not))
            return
        choice = review.Choice(command.intent, None, command.text)
        self._parts.reviews.post(review.ReviewerChose(command.review_id, me, choice))

    def _tell(self, connection: Connection, call_id: str, event: FloorSaid) -> None:
        call = self._parts.find_call(call_id)
        if call is None:
            connection.send(wire.Problem(message="this call is already over"))
        else:
            call.post(event)

    # --- audio ---

    async def audio(self, request: web.Request) -> web.WebSocketResponse:
        """`GET /ws/audio/{call_id}?epoch=N`: 20 ms frames both ways, for the call's operator alone."""
        identity = await self.identify(request)
        call = self._parts.find_call(request.match_info["call_id"])
        leg = None if call is None else call.leg
        if (
            leg is None
            or leg.operator_id != identity.operator_id
            or request.query.get("epoch") != str(leg.epoch)
        ):
            raise web.HTTPForbidden(text="this call is not yours, or no longer")
        socket = web.WebSocketResponse(
            compress=False,
            heartbeat=AUDIO_HEARTBEAT,
            max_msg_size=4096,
            timeout=FAREWELL,
            writer_limit=0,  # wait for the browser after every frame
        )
        await socket.prepare(request)
        _keep_little(request.transport)
        number = leg.attach()
        try:
            with self._of_session(request, socket):
                async with asyncio.TaskGroup() as tasks:
                    reader = tasks.create_task(self._read_audio(socket, leg, number))
                    watch = tasks.create_task(self._close_with_session(request, socket, talks=True))
                    while messages := await leg.to_operator(number):
                        for message in messages:
                            await socket.send_bytes(message)
                    reader.cancel()
                    watch.cancel()
                if leg.closed:
                    await socket.close(code=WSCloseCode.OK, message=b"the bridge is over")
                else:
                    await socket.close(code=REPLACED, message=b"opened in another window")
        except* ConnectionError:
            log.info("operator's audio closed", call_id=leg.call_id)
        finally:
            leg.detach(number)
        return socket

    async def _read_audio(
        self, socket: web.WebSocketResponse, leg: OperatorLeg, number: int
    ) -> None:
        async for message in socket:
            if message.type is not WSMsgType.BINARY or not leg.from_operator(message.data, number):
                await socket.close(
                    code=WSCloseCode.UNSUPPORTED_DATA, message=b"20 ms frames of 324 bytes only"
                )
        raise ConnectionResetError("the browser closed its audio")


def _keep_little(transport: asyncio.Transport | None) -> None:
    """Bound what waits below us for a slow browser, so that it is the leg that drops what is old."""
    if transport is None:
        return
    transport.set_write_buffer_limits(high=AUDIO_BUFFER)
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket_options.SOL_SOCKET, socket_options.SO_SNDBUF, AUDIO_BUFFER)
