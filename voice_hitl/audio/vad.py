"""Voice activity of many streams at once: one inference for all windows that are ready."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnxruntime as ort

from voice_hitl.audio.g711 import RATE
from voice_hitl.audio.silero import (
    BEFORE,
    INPUT,
    STATE,
    WINDOW,
    Floats,
    bundled_model,
    fold,
)

WINDOW_SECONDS = WINDOW / RATE
_SLOTS = 16  # grows as calls come
MAX_WINDOWS = 256  # in one `infer`: about 1.6 ms; the rest waits for the next

_WINDOW_BYTES = 2 * WINDOW
_INPUT_BYTES = 2 * INPUT

OnWindow = Callable[[float, float], None]
OnError = Callable[[Exception], None]


class SileroVad:
    """The model; holds no stream's state."""

    def __init__(self, model: bytes | None = None) -> None:
        """Load `model`, as `silero.fold` makes it, by default from the bundled file.

        Raises `ConfigError` when that is missing or of another shape.
        """
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_mem_pattern = False  # the batch differs from one run to the next
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = ort.InferenceSession(
            fold(bundled_model()) if model is None else model,
            options,
            providers=["CPUExecutionProvider"],
        )

    def run(self, samples: bytes, h: Floats, c: Floats) -> tuple[list[float], Floats, Floats]:
        """Probabilities and next states of n windows.

        `samples` are n * INPUT int16 values, `h` and `c` have the shape [n, STATE].
        """
        n = len(h)
        p, h, c = self._session.run(
            None,
            {
                "samples": np.frombuffer(samples, np.int16).reshape(n, INPUT),
                "h": h.reshape(1, n, STATE),
                "c": c.reshape(1, n, STATE),
            },
        )
        return p[:, 0].tolist(), h[0], c[0]


class VadStream:
    """One call's audio on its way to the model. Made by `VadBank.stream`."""

    __slots__ = ("_bank", "_pending", "_queued", "fed", "on_error", "on_window", "slot")

    def __init__(
        self, bank: VadBank, slot: int, on_window: OnWindow, on_error: OnError | None
    ) -> None:
        self.on_window = on_window
        self.on_error = on_error
        self.slot = slot  # in the bank's states; -1 when closed
        self.fed = 0  # samples of the stream up to which audio was pushed
        self._bank = bank
        self._pending = bytes(2 * BEFORE)
        self._queued = False

    def restart(self, pcm: bytes, start: int) -> None:
        """Go on after a pause with int16 samples of which the first is sample number `start`.

        The first `BEFORE` of them only serve as context. The model's memory is kept: what was left out
        was silence.
        """
        self._pending = b""
        self.fed = start
        self.push(pcm)

    def push(self, pcm: bytes) -> None:
        """Append int16 samples."""
        self._pending += pcm
        self.fed += len(pcm) // 2
        if len(self._pending) >= _INPUT_BYTES and not self._queued:
            self._queued = True
            self._bank.queue(self)

    def close(self) -> None:
        """Give the slot back; nothing more is reported. Idempotent."""
        if self.slot >= 0:
            self._bank.release(self.slot)
            self.slot = -1
            self.on_window = _nobody
            self.on_error = None

    # --- the bank's side ---

    def runnable(self) -> bool:
        """Whether there is still a window: the stream may have been closed or restarted meanwhile."""
        self._queued = self.slot >= 0 and len(self._pending) >= _INPUT_BYTES
        return self._queued

    def next_window(self) -> bytes:
        """The model's input."""
        return self._pending[:_INPUT_BYTES]

    def advance(self) -> bool:
        """Go on to the next window; return whether it is there."""
        self._pending = self._pending[_WINDOW_BYTES:]
        return self.runnable()

    def report(self, probability: float) -> None:
        """Tell what the model thinks of the window before the next one."""
        if self.slot >= 0:
            start = self.fed - len(self._pending) // 2 + BEFORE
            self.on_window(probability, start / RATE)


class VadBank:
    """Collects the windows of all streams and infers them together.

    `on_ready` is called when there is something to infer and there was nothing before.
    """

    def __init__(self, model: SileroVad) -> None:
        self.windows = 0  # inferred so far
        self.on_ready: Callable[[], None] | None = None
        self._model = model
        self._ready: list[VadStream] = []
        self._h: Floats = np.zeros((_SLOTS, STATE), np.float32)
        self._c: Floats = np.zeros((_SLOTS, STATE), np.float32)
        self._free = list(range(_SLOTS))

    @property
    def ready(self) -> int:
        """How many streams have a window to infer."""
        return len(self._ready)

    def stream(self, on_window: OnWindow, on_error: OnError | None = None) -> VadStream:
        """A new stream; `on_window(probability, audio time at the window's end)` is called in `infer`.

        If that raises, the stream's `on_error` is told; without one the error leaves `infer`.
        """
        if not self._free:
            used = len(self._h)
            self._h = np.concatenate([self._h, np.zeros_like(self._h)])
            self._c = np.concatenate([self._c, np.zeros_like(self._c)])
            self._free = list(range(used, 2 * used))
        slot = self._free.pop()
        self._h[slot] = self._c[slot] = 0.0
        return VadStream(self, slot, on_window, on_error)

    def queue(self, stream: VadStream) -> None:
        """A stream has a window."""
        self._ready.append(stream)
        if len(self._ready) == 1 and self.on_ready is not None:
            self.on_ready()

    def release(self, slot: int) -> None:
        """Take a closed stream's slot back."""
        self._free.append(slot)

    def infer(self) -> None:
        """Run the model over all that is ready, at most `MAX_WINDOWS` windows, oldest first."""
        budget = MAX_WINDOWS
        while self._ready and budget > 0:
            batch = [stream for stream in self._ready[:budget] if stream.runnable()]
            del self._ready[:budget]
            budget -= len(batch)
            if batch:
                self._round(batch)

    def _round(self, batch: list[VadStream]) -> None:
        """One window of each stream."""
        slots = [stream.slot for stream in batch]
        samples = b"".join([stream.next_window() for stream in batch])
        p, self._h[slots], self._c[slots] = self._model.run(samples, self._h[slots], self._c[slots])
        self.windows += len(batch)
        self._ready += [stream for stream in batch if stream.advance()]
        for stream, probability in zip(batch, p, strict=True):
            on_error = stream.on_error
            try:
                stream.report(probability)
            except Exception as error:  # one call's fault must not deafen the others
                if on_error is None:
                    raise
                on_error(error)


def _nobody(_probability: float, _at: float) -> None:
    """Whom a closed stream tells."""
