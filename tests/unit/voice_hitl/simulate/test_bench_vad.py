from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from voice_hitl.audio import g711
from voice_hitl.audio.g711 import Pcm
from voice_hitl.simulate import bench_vad
from voice_hitl.simulate.wav import write_mono


def burst(*spans: tuple[float, float], seconds: float = 6.0) -> Pcm:
    rng = np.random.default_rng(0)
    line = rng.normal(0, 3, int(seconds * 8000))
    for start, end in spans:
        line[int(start * 8000) : int(end * 8000)] += rng.normal(0, 3000, int((end - start) * 8000))
    return line.astype(np.int16)


def test_truth_is_where_it_is_loud() -> None:
    turns = bench_vad.truth(burst((1.0, 1.8), (1.9, 2.5), (4.0, 5.0)))
    assert np.allclose(turns, [(1.0, 2.5), (4.0, 5.0)], atol=0.02)


def test_clicks_and_silence_are_no_truth() -> None:
    assert bench_vad.truth(burst((1.0, 1.05), (3.0, 4.0)))[0][0] == pytest.approx(3.0, abs=0.02)
    assert bench_vad.truth(np.zeros(0, np.int16)) == []


def test_noise_is_mixed_at_the_ratio_asked_for() -> None:
    speech = burst((1.0, 2.0))
    noise = (1000 * np.sin(np.arange(8000) / 3)).astype(np.int16)
    mixed = bench_vad.mixed(speech, [(1.0, 2.0)], noise, 10.0, 100)
    added = (mixed.astype(int) - speech).astype(np.int16)
    ratio = 20 * np.log10(bench_vad.loudness(speech[8000:16000]) / bench_vad.loudness(added))
    assert ratio == pytest.approx(10.0, abs=0.1)


def test_the_bench_finds_the_packs_callers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import voice_hitl.packs

    speech, noise = tmp_path / "speech", tmp_path / "noise"
    speech.mkdir()
    noise.mkdir()
    callers = Path(voice_hitl.packs.__file__).parent / "banking" / "scenarios"
    for file in sorted(callers.glob("balance*.wav"))[:2]:
        (speech / file.name).write_bytes(file.read_bytes())
    hiss = np.random.default_rng(0).normal(0, 500, 16_000).astype(np.int16)
    write_mono(noise / "hiss.wav", g711.encode(hiss))
    report = tmp_path / "vad.json"
    arguments = ["--speech", str(speech), "--noise", str(noise), "--snr", "15"]
    assert bench_vad.main([*arguments, "--report", str(report)]) == 0
    scores = {score["condition"]: score for score in json.loads(report.read_text())}
    assert scores["clean"]["missed"] == scores["clean"]["false_a_minute"] == 0
    assert scores["clean"]["start"][1] < 250
    assert scores["hiss, 15 dB"]["missed"] == 0
    assert scores["hiss alone"]["false_a_minute"] == 0
    assert "hiss, 15 dB" in capsys.readouterr().out


def test_without_recordings_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_vad.main(["--speech", str(tmp_path)]) == 1
    assert "no WAV file" in capsys.readouterr().out
