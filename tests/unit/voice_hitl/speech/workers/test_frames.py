from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.speech.workers.frames import (
    MAX_PAYLOAD,
    Frame,
    FrameError,
    FrameReader,
    Kind,
    encode,
)

frames = st.builds(
    Frame,
    kind=st.sampled_from(Kind),
    lease=st.integers(0, 2**32 - 1),
    payload=st.binary(max_size=400),
)


@given(st.lists(frames, max_size=12), st.lists(st.integers(0, 5000), max_size=30))
def test_whatever_is_encoded_is_read_back_however_it_is_split(
    sent: list[Frame], cuts: list[int]
) -> None:
    stream = b"".join(encode(f.kind, f.lease, f.payload) for f in sent)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    reader = FrameReader()
    got: list[Frame] = []
    for start, end in pairwise(edges):
        got += reader.receive(stream[start:end])
    assert got == sent


@given(st.binary(max_size=200))
def test_any_bytes_give_frames_or_a_frame_error(data: bytes) -> None:
    try:
        got = FrameReader().receive(data)
    except FrameError:
        return
    assert sum(9 + len(frame.payload) for frame in got) <= len(data)


def test_a_payload_over_the_limit_is_refused_on_both_sides() -> None:
    with pytest.raises(FrameError, match="at most"):
        encode(Kind.FEED, 1, bytes(MAX_PAYLOAD + 1))
    with pytest.raises(FrameError, match="announces"):
        FrameReader().receive(struct.pack("<IBI", MAX_PAYLOAD + 1, Kind.FEED, 1))


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(FrameError, match="unknown frame kind 200"):
        FrameReader().receive(struct.pack("<IBI", 0, 200, 1))
