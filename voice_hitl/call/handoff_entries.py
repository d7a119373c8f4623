"""A call's handoffs as they are stored: one record each, from the request to the end of the bridge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from handoff.ports import HandoffRecord
from voice_hitl.call.journal import Journal
from voice_hitl.call.latency import Stage
from voice_hitl.call.ports import CallWatcher
from voice_hitl.clock import Clock

REQUEST_OVER = ("withdrawn", "caller_gone", "nobody")  # why a request ends that nobody accepted


class HandoffEntries:
    """The handoffs of one call, one open at a time. Written by the call's owner alone."""

    def __init__(self, call_id: str, clock: Clock, journal: Journal, watcher: CallWatcher) -> None:
        self._call_id = call_id
        self._clock = clock
        self._journal = journal
        self._watcher = watcher
        self._count = 0
        self._last: HandoffRecord | None = None

    def requested(self, brief: Mapping[str, Any]) -> None:
        """A person is asked for; while a request is open this is a newer brief of it."""
        if self._open is None:
            self._begin(brief)
        else:
            self._amend(self._open, brief=brief)

    def offered(self) -> None:
        """It rings at an operator's console; the first time counts."""
        last = self._last
        if last is not None and last.offered_at is None:
            at = self._clock.wall()
            self._amend(last, offered_at=at)
            self._watcher.measured(Stage.OFFER, (at - last.requested_at) * 1000.0)

    def accepted(self, operator_id: str, epoch: int) -> None:
        """An operator took the call, asked or not."""
        handoff = self._open or self._begin({})
        self._amend(handoff, accepted_at=self._clock.wall(), operator_id=operator_id, epoch=epoch)

    def bridged(self) -> None:
        """The operator's first frame went to the caller; later ones mean nothing."""
        last = self._last
        if last is not None and last.bridged_at is None and last.accepted_at is not None:
            at = self._clock.wall()
            self._amend(last, bridged_at=at)
            self._watcher.measured(Stage.BRIDGE, (at - last.accepted_at) * 1000.0)

    def over(self, why: str) -> None:
        """The operator no longer has the call, or nobody came.

        What ends a request does not end what an accept has made of it: that goes on until the operator
        is disconnected, or the call ends.
        """
        handoff = self._open
        if handoff is not None and not (why in REQUEST_OVER and handoff.accepted_at is not None):
            self._amend(handoff, ended_at=self._clock.wall(), ended_why=why)

    @property
    def _open(self) -> HandoffRecord | None:
        return self._last if self._last is not None and self._last.ended_at is None else None

    def _begin(self, brief: Mapping[str, Any]) -> HandoffRecord:
        handoff = HandoffRecord(
            call_id=self._call_id,
            seq=self._count,
            requested_at=self._clock.wall(),
            brief=brief,
        )
        self._count += 1
        self._keep(handoff)
        return handoff

    def _amend(self, handoff: HandoffRecord, **changes: object) -> None:
        self._keep(replace(handoff, **changes))  # type: ignore[arg-type]  # fields by name

    def _keep(self, handoff: HandoffRecord) -> None:
        self._last = handoff
        self._journal.put(handoff)
