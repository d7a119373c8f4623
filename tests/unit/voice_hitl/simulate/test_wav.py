from __future__ import annotations

import audioop
import struct
import wave
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voice_hitl.errors import ScenarioError
from voice_hitl.simulate.wav import read_stereo, read_wav, write_mono, write_stereo

AUDIO = bytes(range(256))
shared_folder = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@shared_folder
@given(st.binary(min_size=1, max_size=300))
def test_a_mono_file_comes_back(tmp_path: Path, audio: bytes) -> None:
    path = tmp_path / "a.wav"
    write_mono(path, audio)
    assert read_wav(path) == audio


@shared_folder
@given(st.binary(max_size=300), st.binary(max_size=300))
def test_a_stereo_file_comes_back_with_the_shorter_side_silent(
    tmp_path: Path, left: bytes, right: bytes
) -> None:
    path = tmp_path / "a.wav"
    write_stereo(path, left, right)
    length = max(len(left), len(right))
    assert read_stereo(path) == (left.ljust(length, b"\xff"), right.ljust(length, b"\xff"))


def test_linear_files_are_converted(tmp_path: Path) -> None:
    linear = audioop.ulaw2lin(AUDIO, 2)
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(linear)
    assert read_wav(tmp_path / "a.wav") == audioop.lin2ulaw(linear, 2)


def test_foreign_chunks_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_mono(path, AUDIO)
    content = path.read_bytes()
    odd = struct.pack("<4sI", b"LIST", 3) + b"abc\0"
    path.write_bytes(content[:12] + odd + content[12:])
    assert read_wav(path) == AUDIO


def test_what_is_no_telephone_recording_is_refused_with_the_mend(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "wide.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(b"\0\0" * 10)
    (tmp_path / "text.wav").write_text("no sound")
    (tmp_path / "cut.wav").write_bytes(b"RIFF\0\0\0\0WAVE")
    for name, complaint in [
        ("wide.wav", "ffmpeg"),
        ("text.wav", "no WAV file"),
        ("cut.wav", "no audio"),
        ("absent.wav", "cannot be read"),
    ]:
        with pytest.raises(ScenarioError, match=f"{name}.*{complaint}"):
            read_wav(tmp_path / name)
    write_mono(tmp_path / "mono.wav", AUDIO)
    with pytest.raises(ScenarioError, match="no stereo recording"):
        read_stereo(tmp_path / "mono.wav")


@shared_folder
@given(st.binary(max_size=120))
def test_any_bytes_are_read_or_refused(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "a.wav"
    for content in (body, b"RIFF\0\0\0\0WAVE" + body, b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + body):
        path.write_bytes(content)
        try:
            read_wav(path)
        except ScenarioError as error:
            assert str(path) in str(error)
