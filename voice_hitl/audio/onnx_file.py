"""As much of the ONNX file format as it takes to read a model's weights and write a small graph.

An ONNX file is one protocol-buffers message. Field numbers are those of `onnx.proto` (ONNX IR version 8);
the wire format is that of protocol buffers: varints (wire type 0) and length-delimited fields (2).
The `onnx` package would do the same for 60 MB of resident memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from voice_hitl.errors import ConfigError

IR_VERSION = 8
OPSET = 17

_DTYPES: dict[int, type[np.generic]] = {1: np.float32, 7: np.int64}  # TensorProto.DataType
_CODES = {np.dtype(kind): code for code, kind in _DTYPES.items()}
INT16 = 5
FLOAT = 1


def read_tensors(model: bytes) -> dict[str, NDArray[np.generic]]:
    """All float32 and int64 initializers of a model, by name.

    Raises `ConfigError` for bytes that are no ONNX model.
    """
    tensors = {}
    try:
        for number, value in _fields(memoryview(model)):
            if number == 7 and isinstance(value, memoryview):  # ModelProto.graph
                for inner, tensor in _fields(value):
                    if inner == 5 and isinstance(tensor, memoryview):  # GraphProto.initializer
                        name, array = _read_tensor(tensor)
                        if array is not None:
                            tensors[name] = array
    except (IndexError, ValueError) as error:
        raise ConfigError(f"this is not an ONNX model: {error}") from error
    return tensors


def _read_tensor(message: memoryview) -> tuple[str, NDArray[np.generic] | None]:
    shape: list[int] = []
    name, code, raw = "", 0, b""
    for number, value in _fields(message):
        if number == 1:  # dims, packed or not
            shape += [value] if isinstance(value, int) else _packed(value)
        elif number == 2 and isinstance(value, int):
            code = value
        elif number == 8 and isinstance(value, memoryview):
            name = bytes(value).decode()
        elif number == 9 and isinstance(value, memoryview):
            raw = bytes(value)
    if code not in _DTYPES:
        return name, None
    return name, np.frombuffer(raw, _DTYPES[code]).reshape(shape)


def _packed(message: memoryview) -> list[int]:
    values, position = [], 0
    while position < len(message):
        value, position = _varint(message, position)
        values.append(value)
    return values


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield (field number, value); fixed-width values come as their bytes."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        kind = key & 7
        if kind == 0:
            value, position = _varint(message, position)
            yield key >> 3, value
            continue
        if kind == 2:
            length, position = _varint(message, position)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError(f"wire type {kind} at byte {position}")
        if position + length > len(message):
            raise ValueError(f"a field of {length} bytes is cut off at byte {position}")
        yield key >> 3, message[position : position + length]
        position += length


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
        if shift > 63:
            raise ValueError(f"a number too long at byte {position}")


@dataclass(slots=True)
class GraphWriter:
    """Collects nodes, weights, inputs and outputs, and writes them as an ONNX model."""

    _nodes: list[bytes] = field(default_factory=list)
    _tensors: list[bytes] = field(default_factory=list)
    _inputs: list[bytes] = field(default_factory=list)
    _outputs: list[bytes] = field(default_factory=list)

    def tensor(self, name: str, array: NDArray[np.generic]) -> str:
        """Add weights (float32 or int64); returns the name."""
        array = np.ascontiguousarray(array)
        dims = b"".join(_int(1, size) for size in array.shape)
        self._tensors.append(
            dims + _int(2, _CODES[array.dtype]) + _text(8, name) + _bytes(9, array.tobytes())
        )
        return name

    def node(
        self, op: str, inputs: Sequence[str], outputs: Sequence[str], ints: Mapping[str, int] = {}
    ) -> None:
        """Add an operator; `ints` are its integer attributes."""
        attributes = (
            _bytes(5, _text(1, name) + _int(3, value) + _int(20, 2)) for name, value in ints.items()
        )
        self._nodes.append(
            b"".join(
                (
                    *(_text(1, name) for name in inputs),
                    *(_text(2, name) for name in outputs),
                    _text(4, op),
                    *attributes,
                )
            )
        )

    def input(self, name: str, code: int, shape: Sequence[int | str]) -> None:
        """Declare an input; a string in `shape` is a dimension free to vary."""
        self._inputs.append(_value(name, code, shape))

    def output(self, name: str, code: int, shape: Sequence[int | str]) -> None:
        """Declare an output."""
        self._outputs.append(_value(name, code, shape))

    def model(self) -> bytes:
        """The file."""
        graph = b"".join(
            (
                *(_bytes(1, node) for node in self._nodes),
                _text(2, "graph"),
                *(_bytes(5, tensor) for tensor in self._tensors),
                *(_bytes(11, value) for value in self._inputs),
                *(_bytes(12, value) for value in self._outputs),
            )
        )
        opset = _text(1, "") + _int(2, OPSET)
        return _int(1, IR_VERSION) + _bytes(7, graph) + _bytes(8, opset)


def _value(name: str, code: int, shape: Sequence[int | str]) -> bytes:
    dims = b"".join(
        _bytes(1, _int(1, size) if isinstance(size, int) else _text(2, size)) for size in shape
    )
    tensor_type = _int(1, code) + _bytes(2, dims)
    return _text(1, name) + _bytes(2, _bytes(1, tensor_type))


def _number(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _int(number: int, value: int) -> bytes:
    return _number(number << 3) + _number(value)


def _bytes(number: int, value: bytes) -> bytes:
    return _number(number << 3 | 2) + _number(len(value)) + value


def _text(number: int, value: str) -> bytes:
    return _bytes(number, value.encode())
