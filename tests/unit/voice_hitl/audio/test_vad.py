from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_hitl.audio.g711 import Pcm
from voice_hitl.audio.vad import MAX_WINDOWS, WINDOW_SECONDS, SileroVad, VadBank

Window = tuple[float, float]


def note(heard: list[Window]) -> Callable[[float, float], None]:
    return lambda p, at: heard.append((p, at))


def listen(bank: VadBank, pcm: Pcm, sizes: list[int]) -> list[Window]:
    """Feed a sound in pieces of those sizes, then the rest."""
    heard: list[Window] = []
    stream = bank.stream(lambda p, at: heard.append((p, at)))
    position = 0
    for size in [*sizes, len(pcm)]:
        stream.push(pcm[position : position + size].tobytes())
        position += size
        bank.infer()
    while bank.ready:
        bank.infer()
    stream.close()
    return heard


@settings(max_examples=15, deadline=None)
@given(sizes=st.lists(st.integers(1, 900), max_size=30))
def test_pieces_do_not_matter(sizes: list[int], utterances: list[Pcm], model: SileroVad) -> None:
    pcm = utterances[0][:12_000]
    whole = listen(VadBank(model), pcm, [])
    pieces = listen(VadBank(model), pcm, sizes)
    assert [at for _, at in whole] == [at for _, at in pieces]
    assert [p for p, _ in whole] == pytest.approx([p for p, _ in pieces], abs=1e-4)


def test_windows_end_where_they_end(utterances: list[Pcm], model: SileroVad) -> None:
    heard = listen(VadBank(model), utterances[0], [])
    assert [at for _, at in heard] == pytest.approx(
        [(index + 1) * WINDOW_SECONDS for index in range(len(heard))]
    )
    assert len(heard) == (len(utterances[0]) - 16) // 256


def test_streams_do_not_hear_each_other(utterances: list[Pcm], model: SileroVad) -> None:
    alone = [listen(VadBank(model), pcm, []) for pcm in utterances]
    bank = VadBank(model)
    together: list[list[Window]] = [[] for _ in range(40)]
    streams = [bank.stream(note(heard)) for heard in together]
    for index, stream in enumerate(streams):
        stream.push(utterances[index % len(utterances)].tobytes())
    while bank.ready:
        bank.infer()
    for index, heard in enumerate(together):
        assert [p for p, _ in heard] == pytest.approx(
            [p for p, _ in alone[index % len(utterances)]], abs=1e-3
        )


def test_a_slot_is_clean_for_its_next_stream(utterances: list[Pcm], model: SileroVad) -> None:
    bank = VadBank(model)
    first = listen(bank, utterances[0], [])
    listen(bank, utterances[1], [])
    assert listen(bank, utterances[0], []) == first


def test_restart_leaves_out_what_was_silent(utterances: list[Pcm], model: SileroVad) -> None:
    bank = VadBank(model)
    heard: list[Window] = []
    stream = bank.stream(lambda p, at: heard.append((p, at)))
    stream.push(bytes(2 * 8000))
    stream.restart(utterances[0].tobytes(), 80_000)
    while bank.ready:
        bank.infer()
    assert heard[0][1] == pytest.approx((80_000 + 48 + 256) / 8000)
    assert stream.fed == 80_000 + len(utterances[0])


def test_a_restart_with_too_little_waits(model: SileroVad) -> None:
    bank = VadBank(model)
    heard: list[Window] = []
    stream = bank.stream(lambda p, at: heard.append((p, at)))
    stream.push(bytes(2 * 400))
    stream.restart(bytes(2 * 100), 5000)
    bank.infer()
    assert heard == []
    stream.push(bytes(2 * 300))
    bank.infer()
    assert len(heard) == 1


def test_one_inference_is_bounded(model: SileroVad) -> None:
    bank = VadBank(model)
    streams = [bank.stream(lambda p, at: None) for _ in range(8)]
    for stream in streams:
        stream.push(bytes(2 * 256 * 50))
    bank.infer()
    assert 0 < bank.windows <= MAX_WINDOWS
    while bank.ready:
        bank.infer()
    assert bank.windows == 8 * 50 - 8  # the last window of each lacks what follows it


def test_a_closed_stream_is_silent_even_from_within(model: SileroVad) -> None:
    bank = VadBank(model)
    heard: list[str] = []
    other = bank.stream(lambda p, at: heard.append("other"))

    def hang_up(p: float, at: float) -> None:
        heard.append("first")
        other.close()

    first = bank.stream(hang_up)
    for stream in (first, other):
        stream.push(bytes(2 * 400))
    bank.infer()
    assert heard == ["first"]
    first.close()
    first.close()
    assert bank.stream(lambda p, at: None).slot in (14, 15)


def test_one_streams_fault_is_its_own(model: SileroVad) -> None:
    bank = VadBank(model)
    heard: list[float] = []
    faults: list[Exception] = []

    def break_down(p: float, at: float) -> None:
        raise RuntimeError("no")

    broken = bank.stream(break_down, faults.append)
    sound = bank.stream(lambda p, at: heard.append(at))
    for stream in (broken, sound):
        stream.push(bytes(2 * 400))
    bank.infer()
    assert len(heard) == 1
    assert [str(fault) for fault in faults] == ["no"]


def test_without_a_listener_for_errors_they_go_up(model: SileroVad) -> None:
    bank = VadBank(model)

    def break_down(p: float, at: float) -> None:
        raise RuntimeError("no")

    bank.stream(break_down).push(bytes(2 * 400))
    with pytest.raises(RuntimeError, match="no"):
        bank.infer()


def test_the_bank_says_when_there_is_work(model: SileroVad) -> None:
    bank = VadBank(model)
    calls: list[int] = []
    bank.on_ready = lambda: calls.append(bank.ready)
    streams = [bank.stream(lambda p, at: None) for _ in range(3)]
    for stream in streams:
        stream.push(np.zeros(400, np.int16).tobytes())
    assert calls == [1]
    bank.infer()
    streams[0].push(np.zeros(400, np.int16).tobytes())
    assert calls == [1, 1]
