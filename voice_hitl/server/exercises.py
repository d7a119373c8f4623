"""The REST interface of calibration exercises: supervisors choose what others practise on."""

from __future__ import annotations

from aiohttp import web

from handoff.approvals import ApprovalRecord, State
from handoff.errors import StorageError
from handoff.ports import Store
from voice_hitl.call import approving
from voice_hitl.call.exercising import ExerciseService, Past
from voice_hitl.call.journal import Journal
from voice_hitl.server.openapi import Identify, Route, kept, read_body
from voice_hitl.server.wire import ErrorBody, ExerciseBody


class ExercisesApi:
    """The handler, over the store and the exercises."""

    def __init__(
        self, store: Store, journal: Journal, exercises: ExerciseService, identify: Identify
    ) -> None:
        self._store = store
        self._journal = journal
        self._exercises = exercises
        self._identify = identify
        self.routes = [
            Route(
                "POST",
                "/exercises",
                "Make a past approval an exercise, with its known answer: only a supervisor can; "
                "once more replaces the answer",
                self.add_exercise,
                ExerciseBody,
                {
                    204: None,
                    401: ErrorBody,
                    403: ErrorBody,
                    404: ErrorBody,
                    422: ErrorBody,
                    503: ErrorBody,
                },
                needs_session=True,
            ),
        ]

    async def add_exercise(self, request: web.Request) -> web.Response:
        """`POST /exercises`."""
        identity = await self._identify(request)
        if not identity.is_supervisor:
            raise web.HTTPForbidden(text="ask a supervisor: they know which answer was right")
        body = await read_body(request, ExerciseBody)
        record = await self._closed(body.approval_id)
        call = await self._store.call(record.call_id)
        ticket = self._exercises.add(Past(record, body.answer, call.caller if call else ""))
        return kept(await self._journal.stored(ticket))

    async def _closed(self, approval_id: str) -> ApprovalRecord:
        stored = await self._store.machine_record(approving.MACHINE, approval_id)
        if stored is not None:
            try:
                record = ApprovalRecord.from_dict(stored.detail)
            except StorageError as error:
                raise web.HTTPNotFound(text=f"approval {approval_id} is unreadable") from error
            if record.state is State.CLOSED:
                return record
        raise web.HTTPNotFound(text=f"there is no approval {approval_id} that is over")
