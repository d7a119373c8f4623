"""A caller who behaves as Twilio does: webhook, TwiML, stream, `<Connect action>`, status callback."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urljoin

import aiohttp

from voice_hitl.errors import ScenarioError, TelephonyError, VoiceHitlError
from voice_hitl.simulate.line import Line, LineOver
from voice_hitl.simulate.record import CallRecord, Ending
from voice_hitl.simulate.scenario import Scenario
from voice_hitl.simulate.script import Script, ServerView
from voice_hitl.simulate.socket import CarrierSocket
from voice_hitl.simulate.ticker import Ticker
from voice_hitl.simulate.verbs import ConnectStream, Leave, Other, Redirect, Verb, read_twiml
from voice_hitl.simulate.wav import write_stereo
from voice_hitl.simulate.webhook import STATUS_PATH, VOICE_PATH, Target, post
from voice_hitl.telephony.emulator import Carrier, Playback

_MAX_DOCUMENTS = 10  # TwiML documents a call may be sent through
_NORMAL = (1000, 1001)  # close codes of a server that meant it


class SimulatedCaller:
    """One call by one scenario.

    `call_sid` is known from the start, so that a test can watch the same call on the server.
    `record_to`: folder for the stereo recording. `keep_audio=False` keeps no audio at all (load runs).
    Raises `ScenarioError` when the scenario needs a `view` and has none.
    """

    def __init__(
        self,
        scenario: Scenario,
        target: Target,
        *,
        ticker: Ticker,
        session: aiohttp.ClientSession,
        view: ServerView | None = None,
        record_to: Path | None = None,
        keep_audio: bool = True,
    ) -> None:
        if view is None and scenario.needs_view():
            raise ScenarioError(
                f"{scenario.source}: `if_agent_says`, `hears` and `wait: operator` depend on what the server "
                "knows; play this scenario with `voice-hitl demo`"
            )
        self.scenario = scenario
        self.call_sid = "CA" + secrets.token_hex(16)
        self._target = target
        self._ticker = ticker
        self._session = session
        self._view = view
        self._record_to = record_to
        self._keep_audio = keep_audio or record_to is not None
        self.record = CallRecord(scenario.name, self.call_sid, started=0.0)

    async def run(self) -> CallRecord:
        """Make the call; whatever goes wrong on the way is told in the record, not raised."""
        record = self.record
        record.started = self._ticker.now()
        try:
            await self._call()
        except VoiceHitlError as error:
            record.problem(self._ticker.now(), str(error))
        record.ended = self._ticker.now()
        await self._tell_status()
        if self._record_to is not None and record.origin is not None:
            record.recording = self._record_to / f"{record.scenario}-{self.call_sid[-8:]}.wav"
            write_stereo(record.recording, record.said, record.heard)
        return record

    async def _call(self) -> None:
        address = self._target.known_as + VOICE_PATH
        status = "ringing"
        for _ in range(_MAX_DOCUMENTS):
            self.record.note(self._ticker.now(), "webhook", address)
            answer = await post(self._session, self._target, address, self._form(status))
            if status == "completed":
                return
            following = await self._obey(read_twiml(answer))
            if following is None:
                return
            address = urljoin(address, following)
            status = "completed" if self.record.ending is Ending.CALLER else "in-progress"
        raise TelephonyError(f"the call was sent through {_MAX_DOCUMENTS} TwiML documents")

    async def _obey(self, verbs: Sequence[Verb]) -> str | None:
        """Do what one document says; return the address of the next one, if any."""
        record = self.record
        for verb in verbs:
            match verb:
                case ConnectStream():
                    if not await self._stream(verb):
                        continue  # the verbs behind it are the way out
                    if verb.action is not None or record.ending is Ending.CALLER:
                        return verb.action
                case Redirect(url):
                    return url
                case Leave(name, detail):
                    record.note(self._ticker.now(), "verb", f"{name} {detail}".strip())
                    if record.origin is None or name == "Dial":
                        record.ending = Ending.FALLBACK
                    return None
                case Other(name, detail):
                    record.note(self._ticker.now(), "verb", f"{name} {detail}".strip())
        return None

    async def _stream(self, verb: ConnectStream) -> bool:
        """Live through a media stream; False when it could not be opened."""
        record, target = self.record, self._target
        line = Line(
            make_carrier=lambda playback: self._carrier(verb.parameters, playback),
            ticker=self._ticker,
            record=record,
            noise=self.scenario.make_noise(),
            limit=self.scenario.limit,
            keep_audio=self._keep_audio,
        )
        try:
            socket = await CarrierSocket.open(
                target.reach(verb.url),
                headers=target.signature(verb.url, {}),
                on_message=line.receive,
            )
        except TelephonyError as error:
            record.problem(self._ticker.now(), str(error))
            return False
        script = Script(self.scenario, line, self._ticker, record, self._view)
        try:
            await line.open(socket)
            await script.play()
            record.ending = Ending.CALLER
        except LineOver:
            await socket.finish()
            record.ending = Ending.SERVER
            if socket.close_code not in _NORMAL:
                record.ending = Ending.LOST
                reason = f"{socket.close_code} {socket.close_reason}".strip()
                record.problem(self._ticker.now(), f"the stream was closed with {reason}")
        finally:
            socket.abort()
            line.close_record()
        return True

    def _carrier(self, parameters: Mapping[str, str], playback: Playback) -> Carrier:
        return Carrier(
            stream_sid="MZ" + secrets.token_hex(16),
            call_sid=self.call_sid,
            account_sid=self._target.account_sid,
            parameters=parameters,
            playback=playback,
        )

    async def _tell_status(self) -> None:
        duration = max(0, round(self.record.ended - self.record.started))
        form = {**self._form("completed"), "CallDuration": str(duration)}
        try:
            await post(self._session, self._target, self._target.known_as + STATUS_PATH, form)
        except TelephonyError as error:
            self.record.problem(self._ticker.now(), str(error))

    def _form(self, status: str) -> dict[str, str]:
        caller, number = self.scenario.caller, self._target.number
        return {
            "AccountSid": self._target.account_sid,
            "ApiVersion": "2010-04-01",
            "CallSid": self.call_sid,
            "CallStatus": status,
            "Called": number,
            "Caller": caller,
            "Direction": "inbound",
            "From": caller,
            "To": number,
        }
