from __future__ import annotations

import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.audio.onnx_file import FLOAT, GraphWriter, read_tensors
from voice_hitl.errors import ConfigError


def small_model() -> tuple[bytes, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    matrix = np.arange(300 * 2, dtype=np.float32).reshape(300, 2)
    write = GraphWriter()
    write.input("x", FLOAT, ["n", 300])
    write.node("MatMul", ["x", write.tensor("matrix", matrix)], ["y"])
    write.tensor("axis", np.array([-1, 2**40]))
    write.output("y", FLOAT, ["n", 2])
    return write.model(), matrix


def test_what_is_written_runs() -> None:
    model, matrix = small_model()
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    x = np.random.default_rng(0).normal(size=(3, 300)).astype(np.float32)
    (y,) = session.run(None, {"x": x})
    assert np.allclose(y, x @ matrix, atol=1e-3)


def test_what_is_written_is_read_back() -> None:
    model, matrix = small_model()
    tensors = read_tensors(model)
    assert set(tensors) == {"matrix", "axis"}
    assert np.array_equal(tensors["matrix"], matrix)
    assert tensors["axis"].tolist() == [-1, 2**40]


@given(st.binary(max_size=200))
def test_any_bytes_give_tensors_or_a_config_error(data: bytes) -> None:
    try:
        read_tensors(data)
    except ConfigError:
        pass


@given(st.integers(0, 4000))
def test_a_cut_off_model_is_no_crash(keep: int) -> None:
    model, _ = small_model()
    try:
        read_tensors(model[:keep])
    except ConfigError:
        pass


def test_a_cut_off_model_is_refused() -> None:
    model, _ = small_model()
    with pytest.raises(ConfigError, match="not an ONNX model"):
        read_tensors(model[: len(model) // 2])
