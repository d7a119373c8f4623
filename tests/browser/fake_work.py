"""The work beside the calls, on the fake floor: reviews, audits, follow-ups, the board, the figures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from voice_hitl.server import wire

Tell = Callable[[wire.WireModel, str | None], Awaitable[None]]
AI_WOULD = wire.ChoiceView(intent="disputed_charge", label="Dispute a charge", text="")


class FakeWork:
    """What the test sets, and what the server would answer to an operator's part in it."""

    def __init__(self, tell: Tell) -> None:
        self.reviews: dict[str, wire.ReviewView] = {}
        self.audits: list[wire.AuditView] = []
        self.follow_ups: list[wire.FollowUpView] = []
        self.board = wire.WorkBoard(columns=[], refused=0)
        self.figures: wire.FiguresView | None = None
        self._tell = tell

    def add_to(self, app: web.Application) -> None:
        """Register the REST routes."""
        app.router.add_get("/api/v1/work", self._board)
        app.router.add_get("/api/v1/follow-ups", self._follow_ups)
        app.router.add_post("/api/v1/follow-ups/{approval_id}/done", self._done)
        app.router.add_get("/api/v1/figures", self._figures)

    async def review(self, operator_id: str, review: wire.ReviewView) -> None:
        """Ask an operator what they would do."""
        self.reviews[review.review_id] = review
        await self._tell(wire.ReviewAsked(review=review), operator_id)

    async def obey(self, me: str, command: wire.ConsoleMessage) -> None:
        """Carry out what belongs here."""
        match command:
            case wire.ReviewChoice(review_id=review_id, intent=intent, text=text):
                await self._reveal(me, review_id, intent, text)
            case wire.ReviewVerdict(review_id=review_id, equal=equal):
                reason = "equal" if equal else "different"
                over = wire.ReviewOver(review_id=review_id, reason=reason, message="")
                await self._tell(over, me)
            case wire.NextAudit():
                first = self.audits[0] if self.audits else None
                await self._tell(wire.AuditShown(audit=first), me)
            case wire.AuditVerdict(audit_id=audit_id):
                self.audits = [audit for audit in self.audits if audit.audit_id != audit_id]
                judged = wire.AuditOver(audit_id=audit_id, reason="answered", message="")
                await self._tell(judged, me)

    async def _reveal(self, me: str, review_id: str, intent: str | None, text: str) -> None:
        review = self.reviews.pop(review_id)
        label = next((c.label for c in review.choices if c.intent == intent), "")
        mine = wire.ChoiceView(intent=intent, label=label, text=text)
        revealed = wire.ReviewRevealed(
            review_id=review_id,
            ai=AI_WOULD,
            mine=mine,
            expires_at=review.expires_at,
            seconds=review.seconds,
        )
        await self._tell(revealed, me)

    async def _board(self, _request: web.Request) -> web.Response:
        return web.json_response(text=self.board.model_dump_json())

    async def _follow_ups(self, _request: web.Request) -> web.Response:
        found = wire.FollowUps(follow_ups=self.follow_ups)
        return web.json_response(text=found.model_dump_json())

    async def _done(self, request: web.Request) -> web.Response:
        done = request.match_info["approval_id"]
        self.follow_ups = [each for each in self.follow_ups if each.approval_id != done]
        return web.Response(status=204)

    async def _figures(self, _request: web.Request) -> web.Response:
        if self.figures is None:
            raise web.HTTPNotFound
        return web.json_response(text=self.figures.model_dump_json())
