"""The REST interface of what people do beside talking: dispositions of handoffs."""

from __future__ import annotations

from aiohttp import web

from handoff.labels import Disposition, of_disposition
from handoff.ports import DecisionRecord, HandoffRecord, Store
from voice_hitl.clock import Clock
from voice_hitl.server.openapi import Identify, Route, read_body
from voice_hitl.server.wire import DispositionBody, ErrorBody


class WorkApi:
    """The handlers, over the store."""

    def __init__(self, store: Store, clock: Clock, identify: Identify) -> None:
        self._store = store
        self._clock = clock
        self._identify = identify
        self.routes = [
            Route(
                "POST",
                "/calls/{call_id}/disposition",
                "Say whether a handoff was needed: only who took the call can; a later answer replaces it",
                self.dispose,
                DispositionBody,
                {204: None, 401: ErrorBody, 403: ErrorBody, 404: ErrorBody, 422: ErrorBody},
                needs_session=True,
            ),
        ]

    async def dispose(self, request: web.Request) -> web.Response:
        """`POST /calls/{call_id}/disposition`."""
        identity = await self._identify(request)
        body = await read_body(request, DispositionBody)
        call_id = request.match_info["call_id"]
        handoffs = await self._store.handoffs(call_id)
        mine = [each for each in handoffs if each.operator_id == identity.operator_id]
        if not mine:
            raise web.HTTPNotFound(text=f"you did not take call {call_id}: nothing to judge")
        cause = _cause(mine[-1], await self._store.decisions(call_id))
        disposition = Disposition(
            call_id=call_id,
            seq=mine[-1].seq,
            turn=cause.turn if cause else 0,
            verdict=body.verdict,
            by=identity.operator_id,
            at=self._clock.wall(),
            hard=cause.hard if cause else True,
            note=body.note,
        )
        await self._store.save([disposition, *of_disposition(disposition)])
        return web.Response(status=204)


def _cause(handoff: HandoffRecord, decisions: list[DecisionRecord]) -> DecisionRecord | None:
    """The decision that led to a request for a person: the last to hand off before it."""
    before = [each for each in decisions if each.hand_off and each.at <= handoff.requested_at]
    return before[-1] if before else None
