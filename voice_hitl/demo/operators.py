"""Scripted operators: they do at the console's sockets what a person does in the browser."""

from __future__ import annotations

import asyncio
import audioop
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import aiohttp

from voice_hitl.demo.console_client import ConsoleClient, ConsoleSocket
from voice_hitl.server import wire
from voice_hitl.simulate.scenario import OperatorScript, Scenario
from voice_hitl.simulate.wav import read_wav

FRAME = 160  # bytes of mu-law: 20 ms
PERIOD = 0.02
SILENCE = b"\xff" * FRAME
SPEECH_RMS = 300  # of 32768 (-41 dBFS): louder is the caller speaking
LISTEN_QUIET = 2.0  # seconds of quiet after the caller's words before the operator acts
LISTEN_LIMIT = 8.0  # seconds that the operator waits for words at all
_HEAD = struct.Struct("<I")

Answer = Literal["accept", "decline", "ignore"]


@dataclass(slots=True)
class Bridge:
    """One operator in one call, as they lived it; times are the event loop's."""

    call_id: str
    operator: str
    epoch: int
    accepted_at: float
    clip: bytes  # what they say, mu-law
    opened_at: float | None = None
    ended_at: float | None = None
    ended_why: str = ""
    sent: list[tuple[float, bytes]] = field(default_factory=list)  # when, 20 ms of mu-law
    heard: list[tuple[float, bytes]] = field(default_factory=list)
    loud_at: float | None = None  # when the caller was last heard to speak

    @property
    def heard_audio(self) -> bytes:
        """All that reached the operator, mu-law."""
        return b"".join(frame for _, frame in self.heard)


class Plan:
    """What the floor is to do with one call."""

    def __init__(self, script: OperatorScript | None, folder: Path) -> None:
        self.script = script or OperatorScript(accept=False, after=0.0)
        self._declined = 0
        say = self.script.say
        self.clip = b"" if say is None else canonical(read_wav(folder / say))

    def answer(self) -> Answer:
        """What the operator at whom it rings now does; counts the declines."""
        if self._declined < self.script.declines or self.script.accept is False:
            self._declined += 1
            return "decline"
        return "accept" if self.script.accept is True else "ignore"


class Floor:
    """What the scripted operators share: the plans, and what came of them."""

    def __init__(self) -> None:
        self.bridges: list[Bridge] = []
        self.ringing: dict[str, set[str]] = {}  # call -> names of operators at whom it rings
        self.rung: dict[str, list[str]] = {}  # call -> who was asked, in order
        self.approvals: dict[str, list[str]] = {}  # call -> what was answered there and counted
        self.problems: list[str] = []
        self._plans: dict[str, Plan] = {}

    def expect(self, call_id: str, scenario: Scenario) -> None:
        """Plan for a call before it is made; raises `ScenarioError` when the clip cannot be read."""
        self._plans[call_id] = Plan(scenario.operator, scenario.source.parent)

    def plan(self, call_id: str) -> Plan:
        """The plan for a call; one that nobody planned for is declined."""
        return self._plans.get(call_id) or Plan(None, Path())

    def of(self, call_id: str) -> list[Bridge]:
        """The bridges of one call, oldest first."""
        return [bridge for bridge in self.bridges if bridge.call_id == call_id]


