"""The whole detector on recorded callers, frame by frame as they come in."""

from __future__ import annotations

import numpy as np
import pytest

from voice_hitl.audio import g711
from voice_hitl.audio.detector import KEPT, SpeechDetector
from voice_hitl.audio.endpoint import SpeechEvent, SpeechPaused, SpeechStarted
from voice_hitl.audio.g711 import FRAME, FRAME_SECONDS, Pcm
from voice_hitl.audio.vad import SileroVad, VadBank


def quiet(seconds: float, seed: int = 0) -> Pcm:
    """An idle line."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, 3, int(seconds * 8000)).astype(np.int16)


def hear(pcm: Pcm, model: SileroVad) -> tuple[list[tuple[SpeechEvent, float]], int]:
    """Events with the audio time at which they were known, and how many windows it took."""
    bank = VadBank(model)
    events: list[tuple[SpeechEvent, float]] = []
    faults: list[Exception] = []
    detector = SpeechDetector(
        bank, lambda event: events.append((event, detector.audio_now)), faults.append
    )
    for at in range(0, len(pcm) - FRAME + 1, FRAME):
        detector.frame(pcm[at : at + FRAME].tobytes())
        while bank.ready:
            bank.infer()
    assert faults == []
    return events, bank.windows


def onset(pcm: Pcm) -> float:
    """When a synthetic caller, recorded on a silent line, is first heard."""
    return float(np.flatnonzero(np.abs(pcm.astype(int)) > 300)[0]) / 8000


def end(pcm: Pcm) -> float:
    return float(np.flatnonzero(np.abs(pcm.astype(int)) > 300)[-1]) / 8000


def test_speech_is_found_in_time(utterances: list[Pcm], model: SileroVad) -> None:
    for pcm in utterances:
        line = np.concatenate([quiet(1.0), pcm, quiet(1.0)])
        events, _ = hear(line, model)
        (first, known), (last, ended) = events[0], events[-1]
        assert isinstance(first, SpeechStarted)
        assert isinstance(last, SpeechPaused)
        assert known - onset(line) < 0.25
        assert -0.1 < first.at - onset(line) < 0.15
        assert ended - end(line) < 0.25
        assert abs(last.at - end(line)) < 0.15


def test_silence_is_never_judged(model: SileroVad) -> None:
    events, windows = hear(quiet(30.0), model)
    assert (events, windows) == ([], 0)


def test_most_of_a_conversation_is_never_judged(utterances: list[Pcm], model: SileroVad) -> None:
    line = np.concatenate([quiet(2.0), utterances[0], quiet(10.0), utterances[1], quiet(10.0)])
    _, windows = hear(line, model)
    assert windows * 256 < len(utterances[0]) + len(utterances[1]) + 2 * 8000


def test_a_soft_onset_is_not_eaten(utterances: list[Pcm], model: SileroVad) -> None:
    """Speech that fades in over 400 ms is dated from where it is first audible."""
    pcm = utterances[0].astype(float)
    begin = int(onset(utterances[0]) * 8000)
    pcm[begin : begin + 3200] *= np.linspace(0.02, 1, 3200)
    line = np.concatenate([quiet(1.0), pcm.astype(np.int16), quiet(0.5)])
    events, _ = hear(line, model)
    assert events[0][0].at - 1.0 - begin / 8000 < 0.3


def test_the_pre_roll_holds_the_onset(utterances: list[Pcm], model: SileroVad) -> None:
    bank = VadBank(model)
    rolled: list[bytes] = []

    def on_event(event: SpeechEvent) -> None:
        if isinstance(event, SpeechStarted):
            rolled.append(detector.since(event.at - 0.3))

    detector = SpeechDetector(bank, on_event, lambda error: None)
    line = np.concatenate([quiet(1.0), utterances[0], quiet(1.0)])
    for at in range(0, len(line) - FRAME + 1, FRAME):
        detector.frame(line[at : at + FRAME].tobytes())
        bank.infer()
    start = line.tobytes().index(rolled[0]) / 16000
    assert onset(line) - 0.45 < start < onset(line) - 0.15


@pytest.mark.parametrize("length", [8, 40, 160, 320])
def test_clicks_are_not_speech(length: int, model: SileroVad) -> None:
    rng = np.random.default_rng(1)
    line = quiet(20.0).astype(float)
    for at in range(4000, len(line) - 4000, 5600):
        line[at : at + length] += rng.normal(0, 8000, length)
    events, windows = hear(np.clip(line, -32768, 32767).astype(np.int16), model)
    assert events == []
    assert windows > 0  # they did open the gate


def test_noise_is_not_speech(model: SileroVad) -> None:
    for level in (50, 500, 5000):
        noise = np.random.default_rng(2).normal(0, level, 20 * 8000)
        assert hear(np.clip(noise, -32768, 32767).astype(np.int16), model)[0] == []


def test_mu_law_changes_nothing(utterances: list[Pcm], model: SileroVad) -> None:
    line = np.concatenate([quiet(1.0), utterances[0], quiet(1.0)])
    coded = g711.decode(g711.encode(line))
    assert [type(e) for e, _ in hear(line, model)[0]] == [type(e) for e, _ in hear(coded, model)[0]]


def test_what_is_kept_is_bounded(model: SileroVad) -> None:
    detector = SpeechDetector(VadBank(model), lambda event: None, lambda error: None)
    for number in range(3 * KEPT):
        detector.frame(np.full(FRAME, number % 7, np.int16).tobytes())
    assert len(detector.since(0.0)) == KEPT * 2 * FRAME
    assert detector.since(detector.audio_now) == b""
    last = detector.since(detector.audio_now - FRAME_SECONDS)
    assert last == np.full(FRAME, (3 * KEPT - 1) % 7, np.int16).tobytes()
