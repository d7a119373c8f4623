"""The caller's end of an open stream: speaks in 20 ms frames, listens, presses keys, hangs up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from voice_hitl.simulate.clips import Clip, Noise
from voice_hitl.simulate.record import CallRecord, Utterance
from voice_hitl.simulate.socket import CarrierSocket
from voice_hitl.simulate.ticker import PERIOD, Ticker
from voice_hitl.telephony.emulator import SILENCE, Carrier, Playback

MakeCarrier = Callable[[Playback], Carrier]
_RESIDUE = 0.3  # seconds: agent audio that outlasts the caller's speech by less is what was cut off


class LineOver(Exception):
    """The other side has ended the stream, or it broke."""


class WaitedTooLong(Exception):
    """What the caller waited for did not happen in time."""


class Line:
    """One stream; `tick` drives it, `until` waits on it.

    `origin` is the time of the first sample in both directions: that of the first tick.
    """

    def __init__(
        self,
        *,
        make_carrier: MakeCarrier,
        ticker: Ticker,
        record: CallRecord,
        noise: Noise | None,
        limit: float,
        keep_audio: bool,
    ) -> None:
        self._make_carrier = make_carrier
        self._ticker = ticker
        self._record = record
        self._noise = noise
        self._limit = limit
        self._keep_audio = keep_audio
        self._socket: CarrierSocket | None = None
        self._carrier: Carrier | None = None
        self._playback = Playback(0.0)
        self._origin = 0.0
        self._ended = 0.0
        self._sent = 0
        self._frames: tuple[bytes, ...] = ()
        self._position = 0
        self._said: list[bytes] = []
        self._waiting: tuple[Callable[[float], bool], float, asyncio.Future[None]] | None = None
        self._over = False
        self._hung_up = False

    async def open(self, socket: CarrierSocket) -> None:
        """Begin on an upgraded socket; returns when `start` is sent. Raises `LineOver`."""
        self._socket = socket
        socket.closed.add_done_callback(self._closed)
        self._ticker.join(self)
        await self.until(lambda now: self._carrier is not None, timeout=5.0)

    def receive(self, message: str | bytes) -> None:
        """One message of the server, at the moment it arrives."""
        if self._carrier is None or self._socket is None:
            self._record.faults.append("message before the stream's start")
            return
        now = self._ticker.now()
        before = len(self._carrier.clears)
        answers = self._carrier.receive(message, now)
        if len(self._carrier.clears) > before:
            self._record.note(now, "clear")
        self._socket.send(answers)

    def tick(self, due: float, now: float) -> None:
        """Send the frames that are due, return marks, wake who waits for what has happened."""
        socket = self._socket
        if socket is None or self._over:
            return
        if self._carrier is None:
            self._begin(due)
            return
        messages = self._carrier.due(now)
        while self._sent < round((due - self._origin) / PERIOD):
            messages.append(self._carrier.media(self._next_frame()))
            self._sent += 1
        socket.send(messages)
        self._record.latest_frame = max(self._record.latest_frame, now - due)
        self._wake(now)

    # --- speaking -----------------------------------------------------------------------------

    @property
    def saying(self) -> bool:
        """Whether a recording is being played."""
        return self._position < len(self._frames)

    def say(self, clip: Clip, text: str) -> Utterance:
        """Begin to play a recording with the next frame."""
        start = self._origin + self._sent * PERIOD
        utterance = Utterance(
            clip.name, text, start, [(start + a, start + b) for a, b in clip.speech]
        )
        self._frames, self._position = clip.frames, 0
        self._record.utterances.append(utterance)
        self._record.note(start, "say", clip.name)
        return utterance

    def press(self, digit: str) -> None:
        """Press one key."""
        if self._carrier is not None and self._socket is not None:
            self._record.note(self._ticker.now(), "dtmf", digit)
            self._socket.send([self._carrier.dtmf(digit)])

    async def hang_up(self) -> None:
        """End the call from this side, in mid-word if need be; fine when it is over already."""
        now = self._ticker.now()
        if self._carrier is None or self._socket is None or self._over:
            return
        self._hung_up = True
        self._ended = now
        self._record.note(now, "hangup")
        if self.saying:
            self._cut(self._record.utterances[-1])
        self._socket.send([self._carrier.stop()])
        self._ticker.leave(self)
        await self._socket.finish()

    # --- listening ----------------------------------------------------------------------------

    async def until(self, happened: Callable[[float], bool], *, timeout: float) -> None:
        """Wait until `happened(now)`; looked at after each frame.

        Raises `LineOver` when the stream is over and `WaitedTooLong` after `timeout` seconds.
        """
        if self._over:
            raise LineOver
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting = (happened, self._ticker.now() + timeout, waiting)
        try:
            await waiting
        finally:
            self._waiting = None

    def agent_done(self, now: float, quiet: float) -> bool:
        """Whether the other side has spoken since the caller last did, and has finished."""
        end = self._playback.quiet_since()
        if end is None or self.saying or self._playback.pending_marks():
            return False
        since = self._record.utterances[-1].speech_end if self._record.utterances else 0.0
        answered = self._playback.bursts[-1].start >= since or end >= since + _RESIDUE
        return answered and now >= end + quiet

    def agent_speaking_for(self, now: float) -> float | None:
        """Seconds for which the other side has been audible; None in a pause."""
        since = self._playback.speaking_since(now)
        return None if since is None else now - since

    def quiet_for(self, now: float) -> float:
        """Seconds since anybody was last heard, either side."""
        last = max(self._origin, self._playback.quiet_since() or 0.0)
        if self._record.utterances:
            last = max(last, self._record.utterances[-1].speech_end)
        return now - last

    # --- the end ------------------------------------------------------------------------------

    @property
    def hung_up(self) -> bool:
        """Whether this side ended it."""
        return self._hung_up

    def close_record(self) -> None:
        """Write what both sides said and all figures into the record."""
        record, socket, carrier = self._record, self._socket, self._carrier
        self._ticker.leave(self)
        if carrier is None or socket is None:
            return
        self._playback.clear(self._ended)  # nobody hears what comes later
        record.origin = self._origin
        record.bursts = self._playback.bursts
        record.clears = carrier.clears
        record.faults += carrier.faults
        record.marks = carrier.marks_received
        record.underruns = self._playback.underruns
        record.frames_sent = self._sent
        record.bytes_in, record.bytes_out = socket.bytes_in, socket.bytes_out
        for burst in record.bursts:
            record.note(burst.start, "agent", f"{burst.end - burst.start:.2f} s")
        record.find_answers()
        record.events.sort(key=lambda event: event.at)
        if self._keep_audio:
            said = b"".join(self._said)
            record.heard = _laid_out(self._playback.audio(), len(said))
            record.said = said.ljust(len(record.heard), b"\xff")

    def _begin(self, due: float) -> None:
        self._origin = due
        self._playback = Playback(due, keep_audio=self._keep_audio)
        self._carrier = self._make_carrier(self._playback)
        if self._socket is not None:
            self._socket.send(self._carrier.opening())
        self._record.note(due, "stream")
        self._wake(due)

    def _next_frame(self) -> bytes:
        if self.saying:
            frame = self._frames[self._position]
            self._position += 1
            if self._noise is not None:
                frame = self._noise.under(frame)
        else:
            frame = SILENCE if self._noise is None else self._noise.alone()
        if self._keep_audio:
            self._said.append(frame)
        return frame

    def _cut(self, utterance: Utterance) -> None:
        end = self._origin + self._sent * PERIOD
        utterance.speech = [(a, min(b, end)) for a, b in utterance.speech if a < end]
        utterance.cut = True
        self._frames, self._position = (), 0

    def _wake(self, now: float) -> None:
        if self._waiting is None:
            return
        happened, until, waiting = self._waiting
        if waiting.done():
            return
        if happened(now):
            waiting.set_result(None)
        elif now >= until:
            waiting.set_exception(WaitedTooLong())
        elif now >= self._origin + self._limit:
            waiting.set_exception(WaitedTooLong(f"the call lasted over {self._limit:g} s"))

    def _closed(self, _: asyncio.Future[None]) -> None:
        self._over = True
        self._ticker.leave(self)
        if not self._hung_up:
            self._ended = self._ticker.now()
            code = self._socket.close_code if self._socket is not None else None
            self._record.note(self._ended, "closed", f"by the server, code {code}")
        if self._waiting is not None and not self._waiting[2].done():
            self._waiting[2].set_exception(LineOver())


def _laid_out(segments: list[tuple[int, bytes]], length: int) -> bytes:
    """Segments at their places, silence between them."""
    end = max([length, *(start + len(audio) for start, audio in segments)])
    whole = bytearray(b"\xff" * end)
    for start, audio in segments:
        whole[start : start + len(audio)] = audio
    return bytes(whole)