class ScriptedOperator:
    """One operator; `run` until cancelled. `available` is set once calls may ring."""

    def __init__(self, client: ConsoleClient, floor: Floor) -> None:
        self.available = asyncio.Event()
        self._client = client
        self._floor = floor
        self._name = client.me.name
        self._accepted: dict[str, float] = {}
        self._answered: dict[
            str, tuple[str, str]
        ] = {}  # approval -> its call, and what was answered

    async def run(self) -> None:
        """Be on the floor."""
        async with self._client.console() as window, asyncio.TaskGroup() as tasks:
            await window.send(wire.SetPresence(presence="available"))
            async for message in window.messages():
                match message:
                    case wire.Offered(offer=offer):
                        tasks.create_task(self._answer(window, offer))
                    case wire.OfferOver(call_id=call_id):
                        self._floor.ringing.get(call_id, set()).discard(self._name)
                    case wire.ApprovalAsked(approval=approval):
                        tasks.create_task(self._judge(window, approval))
                    case wire.AnswerTaken():
                        self._taken(message)
                    case wire.Bridged(call_id=call_id, epoch=epoch):
                        tasks.create_task(self._talk(window, call_id, epoch))
                    case wire.Unbridged(call_id=call_id, reason=reason):
                        self._over(call_id, reason)
                    case wire.OperatorChanged(operator=operator):
                        if operator.operator_id == self._client.me.operator_id:
                            self._present(operator.presence)
                    case wire.Problem(message=problem):
                        self._floor.problems.append(f"{self._name}: {problem}")
                    case _:
                        pass

    def _present(self, presence: str) -> None:
        if presence == "available":
            self.available.set()

    # --- an offer ---------------------------------------------------------------------------

    async def _answer(self, window: ConsoleSocket, offer: wire.OfferView) -> None:
        plan = self._floor.plan(offer.call_id)
        ringing = self._floor.ringing.setdefault(offer.call_id, set())
        ringing.add(self._name)
        self._floor.rung.setdefault(offer.call_id, []).append(self._name)
        await asyncio.sleep(plan.script.after)
        if self._name not in ringing:
            return
        answer = plan.answer()
        if answer == "accept":
            self._accepted[offer.call_id] = asyncio.get_running_loop().time()
            await window.send(wire.Accept(offer_id=offer.offer_id))
        elif answer == "decline":
            await window.send(wire.Decline(offer_id=offer.offer_id))

    # --- an approval ------------------------------------------------------------------------

    async def _judge(self, window: ConsoleSocket, approval: wire.ApprovalView) -> None:
        script = self._floor.plan(approval.call_id).script
        found = answer_to(approval, script)
        if found is None:
            return
        await asyncio.sleep(script.after)
        words, answer = found
        self._answered[approval.approval_id] = (approval.call_id, words)
        await window.send(answer)

    def _taken(self, message: wire.AnswerTaken) -> None:
        call_id, words = self._answered.pop(message.approval_id, ("", ""))
        if message.counted:
            self._floor.approvals.setdefault(call_id, []).append(words)
        else:
            self._floor.problems.append(f"{self._name}: {message.message}")

    # --- a call -----------------------------------------------------------------------------

    async def _talk(self, window: ConsoleSocket, call_id: str, epoch: int) -> None:
        loop = asyncio.get_running_loop()
        plan = self._floor.plan(call_id)
        accepted = self._accepted.pop(call_id, loop.time())
        bridge = Bridge(call_id, self._name, epoch, accepted, plan.clip)
        self._floor.bridges.append(bridge)
        try:
            async with self._client.audio(call_id, epoch) as socket:
                bridge.opened_at = loop.time()
                async with asyncio.TaskGroup() as tasks:
                    speaking = tasks.create_task(_speak(socket, bridge))
                    acting = tasks.create_task(_conclude(window, bridge, plan.script))
                    await _listen(socket, bridge)
                    speaking.cancel()
                    acting.cancel()
        except aiohttp.ClientError as error:
            self._floor.problems.append(f"{self._name}: audio of {call_id}: {error}")
        if bridge.ended_at is None:
            bridge.ended_at = loop.time()

    def _over(self, call_id: str, reason: str) -> None:
        for bridge in self._floor.of(call_id):
            if bridge.operator == self._name and bridge.ended_at is None:
                bridge.ended_at = asyncio.get_running_loop().time()
                bridge.ended_why = reason


async def _speak(socket: aiohttp.ClientWebSocketResponse, bridge: Bridge) -> None:
    """Send the clip, then silence as an open microphone does, 20 ms at a time on an absolute clock."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    frames = cut(bridge.clip)
    number = 0
    while not socket.closed:
        frame = frames[number] if number < len(frames) else SILENCE
        bridge.sent.append((loop.time(), frame))
        try:
            await socket.send_bytes(_HEAD.pack(number) + audioop.ulaw2lin(frame, 2))
        except ConnectionError:
            return
        number += 1
        await asyncio.sleep(max(0.0, start + number * PERIOD - loop.time()))


async def _listen(socket: aiohttp.ClientWebSocketResponse, bridge: Bridge) -> None:
    """Keep what the caller says until the server closes the audio."""
    loop = asyncio.get_running_loop()
    async for message in socket:
        if message.type is aiohttp.WSMsgType.BINARY:
            frame = audioop.lin2ulaw(message.data[_HEAD.size :], 2)
            bridge.heard.append((loop.time(), frame))
            if audioop.rms(message.data[_HEAD.size :], 2) >= SPEECH_RMS:
                bridge.loud_at = loop.time()


async def _conclude(window: ConsoleSocket, bridge: Bridge, script: OperatorScript) -> None:
    """Once the own words are said and the caller's heard, hand back or end the call."""
    if script.then == "stay":
        return
    loop = asyncio.get_running_loop()
    said_at = loop.time() + len(bridge.clip) / FRAME * PERIOD
    await asyncio.sleep(said_at - loop.time())
    while loop.time() < said_at + LISTEN_LIMIT:
        last = bridge.loud_at
        if last is not None and last >= said_at and loop.time() >= last + LISTEN_QUIET:
            break
        await asyncio.sleep(PERIOD)
    if script.then == "hand_back":
        back = wire.HandBack(call_id=bridge.call_id, epoch=bridge.epoch, note=script.note)
        await window.send(back)
    else:
        await window.send(wire.EndCall(call_id=bridge.call_id, epoch=bridge.epoch))


def answer_to(
    approval: wire.ApprovalView, script: OperatorScript
) -> tuple[str, wire.Approve | wire.Reject] | None:
    """What a scenario has answered to an approval: in one word, and the command; None: nothing."""
    about, digest = approval.approval_id, approval.digest
    match script.approve:
        case None:
            return None
        case "as_proposed":
            return "approved", wire.Approve(approval_id=about, digest=digest)
        case "reject":
            return "rejected", wire.Reject(approval_id=about, digest=digest, reason=script.note)
        case changes:
            arguments = {**approval.arguments, **changes}
            return "edited", wire.Approve(approval_id=about, digest=digest, arguments=arguments)


def cut(audio: bytes) -> list[bytes]:
    """Frames of 20 ms; the last one is filled with silence."""
    padded = audio + b"\xff" * (-len(audio) % FRAME)
    return [padded[n : n + FRAME] for n in range(0, len(padded), FRAME)]


def canonical(mulaw: bytes) -> bytes:
    """The same sound in the bytes that encoding it again gives: mu-law has two zeros."""
    return audioop.lin2ulaw(audioop.ulaw2lin(mulaw, 2), 2)
