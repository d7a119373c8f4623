"""The REST interface of calibration exercises: supervisors choose what others practise on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from aiohttp import web

from handoff.approvals import ApprovalRecord, State
from handoff.audit import AuditRecord, AuditState
from handoff.errors import StorageError
from handoff.ports import Store
from voice_hitl.call import approving, auditing
from voice_hitl.call.exercising import ExerciseService, Past
from voice_hitl.call.exercising_audits import AuditExercises, PastAudit
from voice_hitl.call.journal import Journal
from voice_hitl.server.openapi import KEPT, Identify, Route, kept, read_body
from voice_hitl.server.wire import AuditExerciseBody, ExerciseBody

Read = TypeVar("Read")


class ExercisesApi:
    """The handlers, over the store and the exercises among approvals and among audits."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        approvals: ExerciseService,
        audits: AuditExercises,
        identify: Identify,
    ) -> None:
        self._store = store
        self._journal = journal
        self._approvals = approvals
        self._audits = audits
        self._identify = identify
        self.routes = [
            Route(
                "POST",
                "/exercises",
                "Make a past approval an exercise, with its known answer: only a supervisor can; "
                "once more replaces the answer",
                self.add_approval,
                ExerciseBody,
                KEPT,
                needs_session=True,
            ),
            Route(
                "POST",
                "/exercises/audits",
                "Make a past audit an exercise, with the verdict that was right: only a supervisor "
                "can; once more replaces the verdict",
                self.add_audit,
                AuditExerciseBody,
                KEPT,
                needs_session=True,
            ),
        ]

    async def add_approval(self, request: web.Request) -> web.Response:
        """`POST /exercises`."""
        await self._identify_supervisor(request, "answer")
        body = await read_body(request, ExerciseBody)
        record = await self._record(
            approving.MACHINE, body.approval_id, ApprovalRecord.from_dict, "approval"
        )
        if record is None or record.state is not State.CLOSED:
            raise web.HTTPNotFound(text=f"there is no approval {body.approval_id} that is over")
        ticket = self._approvals.add(Past(record, body.answer))
        return kept(await self._journal.stored(ticket))

    async def add_audit(self, request: web.Request) -> web.Response:
        """`POST /exercises/audits`."""
        await self._identify_supervisor(request, "verdict")
        body = await read_body(request, AuditExerciseBody)
        record = await self._record(auditing.MACHINE, body.audit_id, AuditRecord.from_dict, "audit")
        if record is None or record.state is not AuditState.DONE:
            raise web.HTTPNotFound(text=f"there is no audit {body.audit_id} that was judged")
        past = PastAudit(record, body.verdict)
        return kept(await self._journal.stored(self._audits.add(past)))

    async def _identify_supervisor(self, request: web.Request, what: str) -> None:
        if not (await self._identify(request)).is_supervisor:
            raise web.HTTPForbidden(text=f"ask a supervisor: they know which {what} was right")

    async def _record(
        self, machine: str, key: str, read: Callable[[Mapping[str, Any]], Read], what: str
    ) -> Read | None:
        stored = await self._store.machine_record(machine, key)
        try:
            return None if stored is None else read(stored.detail)
        except StorageError as error:
            raise web.HTTPNotFound(text=f"{what} {key} is unreadable") from error
