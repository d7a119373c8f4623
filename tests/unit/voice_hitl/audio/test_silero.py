"""The refolded network against the original, run as faster-whisper runs it."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
import pytest
import soxr

from voice_hitl.audio.g711 import Pcm
from voice_hitl.audio.onnx_file import GraphWriter
from voice_hitl.audio.silero import AFTER, BEFORE, INPUT, STATE, WINDOW, bundled_model, fold
from voice_hitl.audio.vad import SileroVad
from voice_hitl.errors import ConfigError


def original(pcm: Pcm) -> list[float]:
    """The bundled model's probabilities: 16 kHz, one window after the other."""
    session = ort.InferenceSession(bundled_model(), providers=["CPUExecutionProvider"])
    doubled = soxr.resample(pcm.astype(np.float32) / 32768, 8000, 16000, "VHQ")
    padded = np.concatenate([np.zeros(64, np.float32), doubled])
    h = c = np.zeros((1, 1, STATE), np.float32)
    result = []
    for window in range(len(pcm) // WINDOW):
        start = 2 * WINDOW * window
        p, h, c = session.run(None, {"input": padded[None, start : start + 576], "h": h, "c": c})
        result.append(float(p[0]))
    return result


def refolded(pcm: Pcm, model: SileroVad) -> list[float]:
    padded = np.concatenate([np.zeros(BEFORE, np.int16), pcm, np.zeros(AFTER, np.int16)])
    h = c = np.zeros((1, STATE), np.float32)
    result = []
    for window in range(len(pcm) // WINDOW):
        start = WINDOW * window
        p, h, c = model.run(padded[start : start + INPUT].tobytes(), h, c)
        result += p
    return result


def test_it_hears_what_the_original_hears(utterances: list[Pcm], model: SileroVad) -> None:
    theirs = np.concatenate([original(pcm) for pcm in utterances])
    ours = np.concatenate([refolded(pcm, model) for pcm in utterances])
    assert theirs.max() > 0.9
    assert theirs.min() < 0.05
    difference = np.abs(ours - theirs)
    assert difference.mean() < 0.02  # a coarser resampler (soxr's LQ) makes as much of a difference
    assert np.mean((ours > 0.5) == (theirs > 0.5)) > 0.98


def test_a_batch_is_as_good_as_one(utterances: list[Pcm], model: SileroVad) -> None:
    rng = np.random.default_rng(0)
    windows = [pcm[1000 * i : 1000 * i + INPUT].tobytes() for i, pcm in enumerate(utterances)]
    h, c = rng.normal(0, 0.3, (2, len(windows), STATE)).astype(np.float32)
    together = model.run(b"".join(windows), h, c)
    for index, window in enumerate(windows):
        alone = model.run(window, h[index : index + 1], c[index : index + 1])
        assert alone[0][0] == pytest.approx(together[0][index], abs=1e-4)
        assert np.allclose(alone[1][0], together[1][index], atol=1e-4)
        assert np.allclose(alone[2][0], together[2][index], atol=1e-4)


def test_another_network_is_refused() -> None:
    write = GraphWriter()
    write.tensor("encoder.conv_layers.0.weight", np.zeros((128, 129, 5), np.float32))
    with pytest.raises(ConfigError, match="install faster-whisper"):
        fold(write.model())


def test_a_missing_model_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="faster-whisper"):
        bundled_model()
