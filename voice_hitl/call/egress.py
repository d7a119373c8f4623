"""The way out to the caller: sentences paced on an absolute clock, barge-in, marks, what was heard.

Sentences are sent at most `audio.pacer.LEAD` ahead of what the caller hears, in bursts of `BURST` frames, so
that a tick costs a call nothing four times out of five. After a sentence's last frame goes a mark; when it
comes back, the caller has heard the sentence. A `clear` makes the far end return all marks unplayed, which
is why their names carry the generation.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from voice_hitl.audio.g711 import FRAME, SILENCE
from voice_hitl.audio.pacer import Pacer
from voice_hitl.call.playback import Heard, HeardSentence, Playback, Sentence, cut
from voice_hitl.call.ticker import Ticker
from voice_hitl.log import get_logger

log = get_logger(__name__)

BURST = 5  # frames, 100 ms: half the lead
LIVE_LEAD = 0.06  # seconds of live audio sent ahead when it comes in bursts
LIVE_QUEUE = 5  # frames, 100 ms: what waits beyond that is dropped, the oldest first
MARK_GRACE = 2.0  # seconds after which a mark that does not come back is taken as come


class Encoder(Protocol):
    """What `telephony.media_stream.MediaStream` offers for outbound messages."""

    def encode_media(self, frame: bytes) -> str:
        """A `media` message."""

    def encode_mark(self, name: str) -> str:
        """A `mark` message."""

    def encode_clear(self) -> str:
        """A `clear` message."""


def _nothing(*_: object) -> None:
    """A listener that nobody has set."""


class Egress:
    """One call's way out. Set the `on_…` listeners; they are called from `mark`, `say` or a tick.

    - `on_sentence_started(id)`: its first frame is sent.
    - `on_sentence_done(id)`: its mark came back; the caller has heard all of it.
    - `on_idle()`: nothing is queued any more and every mark is back.
    - `on_failed(error)`: a listener raised within a tick.

    `send` writes one text message and never blocks. `clock` gives monotonic seconds.
    """

    def __init__(
        self,
        encoder: Encoder,
        send: Callable[[str], None],
        ticker: Ticker,
        clock: Callable[[], float],
    ) -> None:
        self.send = send
        self.generation = 0
        self.dropped = 0  # frames of live audio that came too fast
        self.on_sentence_started: Callable[[int], None] = _nothing
        self.on_sentence_done: Callable[[int], None] = _nothing
        self.on_idle: Callable[[], None] = _nothing
        self.on_failed: Callable[[Exception], None] = _log_failure
        self._encoder = encoder
        self._ticker = ticker
        self._clock = clock
        self._pacer = Pacer()
        self._playback = Playback()
        self._queue: deque[Sentence] = deque()  # not wholly sent
        self._marks: deque[tuple[Sentence, float]] = deque()  # sent, and when to stop waiting
        self._live: deque[bytes] = deque()
        self._ids = 0
        self._closed = False

    @property
    def idle(self) -> bool:
        """Whether nothing is queued and every sentence was heard."""
        return not self._queue and not self._marks

    def say(self, clip: bytes, text: str, *, final: bool = True) -> int:
        """Queue a sentence's mu-law; return its id.

        With `final=False` more of it follows by `extend`, and `finish` ends it.
        """
        self._ids += 1
        if self._closed:
            return self._ids
        sentence = Sentence(self._ids, text, bytearray(clip), final)
        self._playback.add(sentence)
        self._queue.append(sentence)
        self._work()
        return sentence.id

    def extend(self, sentence_id: int, clip: bytes) -> None:
        """More of an unfinished sentence; ignored if that was cleared."""
        sentence = self._unfinished(sentence_id)
        if sentence is not None:
            sentence.clip += clip
            self._work()

    def finish(self, sentence_id: int) -> None:
        """No more of an unfinished sentence; ignored if that was cleared."""
        sentence = self._unfinished(sentence_id)
        if sentence is not None:
            sentence.final = True
            self._work()

    def break_off(self, sentence_id: int) -> str:
        """No more comes of an unfinished sentence: play what there is; return the words that it holds."""
        sentence = self._unfinished(sentence_id)
        if sentence is None:
            return ""
        sentence.text = cut(sentence.text, len(sentence.clip) / FRAME / max(sentence.frames(), 1.0))
        sentence.final = True
        self._work()
        return sentence.text

    def begin_reply(self) -> None:
        """What is said from now on is a new reply: `heard` starts afresh. What plays goes on."""
        self._playback.begin_reply()

    def clear(self) -> Heard:
        """Stop at once: drop what waits, make the far end drop what it has; return what was heard."""
        now = self._clock()
        heard = Heard(self.generation, tuple(self._playback.heard(self._pacer.end - now)))
        self.generation += 1
        self._queue.clear()
        self._marks.clear()
        self._live.clear()
        self._playback.begin_reply(forget=True)
        self._pacer.cleared(now)
        self._ticker.discard(self._tick)
        if not self._closed:
            self.send(self._encoder.encode_clear())
        return heard

    def play_live(self, frame: bytes) -> None:
        """Send 20 ms of someone's mu-law at once; it never waits behind more than `LIVE_LEAD`.

        Frames that come faster than they can be heard wait, at most `LIVE_QUEUE` of them. While
        sentences are queued they wait too: `clear` first. Raises `ValueError` for another length.
        """
        if len(frame) != FRAME:
            raise ValueError(f"a live frame has {FRAME} bytes, not {len(frame)}")
        now = self._clock()
        if self._live or self._queue or self._pacer.ahead(now) > LIVE_LEAD:
            if len(self._live) >= LIVE_QUEUE:
                self._live.popleft()
                self.dropped += 1
            self._live.append(frame)
            self._ticker.add(self._tick, self._fail)
        elif not self._closed:
            self._send_frame(frame, now)

    def heard(self) -> list[HeardSentence]:
        """What the caller has heard of the present reply up to now."""
        return self._playback.heard(self._pacer.end - self._clock())

    def mark(self, name: str) -> None:
        """A mark came back from the far end; unknown ones and those of a cleared reply are ignored."""
        generation, _, number = name.partition(".")
        if generation != str(self.generation):
            return
        if not any(str(sentence.id) == number for sentence, _ in self._marks):
            return
        if len(self._marks) == 1 and not self._queue:
            self._playback.arrived(self._clock() - self._pacer.end)
        while self._marks:  # playback is in order: an earlier mark that is missing was lost
            sentence, _ = self._marks.popleft()
            self._done(sentence)
            if str(sentence.id) == number:
                break

    def close(self) -> None:
        """The stream is over. Idempotent; nothing is sent or called any more."""
        self._closed = True
        self._queue.clear()
        self._marks.clear()
        self._live.clear()
        self._ticker.discard(self._tick)

    # --- sending ------------------------------------------------------------------------------

    def _work(self) -> None:
        if not self._closed:
            self._ticker.add(self._tick, self._fail)
            self._pump(self._clock())

    def _tick(self, now: float) -> None:
        if self._queue:
            self._pump(now)
        while self._live and not self._queue and self._pacer.ahead(now) <= LIVE_LEAD:
            self._send_frame(self._live.popleft(), now)
        if self._marks and now > self._marks[0][1]:
            sentence, _ = self._marks.popleft()
            log.warning("a mark did not come back", sentence=sentence.id)
            self._done(sentence)
        if not (self._queue or self._live or self._marks):
            self._ticker.discard(self._tick)

    def _pump(self, now: float) -> None:
        """Send what the pacer has room for, then tell of it: a listener may call back in."""
        started: list[int] = []
        self._fill(now, started)
        for sentence_id in started:
            self.on_sentence_started(sentence_id)

    def _fill(self, now: float, started: list[int]) -> None:
        room = self._pacer.room(now)
        while self._queue:
            sentence = self._queue[0]
            waiting = sentence.frames_waiting()
            frames = min(room, waiting)
            if frames < waiting and frames < BURST:
                return  # a full burst later rather than a frame now
            if frames:
                room -= frames
                if not sentence.sent:
                    started.append(sentence.id)
                self._send_frames(sentence, frames, now)
            if frames < waiting or not sentence.final:
                return
            self._queue.popleft()
            self.send(self._encoder.encode_mark(f"{self.generation}.{sentence.id}"))
            self._marks.append((sentence, max(now, self._pacer.end) + MARK_GRACE))

    def _send_frames(self, sentence: Sentence, frames: int, now: float) -> None:
        start = sentence.sent * FRAME
        sound = bytes(sentence.clip[start : start + frames * FRAME])
        sound += SILENCE * (frames * FRAME - len(sound))
        sentence.sent += frames
        encode, send = self._encoder.encode_media, self.send
        for offset in range(0, len(sound), FRAME):
            send(encode(sound[offset : offset + FRAME]))
        self._pacer.sent(now, frames)

    def _send_frame(self, frame: bytes, now: float) -> None:
        self.send(self._encoder.encode_media(frame))
        self._pacer.sent(now, 1)

    def _done(self, sentence: Sentence) -> None:
        sentence.done = True
        self.on_sentence_done(sentence.id)
        if self.idle:
            self.on_idle()

    def _unfinished(self, sentence_id: int) -> Sentence | None:
        for sentence in self._queue:
            if sentence.id == sentence_id and not sentence.final:
                return sentence
        return None

    def _fail(self, error: Exception) -> None:
        self.on_failed(error)


def _log_failure(error: Exception) -> None:
    log.error("a listener of the caller's playback failed", exc_info=error)
