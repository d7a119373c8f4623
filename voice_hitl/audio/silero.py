"""Silero VAD refolded for telephone audio: 8 kHz in, all calls in one batch.

The model that faster-whisper ships (silero-vad v6, MIT licence) wants 16 kHz and runs one stream at a time.
Its front end is linear up to the magnitudes, so three matrices become one: doubling the sample rate by a
half-band FIR, the reflected padding, and the short-time Fourier transform. Doubled 8 kHz audio has
nothing above 5 kHz, so those bins go, and with them their share of the first layer. The convolutions, of
fixed length, become matrices too, and the LSTM takes the calls as its batch. On people's recordings the
result agrees with the original (16 kHz by soxr) in 99.9 % of the windows, at a ninth of the cost: 6 us a
window in a batch of 60 against 56 us (`tests/unit/voice_hitl/audio/test_silero.py` compares them).

A window is `WINDOW` new samples (32 ms) with `BEFORE` samples of what came before (the model's own context
and the filter's) and `AFTER` samples of what follows (the filter's), `INPUT` samples in all.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voice_hitl.audio.onnx_file import FLOAT, INT16, GraphWriter, read_tensors
from voice_hitl.errors import ConfigError

WINDOW = 256  # samples at 8 kHz
STATE = 128  # numbers in each of the two state vectors

_TAPS = 16  # each side of the half-band filter: 2 ms
_CONTEXT = 32  # the model's: 64 samples at 16 kHz
BEFORE = _TAPS + _CONTEXT
AFTER = _TAPS
INPUT = BEFORE + WINDOW + AFTER

_FFT = 256  # samples at 16 kHz
_HOP = 128
_FRAMES = 4
_ALL_BINS = _FFT // 2 + 1
_BINS = 80  # up to 5 kHz: the filter leaves a little just above 4 kHz, and the model knows it
_PADDED = (
    2 * (_CONTEXT + WINDOW) + 64
)  # reflected at the end only; the first padded frame is unused

Floats = NDArray[np.float32]

_SHAPES = {
    "encoder.feature_extractor.forward_basis_buffer": (2 * _ALL_BINS, 1, _FFT),
    "encoder.conv_layers.0.weight": (128, _ALL_BINS, 3),
    "encoder.conv_layers.0.bias": (128,),
    "encoder.conv_layers.1.weight": (64, 128, 3),
    "encoder.conv_layers.1.bias": (64,),
    "encoder.conv_layers.2.weight": (64, 64, 3),
    "encoder.conv_layers.2.bias": (64,),
    "encoder.conv_layers.3.weight": (128, 64, 3),
    "encoder.conv_layers.3.bias": (128,),
    "decoder.conv1d.weight": (1, 128, 1),
    "decoder.conv1d.bias": (1,),
}
_LSTM = {"input": (1, 4 * STATE, STATE), "bias": (1, 8 * STATE)}


def bundled_model() -> bytes:
    """The file that faster-whisper ships, found without importing that package (it is large).

    Raises `ConfigError` when there is none.
    """
    spec = importlib.util.find_spec("faster_whisper")
    folder = Path(spec.origin).parent / "assets" if spec is not None and spec.origin else None
    found = sorted(folder.glob("silero_vad*.onnx")) if folder is not None else []
    if not found:
        raise ConfigError("faster-whisper's silero_vad*.onnx is missing: reinstall faster-whisper")
    return found[-1].read_bytes()


def fold(original: bytes) -> bytes:
    """The refolded model: int16 `samples` [n, INPUT], `h`, `c` [1, n, STATE] in; `p` [n, 1], `hn`, `cn` out.

    Raises `ConfigError` when `original` is not the network described above.
    """
    weights, lstm = _weights(original)
    write = GraphWriter()
    one = write.tensor("one", np.array([1]))
    zero = write.tensor("zero", np.array([0]))
    half = write.tensor("half", np.array([_FRAMES * _BINS]))
    end = write.tensor("end", np.array([2 * _FRAMES * _BINS]))
    write.input("samples", INT16, ["n", INPUT])
    for name in ("h", "c"):
        write.input(name, FLOAT, [1, "n", STATE])

    write.node("Cast", ["samples"], ["x"], {"to": FLOAT})
    write.node("MatMul", ["x", write.tensor("front", _front(weights))], ["spectrum"])
    write.node("Mul", ["spectrum", "spectrum"], ["squares"])
    write.node("Slice", ["squares", zero, half, one], ["real"])
    write.node("Slice", ["squares", half, end, one], ["imaginary"])
    write.node("Add", ["real", "imaginary"], ["power"])
    write.node("Sqrt", ["power"], ["layer0"])
    for index, (frames, stride) in enumerate(((4, 1), (4, 2), (2, 2), (1, 1))):
        matrix, bias = _convolution(weights, index, frames, stride)
        layer = write.tensor(f"w{index}", matrix), write.tensor(f"b{index}", bias)
        write.node("Gemm", [f"layer{index}", *layer], [f"sum{index}"])
        write.node("Relu", [f"sum{index}"], [f"layer{index + 1}"])
    write.node("Unsqueeze", ["layer4", zero], ["step"])
    recurrent = [write.tensor(name, array) for name, array in lstm.items()]
    write.node("LSTM", ["step", *recurrent, "", "h", "c"], ["", "hn", "cn"], {"hidden_size": STATE})
    write.node("Squeeze", ["hn", zero], ["hidden"])
    write.node("Relu", ["hidden"], ["positive"])
    head = weights["decoder.conv1d.weight"][0], weights["decoder.conv1d.bias"]
    write.node("Gemm", ["positive", write.tensor("w", head[0]), write.tensor("b", head[1])], ["o"])
    write.node("Sigmoid", ["o"], ["p"])
    write.output("p", FLOAT, ["n", 1])
    for name in ("hn", "cn"):
        write.output(name, FLOAT, [1, "n", STATE])
    return write.model()


def _weights(original: bytes) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """The named layers, and the LSTM's three tensors, whose names are an exporter's numbers."""
    tensors = read_tensors(original)
    layers = {name: tensors[name] for name in _SHAPES if name in tensors}
    wrong = [
        name for name, shape in _SHAPES.items() if name not in layers or layers[name].shape != shape
    ]
    others = [array for name, array in sorted(tensors.items()) if name.startswith("onnx::LSTM_")]
    inputs = [array for array in others if array.shape == _LSTM["input"]]
    biases = [array for array in others if array.shape == _LSTM["bias"]]
    if wrong or len(inputs) != 2 or len(biases) != 1:
        what = ", ".join(wrong) or "the LSTM"
        raise ConfigError(
            f"the VAD model that faster-whisper ships has changed ({what}): install faster-whisper 1.2"
        )
    lstm = {"lstm_w": inputs[0], "lstm_r": inputs[1], "lstm_b": biases[0]}
    return (
        {name: array.astype(np.float32) for name, array in layers.items()},
        {name: array.astype(np.float32) for name, array in lstm.items()},
    )


def _front(weights: dict[str, Floats]) -> Floats:
    """[INPUT, 2 * frames * bins]: int16 samples to the real, then the imaginary parts of all frames."""
    basis = weights["encoder.feature_extractor.forward_basis_buffer"][:, 0, :].astype(np.float64)
    transform = np.zeros((_PADDED, _FRAMES, 2 * _ALL_BINS))
    for frame in range(_FRAMES):
        start = frame * _HOP
        transform[start : start + _FFT, frame] = basis.T
    samples = _PADDED - 64
    padding = np.eye(samples, _PADDED)
    for index in range(64):
        padding[samples - 2 - index, samples + index] = 1.0
    folded = (_doubling(samples) @ padding @ transform.reshape(_PADDED, -1)).reshape(
        INPUT, _FRAMES, 2 * _ALL_BINS
    )
    parts = folded[:, :, :_BINS], folded[:, :, _ALL_BINS : _ALL_BINS + _BINS]
    joined = np.concatenate([part.reshape(INPUT, -1) for part in parts], axis=1)
    return (joined / 32768.0).astype(np.float32)


def _doubling(samples: int) -> NDArray[np.float64]:
    """[INPUT, samples]: 8 kHz to 16 kHz by a half-band filter (a sinc in a Hann window)."""
    offsets = np.arange(1 - _TAPS, 1 + _TAPS)
    distance = 0.5 - offsets
    between = np.sinc(distance) * (0.5 + 0.5 * np.cos(np.pi * distance / (_TAPS + 0.5)))
    between /= between.sum()
    matrix = np.zeros((INPUT, samples))
    for sample in range(samples):
        at = _TAPS + sample // 2
        if sample % 2 == 0:
            matrix[at, sample] = 1.0
        else:
            matrix[at + offsets, sample] += between
    return matrix


def _convolution(
    weights: dict[str, Floats], index: int, frames: int, stride: int
) -> tuple[Floats, Floats]:
    """A convolution over `frames` time steps (kernel 3, padding 1) as one matrix, with its bias."""
    kernel = weights[f"encoder.conv_layers.{index}.weight"]
    bias = weights[f"encoder.conv_layers.{index}.bias"]
    if index == 0:
        kernel = kernel[:, :_BINS]
    outputs, inputs, width = kernel.shape
    after = (frames - 1) // stride + 1
    matrix = np.zeros((frames, inputs, after, outputs), np.float32)
    for step in range(after):
        for tap in range(width):
            source = stride * step + tap - 1
            if 0 <= source < frames:
                matrix[source, :, step, :] = kernel[:, :, tap].T
    return matrix.reshape(frames * inputs, after * outputs), np.tile(bias, after)
