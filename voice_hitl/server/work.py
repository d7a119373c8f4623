"""The REST interface of what people do beside talking: dispositions, the work board, follow-ups."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from handoff.board import FINISHED, Column
from handoff.commands import DecisionKind
from handoff.labels import Disposition, of_disposition
from handoff.ports import DecisionRecord, HandoffRecord, Store
from voice_hitl.call.approving import ApprovalService
from voice_hitl.call.board import BoardService
from voice_hitl.call.journal import Journal
from voice_hitl.clock import Clock
from voice_hitl.server.openapi import KEPT, Identify, Route, answer, kept, read_body
from voice_hitl.server.views import card_view, column_view, follow_up_view
from voice_hitl.server.wire import CardView, DispositionBody, ErrorBody, FollowUps, WorkBoard

FINISHED_SHOWN = 100  # cards of a column whose tasks are over
RENDER_SECONDS = 1.0  # a board is not rendered more often, however many look at it


class WorkApi:
    """The handlers, over the store, the board and the approval gate."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        identify: Identify,
        board: BoardService,
        approvals: ApprovalService,
        journal: Journal,
    ) -> None:
        self._store = store
        self._clock = clock
        self._identify = identify
        self._board = board
        self._approvals = approvals
        self._journal = journal
        self._rendered, self._rendered_at = "", float("-inf")
        self.routes = [
            Route(
                "POST",
                "/calls/{call_id}/disposition",
                "Say whether a handoff was needed: only who took the call can; a later answer replaces it",
                self.dispose,
                DispositionBody,
                KEPT,
                needs_session=True,
            ),
            Route(
                "GET",
                "/work",
                "The work board: every task of the AI by column, with who moved it there and when",
                self.work,
                None,
                {200: WorkBoard, 401: ErrorBody, 403: ErrorBody},
                needs_session=True,
            ),
            Route(
                "GET",
                "/follow-ups",
                "What was approved or asked for, was not done for certain, and somebody must see to",
                self.follow_ups,
                None,
                {200: FollowUps, 401: ErrorBody, 403: ErrorBody},
                needs_session=True,
            ),
            Route(
                "POST",
                "/follow-ups/{approval_id}/done",
                "Say that a follow-up has been seen to",
                self.followed_up,
                None,
                {204: None, 401: ErrorBody, 403: ErrorBody, 404: ErrorBody, 503: ErrorBody},
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
            hard=cause is None or cause.kind != DecisionKind.SOFT,
            note=body.note,
        )
        ticket = self._journal.put(disposition, *of_disposition(disposition))
        return kept(await self._journal.stored(ticket))

    async def work(self, request: web.Request) -> web.Response:
        """`GET /work`."""
        await self._identify(request)
        if self._clock.now() - self._rendered_at >= RENDER_SECONDS:
            people = await self._store.list_operators()
            self._rendered_at = self._clock.now()
            self._rendered = self._render({each.operator_id: each.name for each in people})
        return web.Response(text=self._rendered, content_type="application/json")

    def _render(self, names: Mapping[str, str]) -> str:
        board, now = self._board.board, self._clock.now()
        shift = self._clock.wall() - now

        def shown(column: Column) -> list[CardView]:
            cards = board.cards(column)
            newest = cards[-FINISHED_SHOWN:] if column in FINISHED else cards
            return [card_view(card.shifted(shift), names) for card in newest]

        columns = [column_view(column, shown(column.column)) for column in board.columns(now)]
        return WorkBoard(columns=columns, refused=len(board.anomalies())).model_dump_json()

    async def follow_ups(self, request: web.Request) -> web.Response:
        """`GET /follow-ups`."""
        await self._identify(request)
        shift = self._clock.wall() - self._clock.now()
        found = []
        for record in self._approvals.gate.follow_ups():
            call = await self._store.call(record.call_id)
            found.append(follow_up_view(record.shifted(shift), call.caller if call else ""))
        return answer(FollowUps(follow_ups=found))

    async def followed_up(self, request: web.Request) -> web.Response:
        """`POST /follow-ups/{approval_id}/done`."""
        identity = await self._identify(request)
        approval_id = request.match_info["approval_id"]
        open_ones = {record.approval_id for record in self._approvals.gate.follow_ups()}
        if approval_id not in open_ones:
            raise web.HTTPNotFound(text=f"nothing is left to do about {approval_id}")
        return kept(await self._approvals.followed_up(approval_id, identity.operator_id))


def _cause(handoff: HandoffRecord, decisions: list[DecisionRecord]) -> DecisionRecord | None:
    """The decision that led to a request for a person: the last to hand off before it."""
    before = [each for each in decisions if each.hand_off and each.at <= handoff.requested_at]
    return before[-1] if before else None
