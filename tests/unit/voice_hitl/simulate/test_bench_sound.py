from __future__ import annotations

import random
from pathlib import Path

import pytest

from voice_hitl.audio import g711
from voice_hitl.errors import ScenarioError
from voice_hitl.simulate import bench_sound
from voice_hitl.simulate.wav import write_mono

LOUD = b"\x10" * 8000


def test_a_conversation_pauses_and_a_monologue_does_not() -> None:
    talk = bench_sound.conversation([LOUD], random.Random(1))
    speech = bench_sound.monologue([LOUD + g711.silence(8000)], random.Random(1))
    assert 0.1 < talk.count(b"\x10") / len(talk) < 0.6
    assert set(speech) == {0x10}
    assert min(len(talk), len(speech)) >= bench_sound.SECONDS * 8000


def test_only_the_loud_part_counts() -> None:
    assert bench_sound.loud_part(g711.silence(800) + LOUD + g711.silence(800)) == LOUD
    assert bench_sound.loud_part(b"") == b""


def test_recordings_come_from_a_folder_or_are_missed(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="no WAV"):
        bench_sound.recordings(tmp_path)
    write_mono(tmp_path / "one.wav", LOUD)
    name, found = bench_sound.recordings(tmp_path)
    assert name.endswith(tmp_path.name)
    assert found == [LOUD]


def test_without_data_the_packs_callers_speak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOICE_HITL_DATA", str(tmp_path))
    name, found = bench_sound.recordings()
    assert name == "voice_hitl/packs"
    assert len(found) > 10
