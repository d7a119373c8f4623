"""An agent's seat in a call that several share: asks it one thing at a time, and tells it what it missed."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Executor, Future
from dataclasses import dataclass

from voice_hitl.agent.protocol import CatchesUp, Conversation, Exchange, Heard, Understanding
from voice_hitl.errors import AgentError

REMEMBERED = 20  # exchanges that an agent is told of afterwards; older ones are forgotten


@dataclass(frozen=True, slots=True)
class _Resumed:
    """A person had the call and gave it back, or nobody could come."""

    note: str


_Missed = Exchange | _Resumed


class Seat:
    """One agent's part in one call. Its conversation's methods are never called two at a time."""

    def __init__(self, name: str, conversation: Conversation, pool: Executor) -> None:
        self.name = name
        self.conversation = conversation
        self._pool = pool
        self._missed: deque[_Missed] = deque(maxlen=REMEMBERED)
        self._asked: Future[Understanding] | None = None
        self._told: tuple[_Missed, ...] = ()  # with what was asked last

    @property
    def busy(self) -> bool:
        """Whether it is still at work on what it was asked."""
        return self._asked is not None and not self._asked.done()

    def ask(self, heard: Heard) -> Future[Understanding]:
        """Let it catch up and read a turn, in its pool; a busy one fails at once."""
        if self.busy:
            self.missed(heard, "")
            busy: Future[Understanding] = Future()
            busy.set_exception(AgentError(f"{self.name} is still busy with an earlier turn"))
            return busy
        told = self._told = tuple(self._missed)
        self._missed.clear()

        def work() -> Understanding:
            self._tell(told)
            return self.conversation.understand(heard)

        self._asked = self._pool.submit(work)
        return self._asked

    def take_back(self) -> bool:
        """Ask nothing after all; False: it has begun, and its answer comes too late."""
        if self._asked is None or not self._asked.cancel():
            return False
        self._asked = None
        self._missed = deque((*self._told, *self._missed), REMEMBERED)
        return True

    def missed(self, heard: Heard | None, said: str) -> None:
        """Something was said without it; `heard` is None where it heard the caller's turn itself."""
        if heard is not None or said:
            self._missed.append(Exchange(heard, said))

    def missed_resume(self, note: str) -> None:
        """The call came back from people."""
        self._missed.append(_Resumed(note))

    def catch_up(self) -> None:
        """Tell it now what it missed; only while it is not busy."""
        told = tuple(self._missed)
        self._missed.clear()
        self._tell(told)

    def _tell(self, missed: tuple[_Missed, ...]) -> None:
        for each in missed:
            if isinstance(each, _Resumed):
                self.conversation.resume(each.note)
            elif isinstance(self.conversation, CatchesUp):
                self.conversation.catch_up(each)
