"""The figures of the whole system and its warnings, for the wire and over REST."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from aiohttp import web

from handoff.budget import Budget
from handoff.drift import Warned
from handoff.intervals import Figure
from handoff.metrics import HEADS, PATHS, Figures
from handoff.policy import Policy
from handoff.shifts import ShiftCurve
from voice_hitl.call.supervising import FiguresService
from voice_hitl.clock import Clock
from voice_hitl.server import wire
from voice_hitl.server.openapi import Identify, Route, answer

Unit = Literal["share", "seconds", "score"]
PATH_WORDS = {
    "automatic": "what the AI did alone",
    "vetoable": "what could be vetoed",
    "approved": "what was approved",
    "handed_off": "calls that were handed over",
}
HEAD_WORDS = {"h": "of breakdowns (h)", "q": "of wrong answers (q)"}


@dataclass(frozen=True, slots=True)
class Named:
    """A figure with what people and machines call it."""

    name: str
    label: str
    unit: Unit
    figure: Figure


def named(figures: Figures) -> Iterator[Named]:
    """Every figure, in the order that a dashboard shows them."""
    yield Named("automation_rate", "Calls that the AI finished", "share", figures.automation_rate)
    yield Named("routed", "Calls handed over", "share", figures.routed)
    yield Named(
        "routing_accuracy",
        "Handoffs that were needed, say the operators",
        "share",
        figures.routing_accuracy,
    )
    yield Named("failed", "Calls that failed", "share", figures.failed)
    yield Named(
        "override_rate",
        "Proposals answered otherwise than proposed",
        "share",
        figures.override_rate,
    )
    yield Named(
        "time_to_resolution", "Length of resolved calls", "seconds", figures.time_to_resolution
    )
    yield Named(
        "handle_time",
        "Operators' time for a call, wrap-up included",
        "seconds",
        figures.handle_time,
    )
    yield Named("queue_time", "Time in the queue", "seconds", figures.queue_time)
    yield Named("abandonment", "Left the queue without an answer", "share", figures.abandonment)
    yield Named("service_level", "Answered in time", "share", figures.service_level)
    for path in PATHS:
        figure = figures.error_by_path[path]
        yield Named(f"error_{path}", f"Audited as wrong: {PATH_WORDS[path]}", "share", figure)
    yield Named(
        "review_agreement",
        "Blind second decisions that agree with the AI",
        "share",
        figures.reviewers.share,
    )
    yield Named("review_kappa", "The same, Cohen's kappa", "score", figures.reviewers.kappa)
    yield Named("review_ac1", "The same, Gwet's AC1", "score", figures.reviewers.ac1)
    for head in HEADS:
        words = HEAD_WORDS[head]
        yield Named(f"ece_{head}", f"Calibration error {words}", "score", figures.ece[head])
        yield Named(f"brier_{head}", f"Brier score {words}", "score", figures.brier[head])


def figure_view(each: Named) -> wire.FigureView:
    """A figure for the wire."""
    figure = each.figure
    return wire.FigureView(
        name=each.name,
        label=each.label,
        unit=each.unit,
        n=figure.n,
        value=figure.value,
        low=figure.low,
        high=figure.high,
        note=figure.note,
    )


def warning_view(warning: Warned, since: float) -> wire.WarningView:
    """A warning for the wire; `since` in Unix seconds."""
    return wire.WarningView(
        code=warning.code.value,
        since=since,
        words=warning.words,
        evidence=dict(warning.evidence),
        todo=warning.todo,
    )


def shift_view(curve: ShiftCurve) -> wire.ShiftView:
    """Accuracy over minutes on shift for the wire."""
    bins = [
        wire.ShiftBinView(
            start=each.start,
            end=each.end if isfinite(each.end) else None,
            people=each.people,
            accuracy=figure_view(Named("accuracy", "Accuracy", "share", each.accuracy)),
        )
        for each in curve.bins
    ]
    return wire.ShiftView(bins=bins, drop=curve.drop, p=curve.p, note=curve.note)


def budget_view(budget: Budget, policy: Policy) -> wire.BudgetView:
    """The budget for the wire."""
    share = Named("routed_lately", "Calls handed over lately", "share", budget.share)
    hard = Named("routed_hard", "Of these by hard triggers", "share", budget.hard_share)
    return wire.BudgetView(
        state=budget.state.value,
        words=budget.words,
        price=budget.price,
        low=policy.budget.low,
        high=policy.budget.high,
        share=figure_view(share),
        hard_share=figure_view(hard),
    )


class FiguresApi:
    """The handler of the figures."""

    def __init__(
        self,
        figures: FiguresService,
        budget: Budget,
        policy: Policy,
        clock: Clock,
        identify: Identify,
    ) -> None:
        self._figures = figures
        self._budget = budget
        self._policy = policy
        self._clock = clock
        self._identify = identify
        self.routes = [
            Route(
                "GET",
                "/figures",
                "The figures of the whole system, people included, each with its 95 % interval, "
                "and, for supervisors, the warnings that stand",
                self.figures,
                None,
                {200: wire.FiguresView, 401: wire.ErrorBody, 403: wire.ErrorBody},
                needs_session=True,
            ),
        ]

    async def figures(self, request: web.Request) -> web.Response:
        """`GET /figures`."""
        identity = await self._identify(request)
        service, policy = self._figures, self._policy
        value, low, high = service.supervision.override_chart
        view = wire.FiguresView(
            at=self._clock.wall(),
            window_hours=policy.warnings.window_hours,
            figures=[figure_view(each) for each in named(service.figures())],
            overrides=wire.ChartView(value=value, low=low, high=high),
            shift=shift_view(service.shift()),
            warnings=[warning_view(*each) for each in service.warnings()]
            if identity.is_supervisor
            else [],
            budget=budget_view(self._budget, policy) if policy.budget.enabled else None,
        )
        return answer(view)
