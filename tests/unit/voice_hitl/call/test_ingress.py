from __future__ import annotations

import gc
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import voice_hitl.packs
from voice_hitl.audio import g711
from voice_hitl.audio.endpoint import SpeechEvent, SpeechPaused, SpeechResumed, SpeechStarted
from voice_hitl.audio.g711 import FRAME, SILENT_FRAME, Pcm
from voice_hitl.audio.vad import SileroVad
from voice_hitl.call.ingress import PRE_ROLL, Ingress
from voice_hitl.call.ticker import Ticker
from voice_hitl.call.vad_service import VadService
from voice_hitl.simulate.wav import read_wav

CALLERS = Path(voice_hitl.packs.__file__).parent / "banking" / "scenarios"


@pytest.fixture(scope="module")
def model() -> SileroVad:
    return SileroVad()


@pytest.fixture(scope="module")
def utterance() -> bytes:
    return read_wav(sorted(CALLERS.glob("balance*.wav"))[0])


@dataclass
class Call:
    """An ingress with its ticker; every frame is followed by a tick."""

    ticker: Ticker
    ingress: Ingress
    events: list[SpeechEvent] = field(default_factory=list)
    audio: list[Pcm] = field(default_factory=list)
    tapped: list[bytes] = field(default_factory=list)
    frames: int = 0

    def send(self, ulaw: bytes) -> None:
        for at in range(0, len(ulaw) - FRAME + 1, FRAME):
            self.ingress.media(ulaw[at : at + FRAME], 20 * self.frames)
            self.frames += 1
            self.ticker.tick(0.02 * self.frames)

    @property
    def heard(self) -> bytes:
        return b"".join(g711.encode(pcm) for pcm in self.audio)

    def kinds(self) -> list[type]:
        return [type(event) for event in self.events]


@pytest.fixture
def call(model: SileroVad) -> Call:
    ticker = Ticker()
    ingress = Ingress(VadService(ticker, model))
    made = Call(ticker, ingress)
    ingress.on_event = made.events.append
    ingress.on_audio = made.audio.append
    ingress.taps.append(made.tapped.append)
    return made


def quiet(seconds: float) -> bytes:
    rng = np.random.default_rng(0)
    return g711.encode(rng.normal(0, 3, int(seconds * 8000)).astype(np.int16))


def test_an_utterance_begins_before_its_onset(call: Call, utterance: bytes) -> None:
    line = quiet(1.0) + utterance + quiet(1.0)
    call.send(line)
    started = call.events[0]
    assert isinstance(started, SpeechStarted)
    line = g711.encode(g711.decode(line))  # negative zeros become positive ones
    begin = line.index(call.heard[:3200]) / 8000
    assert started.at - PRE_ROLL - 0.02 <= begin <= started.at - PRE_ROLL + 0.02
    whole = line[: len(line) // FRAME * FRAME]
    assert whole.endswith(call.heard)  # every frame since, none twice


def test_events_come_before_the_audio_they_announce(call: Call, utterance: bytes) -> None:
    order: list[str] = []
    call.ingress.on_event = lambda event: order.append(type(event).__name__)
    call.ingress.on_audio = lambda pcm: order.append("audio")
    call.send(quiet(1.0) + utterance)
    assert order[:2] == ["SpeechStarted", "audio"]


def test_audio_flows_until_the_turn_is_closed(call: Call, utterance: bytes) -> None:
    call.send(quiet(0.5) + utterance + quiet(0.5))
    assert call.kinds()[-1] is SpeechPaused
    before = len(call.audio)
    call.send(quiet(0.2))
    assert len(call.audio) == before + 10
    call.ingress.close_turn()
    call.send(quiet(0.2))
    assert len(call.audio) == before + 10


def test_going_on_resumes_and_a_closed_turn_starts(call: Call, utterance: bytes) -> None:
    call.send(quiet(0.5) + utterance + quiet(0.6) + utterance + quiet(0.6))
    assert call.kinds().count(SpeechStarted) == 1
    assert SpeechResumed in call.kinds()
    call.ingress.close_turn()
    call.events.clear()
    call.send(utterance)
    assert call.kinds()[0] is SpeechStarted


def test_an_idle_line_costs_no_inference(call: Call) -> None:
    call.send(quiet(10.0))
    assert (call.events, call.audio) == ([], [])
    assert call.ingress.audio_now == pytest.approx(10.0)


def test_gaps_are_silence_in_taps_and_on_the_clock(call: Call) -> None:
    call.ingress.media(b"\x01" * FRAME, 0)
    for number in (3, 4, 5):
        call.ingress.media(b"\x02" * FRAME, 20 * number)
    assert call.tapped == [b"\x01" * FRAME, SILENT_FRAME, SILENT_FRAME, *[b"\x02" * FRAME] * 3]
    assert call.ingress.audio_now == pytest.approx(0.12)


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(1, 500), min_size=1, max_size=40))
def test_payloads_of_any_size_become_frames(sizes: list[int], model: SileroVad) -> None:
    ingress = Ingress(VadService(Ticker(), model))
    tapped: list[bytes] = []
    ingress.taps.append(tapped.append)
    sent = b""
    for number, size in enumerate(sizes):
        payload = bytes([number % 255 + 1]) * size
        ingress.media(payload, len(sent) // 8)
        sent += payload
    assert b"".join(tapped) == sent[: len(sent) // FRAME * FRAME]
    assert {len(frame) for frame in tapped} <= {FRAME}


def test_a_closed_ingress_calls_nobody(call: Call, utterance: bytes) -> None:
    call.send(quiet(0.5) + utterance[:8000])
    call.ingress.close()
    call.ingress.close()
    events, audio = len(call.events), len(call.audio)
    call.tapped.clear()
    call.ticker.tick(99.0)
    assert (len(call.events), len(call.audio), call.tapped) == (events, audio, [])


def test_a_listener_that_fails_is_told_to_its_call_alone(
    call: Call, utterance: bytes, model: SileroVad
) -> None:
    faults: list[Exception] = []

    def fail(event: SpeechEvent) -> None:
        raise RuntimeError("inbox is full")

    call.ingress.on_event = fail
    call.ingress.on_failed = faults.append
    call.send(quiet(0.5) + utterance)
    assert faults
    assert str(faults[0]) == "inbox is full"


def test_a_call_leaves_nothing_behind(model: SileroVad, utterance: bytes) -> None:
    ticker = Ticker()
    service = VadService(ticker, model)
    calls = [Call(ticker, Ingress(service)) for _ in range(3)]
    for each in calls:
        each.send(quiet(0.2) + utterance[:4000])
        each.ingress.close()
    calls.clear()
    del each
    ticker.tick(0.0)
    gc.collect()
    assert not [thing for thing in gc.get_objects() if isinstance(thing, Ingress)]
