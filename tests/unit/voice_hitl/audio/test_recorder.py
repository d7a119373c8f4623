from __future__ import annotations

import io
import struct

from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.audio.recorder import HEADER_BYTES, HOLD, StereoRecorder, wav_header

FRAME = bytes(range(1, 161))


def sides(data: bytes) -> tuple[bytes, bytes]:
    return data[0::2], data[1::2]


def test_each_side_is_at_its_time() -> None:
    recorder = StereoRecorder(start=100.0)
    recorder.caller(100.5, FRAME)
    recorder.heard(101.0, FRAME)
    left, right = sides(recorder.take(102.0, final=True))
    assert left == b"\xff" * 4000 + FRAME + b"\xff" * (16_000 - 4160)
    assert right == b"\xff" * 8000 + FRAME + b"\xff" * (16_000 - 8160)


def test_only_what_can_change_no_more_is_given_out() -> None:
    recorder = StereoRecorder(start=0.0)
    recorder.caller(0.0, b"\x01" * 80_000)
    assert len(recorder.take(HOLD + 1.0)) == 2 * 8000
    assert recorder.take(HOLD + 1.0) == b""
    assert len(recorder.take(HOLD + 1.5)) == 2 * 4000


def test_a_barge_in_takes_back_what_was_announced() -> None:
    recorder = StereoRecorder(start=0.0)
    recorder.heard(1.0, b"\x01" * 8000)
    recorder.cut(1.25)
    recorder.heard(1.5, b"\x02" * 800)
    _, right = sides(recorder.take(2.0, final=True))
    assert right[8000:10_000] == b"\x01" * 2000
    assert right[10_000:12_000] == b"\xff" * 2000
    assert right[12_000:12_800] == b"\x02" * 800


def test_what_is_not_heard_yet_stays_until_the_end() -> None:
    recorder = StereoRecorder(start=0.0)
    recorder.heard(0.0, FRAME * 100)
    assert len(recorder.take(1.0, final=True)) == 2 * 16_000


@given(
    st.lists(st.tuples(st.booleans(), st.floats(-1, 8), st.integers(1, 400)), max_size=40),
    st.lists(st.floats(0, 10), max_size=5),
)
def test_sound_keeps_its_place_however_it_is_taken(
    sounds: list[tuple[bool, float, int]], moments: list[float]
) -> None:
    """Taken in pieces or at once, the file is the same (late sound aside)."""
    whole, pieces = StereoRecorder(0.0), StereoRecorder(0.0)
    for left, at, length in sounds:
        for recorder in (whole, pieces):
            (recorder.caller if left else recorder.heard)(at, b"\x07" * length)
    got = b"".join(pieces.take(moment) for moment in sorted(moments))
    got += pieces.take(12.0, final=True)
    assert got == whole.take(12.0, final=True)
    assert len(got) == 2 * 12 * 8000


def test_sound_from_before_the_start_is_cut() -> None:
    recorder = StereoRecorder(start=10.0)
    recorder.caller(9.99, FRAME)
    left, _ = sides(recorder.take(10.02, final=True))
    assert left[:80] == FRAME[80:]


def test_the_header_is_a_stereo_mu_law_wav() -> None:
    header = wav_header(1000)
    assert len(header) == HEADER_BYTES
    stream = io.BytesIO(header)
    riff, size, wave = struct.unpack("<4sI4s", stream.read(12))
    assert (riff, wave, size) == (b"RIFF", b"WAVE", HEADER_BYTES - 8 + 1000)
    chunks = {}
    while name := stream.read(4):
        (length,) = struct.unpack("<I", stream.read(4))
        chunks[name] = stream.read(length) if name != b"data" else length
    assert struct.unpack("<HHIIHHH", chunks[b"fmt "]) == (7, 2, 8000, 16_000, 2, 8, 0)
    assert struct.unpack("<I", chunks[b"fact"]) == (500,)
    assert chunks[b"data"] == 1000
