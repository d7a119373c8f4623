"""One call's session, as the engine drives it."""

from __future__ import annotations

from handoff.brief import Brief
from handoff.commands import CallCommand
from handoff.errors import ProtocolError
from handoff.session.actions import Actions
from handoff.session.table import TABLE
from handoff.states import SessionEvent, State


class Session(Actions):
    """The state machine of one call; time is an argument, commands are handed out in order."""

    __slots__ = ()

    def may_request(self, now: float, *, urgent: bool = False, soft: bool = False) -> bool:
        """Whether a person may be asked for now; urgent ones skip the backoff and the drain.

        `soft`: by the value rule alone, which triage holds back as well.
        """
        if self.state is not State.AI:
            return False
        if urgent:
            return True
        if self.draining:
            return False
        most = self._policy.waiting.max_requests
        if soft and (self._clearings >= most or now < self._soft_backoff_until):
            return False
        return self._refusals < most and now >= self._backoff_until

    def brief(self) -> Brief | None:
        """The call summed up as it stands, for whoever takes it; None while nobody was ever wanted."""
        return None if self._decision is None else self._conversation.brief(self._decision)

    def handle(self, event: SessionEvent, now: float) -> None:
        """Take one event through the table; raises `ProtocolError` for a type it does not know."""
        row = TABLE.get((self.state, type(event)))
        if row is None:
            raise ProtocolError(f"call {self._call_id}: no row for {type(event).__name__}")
        target = row.action(self, event, now)
        if target not in row.targets:
            raise ProtocolError(
                f"call {self._call_id}: {type(event).__name__} led {self.state} to {target}, "
                f"which its row does not name"
            )
        self.state = target

    def next_deadline(self) -> float | None:
        """When to send `DeadlinePassed`, or None."""
        times = (self._notice_at, self._limit_at, self._bridge_at, self._drain_at)
        return min((time for time in times if time is not None), default=None)

    def take_commands(self) -> list[CallCommand]:
        """Hand out what has to be done since the last time, in order."""
        commands, self._commands = self._commands, []
        return commands
