from __future__ import annotations

from collections.abc import AsyncIterator
from math import inf

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from handoff.budget import Budget
from handoff.drift import Code, Warned
from handoff.intervals import Figure, too_little
from handoff.metrics import CallFinished, Metrics, ProposalAnswered
from handoff.policy import Policy
from handoff.shifts import ShiftBin, ShiftCurve
from handoff.supervision import FloorSeen, Supervision
from handoff.testing import MemoryStore
from voice_hitl.call.journal import Journal
from voice_hitl.call.supervising import FiguresService
from voice_hitl.clock import Clock
from voice_hitl.server import wire
from voice_hitl.server.auth import Identity
from voice_hitl.server.figures import FiguresApi, named, shift_view
from voice_hitl.server.http import one_shape
from voice_hitl.server.openapi import add_routes, document

Client = TestClient[web.Request, web.Application]
URL = "/api/v1/figures"
POLICY = Policy.from_mapping({"warnings": {"minimum": 2}}, "test")
UNBUDGETED = Policy.from_mapping({"budget": {"enabled": False}}, "test")
WARNED = Warned(Code.QUEUE, 5.0, "The queue grows.", (("waiting", 4.0),), "Ask people in.")


class Nobody:
    """Consoles that show nothing (`FiguresConsole`)."""

    def warning_raised(self, warning: Warned, since: float) -> None:
        pass

    def warning_over(self, code: str) -> None:
        pass

    def figures_sampled(self, figures: object) -> None:
        pass


@pytest.fixture
def policy() -> Policy:
    return POLICY


@pytest.fixture
async def supervision(policy: Policy) -> Supervision:
    return Supervision(policy, Clock.of_running_loop().now())


@pytest.fixture
async def api(policy: Policy, supervision: Supervision) -> FiguresApi:
    clock = Clock.of_running_loop()

    async def identify(request: web.Request) -> Identity:
        if "X-Operator" not in request.headers:
            raise web.HTTPUnauthorized(text="sign in first")
        name = request.headers["X-Operator"]
        return Identity(name, "Someone", "supervisor" if name == "boss" else "operator")

    figures = FiguresService(
        supervision,
        clock,
        Journal(MemoryStore()),
        Nobody(),
        lambda: FloorSeen(0),
        lambda event: None,
    )
    return FiguresApi(figures, Budget(policy), policy, clock, identify)


@pytest.fixture
async def client(api: FiguresApi) -> AsyncIterator[Client]:
    app = web.Application(middlewares=[one_shape])
    add_routes(app, api.routes)
    async with TestClient(TestServer(app)) as client:
        yield client


async def shown(client: Client, operator: str = "boss") -> wire.FiguresView:
    answer = await client.get(URL, headers={"X-Operator": operator})
    assert answer.status == 200
    return wire.FiguresView.model_validate_json(await answer.text())


async def test_every_figure_has_its_count_and_interval_or_says_that_there_is_too_little(
    client: Client, supervision: Supervision
) -> None:
    now = Clock.of_running_loop().now()
    for _ in range(2):
        supervision.handle(CallFinished("automated", 30.0), now)
    supervision.handle(CallFinished("handed_off", 30.0), now)
    view = await shown(client)
    figures = {each.name: each for each in view.figures}
    assert len(figures) == len(view.figures) == 21
    automated = figures["automation_rate"]
    assert (automated.n, automated.unit, automated.note) == (3, "share", "")
    assert automated.value == pytest.approx(2 / 3)
    assert (automated.low, automated.high) == pytest.approx((0.2077, 0.9385), abs=1e-3)
    queue = figures["queue_time"]
    assert (queue.n, queue.value, queue.low, queue.high) == (0, None, None, None)
    assert queue.note == "not enough data"
    assert view.window_hours == 24.0
    assert view.budget is not None
    assert (view.budget.state, view.budget.low, view.budget.high) == ("starting", 0.05, 0.15)
    assert view.shift.note == "not enough data"
    assert view.shift.bins[-1].end is None


async def test_warnings_that_stand_say_what_to_do(client: Client, supervision: Supervision) -> None:
    clock = Clock.of_running_loop()
    for _ in range(6):
        supervision.handle(ProposalAnswered(overridden=True), clock.now())
    view = await shown(client)
    (warning,) = view.warnings
    assert warning.code == "overrides"
    assert "retrain" in warning.todo
    assert warning.evidence["cusum"] > warning.evidence["limit"]
    assert warning.since == pytest.approx(clock.wall(), abs=5.0)
    assert view.overrides.value > view.overrides.high
    assert (await shown(client, "ana")).warnings == []


@pytest.mark.parametrize("policy", [UNBUDGETED])
async def test_a_policy_without_a_budget_shows_none(client: Client, policy: Policy) -> None:
    assert (await shown(client)).budget is None


async def test_figures_are_for_who_is_signed_in(client: Client) -> None:
    assert (await client.get(URL)).status == 401


async def test_the_document_names_the_figures(api: FiguresApi) -> None:
    written = document(api.routes)
    assert written["paths"][URL]["get"]["operationId"] == "figures"
    assert "FigureView" in written["components"]["schemas"]


def test_a_shift_curve_keeps_its_bins_and_its_trend() -> None:
    known = Figure(40, 0.9, 0.8, 0.95)
    bins = (ShiftBin(0.0, 15.0, 6, known), ShiftBin(15.0, inf, 1, too_little(3)))
    view = shift_view(ShiftCurve(bins, -2.0, 0.04, 0.1, ""))
    assert [(each.start, each.end, each.people) for each in view.bins] == [
        (0, 15, 6),
        (15, None, 1),
    ]
    assert (view.bins[0].accuracy.value, view.bins[1].accuracy.value) == (0.9, None)
    assert (view.drop, view.p) == (0.1, 0.04)


def test_every_figure_has_a_name_of_its_own() -> None:
    names = [each.name for each in named(Metrics(POLICY).snapshot(0.0))]
    assert len(set(names)) == len(names)
