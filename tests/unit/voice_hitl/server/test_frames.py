"""The server's framing against the `websockets` library's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Close, CloseCode, Frame, Opcode

from voice_hitl.server import frames
from voice_hitl.server.frames import FrameError, FrameReader, close_code, close_frame, frame, unmask

LIMIT = 70_000
payloads = st.one_of(
    st.binary(max_size=300),
    st.sampled_from([b"\x01" * 125, b"\x02" * 126, b"\x03" * 65_535, b"\x04" * 65_536]),
)
data_messages = st.tuples(
    st.sampled_from([Opcode.TEXT, Opcode.BINARY]),
    st.lists(st.binary(max_size=200), min_size=1, max_size=4),
)


def masked(opcode: Opcode, payload: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, payload, fin).serialize(mask=True)


@given(st.data())
def test_messages_come_out_whole_however_they_were_cut(data: st.DataObject) -> None:
    wire, expected = b"", []
    for opcode, parts in data.draw(st.lists(data_messages, max_size=6)):
        for index, part in enumerate(parts):
            kind = opcode if index == 0 else Opcode.CONT
            wire += masked(kind, part, fin=index == len(parts) - 1)
            if index < len(parts) - 1 and data.draw(st.booleans()):
                wire += masked(Opcode.PING, b"in between")
                expected.append((frames.PING, b"in between"))
        expected.append((int(opcode), b"".join(parts)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=10)))
    reader, got = FrameReader(LIMIT), []
    for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        got += reader.feed(wire[start:end])
    assert got == expected


@given(payloads)
def test_lengths_of_every_form(payload: bytes) -> None:
    reader = FrameReader(LIMIT)
    assert reader.feed(masked(Opcode.TEXT, payload)) == [(frames.TEXT, payload)]
    assert frame(frames.TEXT, payload) == Frame(Opcode.TEXT, payload).serialize(mask=False)


@given(st.binary(min_size=4, max_size=4), st.binary(max_size=500))
def test_masking_undoes_itself(key: bytes, payload: bytes) -> None:
    mixed = unmask(key, payload)
    assert mixed == bytes(byte ^ key[index % 4] for index, byte in enumerate(payload))
    assert unmask(key, mixed) == payload


@pytest.mark.parametrize(
    ("wire", "code", "why"),
    [
        (Frame(Opcode.TEXT, b"x").serialize(mask=False), 1002, "masked"),
        (b"\xc1\x80\0\0\0\0", 1002, "reserved"),
        (b"\x83\x80\0\0\0\0", 1002, "opcode"),
        (b"\x8b\x80\0\0\0\0", 1002, "opcode"),
        (b"\x89\xfe\x00\x7e", 1002, "control"),
        (b"\x09\x80\0\0\0\0", 1002, "control"),
        (masked(Opcode.CONT, b"x"), 1002, "continuation"),
        (masked(Opcode.TEXT, b"x", fin=False) + masked(Opcode.TEXT, b"y"), 1002, "new message"),
        (b"\x81\xff" + (LIMIT + 1).to_bytes(8, "big"), 1009, "at most"),
        (b"\x81\xff" + b"\xff" * 8, 1009, "at most"),
        (masked(Opcode.TEXT, b"x" * LIMIT, fin=False) + masked(Opcode.CONT, b"y"), 1009, "at most"),
    ],
    # The masks are random, and every worker must collect the same names.
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_breaks_the_protocol_is_refused(wire: bytes, code: int, why: str) -> None:
    reader = FrameReader(LIMIT)
    with pytest.raises(FrameError, match=why) as caught:
        reader.feed(wire)
    assert caught.value.code == code
    assert reader.feed(masked(Opcode.TEXT, b"more")) == []


def test_a_refused_length_is_not_waited_for() -> None:
    """The head alone is enough: nobody makes the server hold what it will refuse."""
    with pytest.raises(FrameError):
        FrameReader(100).feed(b"\x81\xfe\x00\x65")


@given(st.binary(max_size=400))
def test_any_bytes_are_taken_or_refused(data: bytes) -> None:
    reader = FrameReader(200)
    for at in range(0, len(data), 7):
        try:
            reader.feed(data[at : at + 7])
        except FrameError as error:
            assert error.code in (1002, 1009)
            return


@given(st.integers(1000, 4999), st.text(max_size=200))
def test_close_frames_are_valid(code: int, reason: str) -> None:
    made = close_frame(code, reason)
    assert made[0] == 0x88
    assert made[1] == len(made) - 2 <= 125
    assert made[2:4] == code.to_bytes(2, "big")
    assert reason.startswith(made[4:].decode())


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", 1005),
        (b"\x03", 1002),
        (Close(CloseCode.NORMAL_CLOSURE, "bye").serialize(), 1000),
        (Close(CloseCode.GOING_AWAY, "").serialize(), 1001),
        (b"\x0f\xa0", 4000),
        (b"\x03\xed", 1002),
        (b"\x00\x01", 1002),
        (b"\xff\xff", 1002),
    ],
)
def test_received_close_codes(payload: bytes, code: int) -> None:
    assert close_code(payload) == code
