"""Promises to call back, between calls and the desk: made when nobody came, kept before the caller hears.

A callback that an operator accepts while its caller is still on the line becomes a takeover of that call.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable

from handoff import commands as core
from handoff import events as facts
from handoff.callbacks import OPEN, CallbackRecord, CallbackState
from handoff.errors import StorageError
from handoff.ports import MachineRecord
from voice_hitl.clock import Clock
from voice_hitl.log import get_logger

log = get_logger(__name__)

MACHINE = "callbacks"
SHORTEST_NUMBER = 5  # digits; what has fewer cannot be called


class Promises:
    """Who was promised what, and what is under way."""

    def __init__(self, post: Callable[[facts.DeskEvent], None]) -> None:
        self._post = post
        self._asked: dict[str, facts.HandoffRequested] = {}  # the last request of a live call
        self._pending: dict[str, core.GiveUp] = {}  # what the desk has not answered, by callback
        self._served: dict[str, CallbackRecord] = {}  # taken over instead, by call

    def asked(self, request: facts.HandoffRequested) -> None:
        """A live call asks for a person."""
        self._asked[request.call_id] = request

    def request(self, call_id: str) -> facts.HandoffRequested | None:
        """What a live call asked for last."""
        return self._asked.get(call_id)

    def category(self, work_id: str, records: Iterable[CallbackRecord]) -> str:
        """What a call, or a callback, is about."""
        request = self._asked.get(work_id)
        if request is not None:
            return request.category
        return next((r.category for r in records if r.callback_id == work_id), "general")

    def call_over(self, call_id: str) -> None:
        """The call has ended; what was promised in it stands."""
        self._asked.pop(call_id, None)
        self._served.pop(call_id, None)

    def promise(self, given_up: core.GiveUp) -> bool:
        """Promise a callback, if there is a number to call; `answered` when the desk has answered."""
        request = self._asked.get(given_up.call_id)
        if request is None or not given_up.callback or given_up.reason != "nobody":
            return False
        for callback_id, earlier in self._pending.items():
            if (
                earlier.call_id == given_up.call_id
            ):  # asked again meanwhile: one promise answers both
                self._pending[callback_id] = given_up
                return True
        number = request.brief.who
        if sum(sign.isdigit() for sign in number) < SHORTEST_NUMBER:
            return False
        callback_id = uuid.uuid4().hex
        self._pending[callback_id] = given_up
        self._post(
            facts.CallbackPromised(
                callback_id=callback_id,
                call_id=request.call_id,
                number=number,
                reason=request.brief.why,
                urgency=request.urgency,
                brief=request.brief.as_dict(),
                skill=request.skill,
                language=request.language,
                category=request.category,
            )
        )
        return True

    def answered(self, callback_id: str) -> core.GiveUp | None:
        """The desk has kept or refused a callback: who waits to hear of it."""
        return self._pending.pop(callback_id, None)

    def serve_instead(self, record: CallbackRecord, operator_id: str) -> None:
        """The caller is still on the line: the operator takes the call itself."""
        self._served[record.call_id] = record
        self._post(facts.CallbackWithdrawn(record.callback_id, "the caller was still on the line"))
        self._post(facts.TakeoverRequested(operator_id, record.call_id))

    def taken(self, call_id: str, records: Iterable[CallbackRecord]) -> None:
        """An operator has the call: whoever was promised one needs no callback any more."""
        self._served.pop(call_id, None)
        for record in records:
            if record.call_id == call_id and record.state is CallbackState.WAITING:
                self._post(facts.CallbackWithdrawn(record.callback_id, "a person took the call"))

    def not_taken(self, call_id: str) -> None:
        """The caller hung up just before the takeover: the promise stands, under a new name."""
        record = self._served.pop(call_id, None)
        if record is not None:
            self._post(
                facts.CallbackPromised(
                    callback_id=uuid.uuid4().hex,
                    call_id=record.call_id,
                    number=record.number,
                    reason=record.reason,
                    urgency=record.urgency,
                    brief=record.brief,
                    skill=record.skill,
                    language=record.language,
                    category=record.category,
                    by=record.by,
                )
            )


def kept_callback(record: CallbackRecord, clock: Clock, now: float) -> MachineRecord:
    """What is stored of a callback that stands so since `now`."""
    return MachineRecord(
        machine=MACHINE,
        key=record.callback_id,
        at=clock.wall(now),
        state=record.state.value,
        open=record.state in OPEN,
        call_id=record.call_id,
        detail=record.shifted(clock.epoch).as_dict(),
    )


def reopened_callbacks(records: Iterable[MachineRecord], clock: Clock) -> list[CallbackRecord]:
    """The open promises of the last run; one that cannot be read is logged and left."""
    kept = []
    for record in records:
        try:
            kept.append(CallbackRecord.from_dict(record.detail).shifted(-clock.epoch))
        except StorageError:
            log.exception("a callback of the last run is unreadable", key=record.key)
    return kept
