from __future__ import annotations

from base64 import b64decode
from pathlib import Path

import numpy as np
import orjson
import pytest

import voice_hitl.packs
from voice_hitl.audio import g711
from voice_hitl.audio.g711 import FRAME
from voice_hitl.audio.vad import SileroVad
from voice_hitl.call.loopback import LoopbackCall
from voice_hitl.call.ticker import Ticker
from voice_hitl.call.vad_service import VadService
from voice_hitl.simulate.wav import read_wav
from voice_hitl.telephony.media_stream import MediaStream

CALLERS = Path(voice_hitl.packs.__file__).parent / "banking" / "scenarios"


class Line:
    """A loopback call, its far end, and the clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sent: list[str] = []
        stream = MediaStream()
        stream.receive(
            '{"event":"start","start":{"streamSid":"MZ1","callSid":"CA1"},"streamSid":"MZ1"}'
        )
        self.ticker = Ticker()
        vad = VadService(self.ticker, SileroVad())
        self.call = LoopbackCall(
            "CA1", stream, self.sent.append, vad, self.ticker, lambda: self.now
        )

    def say(self, ulaw: bytes) -> None:
        for at in range(0, len(ulaw) - FRAME + 1, FRAME):
            self.call.media(ulaw[at : at + FRAME], round(1000 * self.now))
            self.now = round(self.now + 0.02, 6)
            self.ticker.tick(self.now)

    def echo(self) -> bytes:
        documents = [orjson.loads(text) for text in self.sent]
        assert {document["event"] for document in documents} == {"media"}
        return b"".join(b64decode(document["media"]["payload"]) for document in documents)


@pytest.fixture
def line() -> Line:
    return Line()


def quiet(seconds: float) -> bytes:
    rng = np.random.default_rng(0)
    return g711.encode(rng.normal(0, 3, int(seconds * 8000)).astype(np.int16))


def test_the_caller_hears_every_frame_at_once(line: Line) -> None:
    sound = read_wav(sorted(CALLERS.glob("balance*.wav"))[0])
    sound = sound[: len(sound) // FRAME * FRAME]
    for at in range(0, len(sound), FRAME):
        line.say(sound[at : at + FRAME])
        assert len(line.sent) == at // FRAME + 1
    assert line.echo() == sound


def test_utterances_are_told_apart(line: Line) -> None:
    sound = read_wav(sorted(CALLERS.glob("balance*.wav"))[0])
    for _ in range(3):
        line.say(quiet(0.4) + sound + quiet(1.5))
    assert line.call.utterances == 3


def test_a_burst_is_thinned_so_that_the_echo_does_not_fall_behind(line: Line) -> None:
    for number in range(50):  # a second of audio at once
        line.call.media(bytes([number + 1]) * FRAME, 20 * number)
    for _ in range(100):
        line.now = round(line.now + 0.02, 6)
        line.ticker.tick(line.now)
    assert len(line.sent) < 12
    assert line.echo()[-1] == 50  # the newest is there


def test_after_the_end_nothing_is_sent(line: Line) -> None:
    line.say(quiet(0.1))
    line.call.close()
    line.call.close()
    sent = len(line.sent)
    line.say(quiet(0.1))
    assert len(line.sent) == sent
