"""The REST interface of exercises among audits: supervisors choose what others practise on."""

from __future__ import annotations

from aiohttp import web

from handoff.audit import AuditRecord, AuditState
from handoff.errors import StorageError
from handoff.ports import Store
from voice_hitl.call import auditing
from voice_hitl.call.exercising_audits import AuditExercises, PastAudit
from voice_hitl.call.journal import Journal
from voice_hitl.server.openapi import Identify, Route, kept, read_body
from voice_hitl.server.wire import AuditExerciseBody, ErrorBody


class AuditExercisesApi:
    """The handler, over the store and the exercises."""

    def __init__(
        self, store: Store, journal: Journal, exercises: AuditExercises, identify: Identify
    ) -> None:
        self._store = store
        self._journal = journal
        self._exercises = exercises
        self._identify = identify
        self.routes = [
            Route(
                "POST",
                "/exercises/audits",
                "Make a past audit an exercise, with the verdict that was right: only a supervisor "
                "can; once more replaces the verdict",
                self.add_exercise,
                AuditExerciseBody,
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
        """`POST /exercises/audits`."""
        identity = await self._identify(request)
        if not identity.is_supervisor:
            raise web.HTTPForbidden(text="ask a supervisor: they know which verdict was right")
        body = await read_body(request, AuditExerciseBody)
        past = PastAudit(await self._judged(body.audit_id), body.verdict)
        return kept(await self._journal.stored(self._exercises.add(past)))

    async def _judged(self, audit_id: str) -> AuditRecord:
        stored = await self._store.machine_record(auditing.MACHINE, audit_id)
        if stored is not None:
            try:
                record = AuditRecord.from_dict(stored.detail)
            except StorageError as error:
                raise web.HTTPNotFound(text=f"audit {audit_id} is unreadable") from error
            if record.state is AuditState.DONE:
                return record
        raise web.HTTPNotFound(text=f"there is no audit {audit_id} that was judged")
