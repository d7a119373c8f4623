"""The open console windows, and how messages reach them.

Nothing here blocks: each window has a bounded outbox, and one that does not keep up is closed, because the
console that reconnects is given the whole present state, which is worth more than a backlog of the past.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from voice_hitl.server import wire
from voice_hitl.server.auth import Identity

OUTBOX_SIZE = 1000


class Connection:
    """One open console window."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.watching: str | None = None
        self.overrun = False
        self._outbox: asyncio.Queue[str] = asyncio.Queue(OUTBOX_SIZE)

    def send(self, message: wire.WireModel) -> None:
        """Queue a message; a full outbox ends the connection."""
        self.send_text(message.model_dump_json())

    def send_text(self, text: str) -> None:
        """Queue a message that is JSON already."""
        try:
            self._outbox.put_nowait(text)
        except asyncio.QueueFull:
            self.overrun = True

    async def next_message(self) -> str:
        """The next message to write."""
        return await self._outbox.get()


class Windows:
    """All open windows of all operators."""

    def __init__(self) -> None:
        self._open: dict[str, set[Connection]] = {}  # by operator

    def add(self, identity: Identity) -> Connection:
        """A window is opened."""
        connection = Connection(identity)
        self._open.setdefault(identity.operator_id, set()).add(connection)
        return connection

    def remove(self, connection: Connection) -> bool:
        """A window is closed; return whether it was the operator's last."""
        operator_id = connection.identity.operator_id
        windows = self._open.get(operator_id, set())
        windows.discard(connection)
        if windows:
            return False
        self._open.pop(operator_id, None)
        return True

    def identity(self, operator_id: str) -> Identity | None:
        """Who an operator with an open window is."""
        return next((each.identity for each in self._open.get(operator_id, ())), None)

    def watching(self, call_id: str) -> list[Connection]:
        """The windows that show a call's transcript."""
        return [connection for connection in self._all() if connection.watching == call_id]

    def tell(self, operator_id: str, message: wire.WireModel) -> None:
        """Send to an operator's windows."""
        for connection in self._open.get(operator_id, ()):
            connection.send(message)

    def tell_all(self, message: wire.WireModel) -> None:
        """Send to every window."""
        text = message.model_dump_json()
        for connection in self._all():
            connection.send_text(text)

    def tell_supervisors(self, message: wire.WireModel) -> None:
        """Send to every supervisor's windows."""
        for connection in self._all():
            if connection.identity.is_supervisor:
                connection.send(message)

    def _all(self) -> Iterator[Connection]:
        return (connection for windows in self._open.values() for connection in windows)
