from __future__ import annotations

import pytest

from voice_hitl.audio.vad import SileroVad
from voice_hitl.call.ticker import Ticker
from voice_hitl.call.vad_service import VadService


@pytest.fixture(scope="module")
def model() -> SileroVad:
    return SileroVad()


def test_all_calls_windows_are_inferred_in_one_tick(model: SileroVad) -> None:
    ticker = Ticker()
    service = VadService(ticker, model)
    heard: list[int] = []
    streams = [
        service.stream(lambda p, at, i=i: heard.append(i), lambda error: None)  # type: ignore[misc]
        for i in range(5)
    ]
    for stream in streams:
        stream.push(bytes(2 * 400))
    assert heard == []
    ticker.tick(0.0)
    assert sorted(heard) == list(range(5))
    assert service.windows == 5


def test_a_backlog_is_worked_off_in_later_ticks(model: SileroVad) -> None:
    ticker = Ticker()
    service = VadService(ticker, model)
    stream = service.stream(lambda p, at: None, lambda error: None)
    stream.push(bytes(2 * 256 * 600))
    ticker.tick(0.0)
    first = service.windows
    for tick in range(10):
        ticker.tick(0.02 * tick)
    assert 0 < first < service.windows == 599


def test_one_calls_fault_leaves_the_others_their_detector(model: SileroVad) -> None:
    ticker = Ticker()
    service = VadService(ticker, model)
    faults: list[Exception] = []
    heard: list[float] = []

    def break_down(p: float, at: float) -> None:
        raise RuntimeError("no")

    service.stream(break_down, faults.append).push(bytes(2 * 400))
    service.stream(lambda p, at: heard.append(at), faults.append).push(bytes(2 * 400))
    ticker.tick(0.0)
    assert len(faults) == len(heard) == 1
