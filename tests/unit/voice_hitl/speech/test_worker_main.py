from __future__ import annotations

import socket
import subprocess
import sys
import threading
import types
from collections.abc import Iterator

import pytest

from voice_hitl.speech.worker_main import ParentGone, WorkerLoop
from voice_hitl.speech.workers.frames import Frame, FrameReader, Kind, encode
from voice_hitl.speech.workers.process import EngineSpec
from voice_hitl.speech.workers.tasks import Emit, Urgency


class Step:
    """A task with so many steps to do that says which it did."""

    def __init__(self, opening: bytes) -> None:
        name, urgency, steps = opening.decode().split()
        self.name = name
        self.level = Urgency(int(urgency))
        self.left = int(steps)
        self.closed = 0

    def feed(self, payload: bytes) -> None:
        self.left += int(payload)

    def finish(self) -> None:
        self.level = Urgency.LAST_WORDS

    def urgency(self) -> Urgency | None:
        return self.level if self.left else None

    def step(self, emit: Emit) -> bool:
        self.left -= 1
        if self.name == "bad":
            raise RuntimeError("it choked")
        emit(Kind.PARTIAL, self.name.encode())
        return False

    def close(self) -> None:
        OPEN.remove(self)


OPEN: list[Step] = []


class StepEngine:
    def open(self, payload: bytes) -> Step:
        if payload == b"no":
            raise ValueError("cannot be opened")
        OPEN.append(Step(payload))
        return OPEN[-1]


def load(options: dict[str, object]) -> StepEngine:
    OPEN.clear()
    return StepEngine()


class Parent:
    """The other end: sends everything at once, so that the order of the answers is the worker's own."""

    def __init__(self, ours: socket.socket, theirs: socket.socket) -> None:
        self.socket = ours
        self.loop = WorkerLoop(theirs)
        self._reader = FrameReader()

    def run(self, *frames: bytes, answers: int) -> list[tuple[str, int, bytes]]:
        """Send the frames, and return the answers once there are so many of them (and READY)."""
        configure = EngineSpec("steps_for_a_worker:load").encode()
        self.socket.sendall(encode(Kind.CONFIGURE, 0, configure) + b"".join(frames))
        ended: list[type[BaseException]] = []

        def work() -> None:
            try:
                self.loop.run()
            except ParentGone:
                ended.append(ParentGone)

        thread = threading.Thread(target=work)
        thread.start()
        got: list[Frame] = []
        while len(got) <= answers:
            got += self._reader.receive(self.socket.recv(65536))
        self.socket.shutdown(socket.SHUT_WR)
        thread.join()
        assert ended == [ParentGone]
        return [(f.kind.name, f.lease, f.payload) for f in got]


@pytest.fixture
def parent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Parent]:
    module = types.ModuleType("steps_for_a_worker")
    module.load = load  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Parent(ours, theirs)


def opening(lease: int, text: str) -> bytes:
    return encode(Kind.OPEN, lease, text.encode())


def names(answers: list[tuple[str, int, bytes]]) -> list[str]:
    return [payload.decode() for kind, _, payload in answers if kind == "PARTIAL"]


def test_equals_take_turns(parent: Parent) -> None:
    answers = parent.run(opening(1, "a 1 3"), opening(2, "b 1 2"), opening(3, "c 1 1"), answers=6)
    assert answers[0] == ("READY", 0, b"")
    assert names(answers) == ["a", "b", "c", "a", "b", "a"]


def test_last_words_come_first_and_partials_last(parent: Parent) -> None:
    answers = parent.run(
        opening(1, "partial 2 1"), opening(2, "backlog 1 2"), opening(3, "last 0 2"), answers=5
    )
    assert names(answers) == ["last", "last", "backlog", "backlog", "partial"]


def test_a_finish_overtakes_the_others_backlog(parent: Parent) -> None:
    answers = parent.run(
        opening(1, "a 1 2"), opening(2, "b 1 2"), encode(Kind.FINISH, 2), answers=4
    )
    assert names(answers) == ["b", "b", "a", "a"]


def test_a_lease_whose_engine_fails_is_told_and_the_others_go_on(parent: Parent) -> None:
    answers = parent.run(opening(1, "bad 0 1"), opening(2, "good 1 1"), answers=2)
    assert ("ERROR", 1, b"RuntimeError: it choked") in answers
    assert names(answers) == ["good"]


def test_a_lease_that_cannot_be_opened_is_told(parent: Parent) -> None:
    assert ("ERROR", 4, b"ValueError: cannot be opened") in parent.run(opening(4, "no"), answers=1)


def test_a_cancelled_lease_does_nothing_more_and_is_closed(parent: Parent) -> None:
    answers = parent.run(
        opening(1, "a 1 5"),
        encode(Kind.CANCEL, 1),
        encode(Kind.CANCEL, 1),
        encode(Kind.FEED, 1, b"3"),
        encode(Kind.PING),
        answers=1,
    )
    assert names(answers) == []
    assert OPEN == []


def test_pings_are_answered(parent: Parent) -> None:
    assert ("PONG", 0, b"") in parent.run(encode(Kind.PING), answers=1)


def test_the_parents_end_ends_the_process() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        worker = subprocess.Popen(
            [sys.executable, "-m", "voice_hitl.speech.worker_main", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        ours.close()
        assert worker.wait(10) == 0
