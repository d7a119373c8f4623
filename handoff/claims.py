"""Who has what: calls and callbacks given out, each to one operator under a fencing epoch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from handoff.callbacks import (
    OPEN,
    CallbackClaimed,
    CallbackEvent,
    CallbackRecord,
    Callbacks,
    CallbackState,
)
from handoff.commands import Assign, AssignCallback, KeepCallback
from handoff.events import CallbackPromised, DeadlinePassed
from handoff.fences import Fences
from handoff.operators import Operator, Roster
from handoff.policy import Policy
from handoff.search import Search
from handoff.traffic import Meter


class Ownership(NamedTuple):
    """Who has a call, under which fencing number."""

    operator_id: str
    epoch: int


class Claims:
    """The owners of the present. Epochs only grow; a callback's owner survives a restart."""

    __slots__ = (
        "_fences",
        "_owners",
        "_roster",
        "_search",
        "_wrap_up",
        "callbacks",
        "epoch",
        "meter",
    )

    def __init__(
        self,
        policy: Policy,
        now: float,
        search: Search,
        roster: Roster,
        fences: Fences,
        last_epoch: int,
        callbacks: Iterable[CallbackRecord],
    ) -> None:
        self.epoch = last_epoch
        self.meter = Meter(policy.floor, now)
        self.callbacks = Callbacks(policy.floor.callbacks, callbacks)
        self._search = search
        self._roster = roster
        self._fences = fences
        self._wrap_up = policy.floor.wrap_up
        self._owners: dict[str, Ownership] = {}
        for record in self.callbacks.records():
            self.epoch = max(self.epoch, record.epoch or 0)
            if record.state is CallbackState.CLAIMED and record.operator_id is not None:
                self._owners[record.key] = Ownership(record.operator_id, record.epoch or 0)

    def owner(self, call_id: str) -> Ownership | None:
        """Who has a call or a callback."""
        return self._owners.get(call_id)

    def rejoin(self, operator: Operator) -> None:
        """Someone is back, maybe at a call that was not released meanwhile."""
        for call_id, owner in self._owners.items():
            if owner.operator_id == operator.operator_id:
                operator.call_id = call_id

    def give(self, operator: Operator, call_id: str, offer_id: str, now: float) -> None:
        """The call or callback is theirs from now on."""
        waiting = self._search.take(call_id, "taken")
        self.epoch += 1
        words = (call_id, operator.operator_id, operator.name, offer_id, self.epoch)
        if waiting is not None and not waiting.is_call:
            claim = CallbackClaimed(call_id, operator.operator_id, self.epoch)
            self.follow(claim, now)  # kept before anybody acts on it
            self._search.commands.append(AssignCallback(*words))
        else:
            if waiting is not None:
                request = waiting.request
                self._fences.request_over(call_id, waiting.number)
                self.meter.started(call_id, (request.skill, request.language), now)
            self._fences.assigned(call_id, self.epoch)
            self._search.commands.append(Assign(*words))
        self._owners[call_id] = Ownership(operator.operator_id, self.epoch)
        operator.call_id = call_id
        operator.wrap_up_until = None
        self._search.publish(operator)

    def free(self, call_id: str, operator_id: str, now: float) -> None:
        """They no longer have it; nothing happens if they did not."""
        owner = self._owners.get(call_id)
        if owner is None or owner.operator_id != operator_id:
            return
        del self._owners[call_id]
        self.meter.ended(call_id, now, self._wrap_up)
        operator = self._roster.find(operator_id)
        if operator is None or operator.call_id != call_id:
            return
        operator.call_id = None
        operator.idle_since = now
        if self._wrap_up > 0:
            operator.wrap_up_until = now + self._wrap_up
        self._search.publish(operator)

    def follow(self, event: CallbackPromised | CallbackEvent | DeadlinePassed, now: float) -> None:
        """Tell the promises something; queue and owners keep in step with them."""
        self.callbacks.handle(event, now)
        for command in self.callbacks.take_commands():
            self._search.commands.append(command)
            if isinstance(command, KeepCallback):
                record = command.record
                if record.state is not CallbackState.WAITING:
                    self._search.stop_waiting(record.key, "withdrawn")
                if record.state not in OPEN:
                    self._fences.call_over(record.key)
                owner = self._owners.get(record.key)
                if record.state is not CallbackState.CLAIMED and owner is not None:
                    self.free(record.key, owner.operator_id, now)
        if not self._search.draining:
            for record in self.callbacks.due(now):
                if self._search.queue.find(record.key) is None:
                    self._search.queue.put(record, now)
