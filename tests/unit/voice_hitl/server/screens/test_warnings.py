from __future__ import annotations

from typing import Any

from handoff.drift import Code, Warned
from handoff.metrics import CallFinished, Metrics
from handoff.policy import Policy
from voice_hitl.server.metrics import Metrics as Prometheus
from voice_hitl.server.screens.warnings import WarningScreens

POLICY = Policy.from_mapping({"warnings": {"minimum": 2}}, "test")
WARNED = Warned(Code.QUEUE, 5.0, "The queue grows.", (("waiting", 4.0),), "Ask people in.")


def test_a_warning_is_told_once_stays_for_newcomers_and_is_counted() -> None:
    told: list[Any] = []
    prometheus = Prometheus()
    screens = WarningScreens(prometheus, told.append)
    screens.warning_raised(WARNED, 1000.0)
    assert told == list(screens.standing())
    assert told[0].warning.evidence == {"waiting": 4.0}
    assert prometheus.people.get_sample_value("voice_hitl_warnings_total", {"code": "queue"}) == 1
    screens.warning_over("queue")
    screens.warning_over("queue")
    assert [message.type for message in told] == ["warning", "warning_over"]
    assert list(screens.standing()) == []


def test_prometheus_sees_the_figures_that_there_are() -> None:
    prometheus = Prometheus()
    screens = WarningScreens(prometheus, lambda message: None)
    metrics = Metrics(POLICY)
    screens.figures_sampled(metrics.snapshot(0.0))

    def seen(metric: str) -> float | None:
        return prometheus.people.get_sample_value(metric, {"name": "automation_rate"})

    assert (seen("voice_hitl_figure"), seen("voice_hitl_figure_observations")) == (None, 0)
    for _ in range(2):
        metrics.handle(CallFinished("automated", 1.0), 0.0)
    screens.figures_sampled(metrics.snapshot(0.0))
    assert (seen("voice_hitl_figure"), seen("voice_hitl_figure_observations")) == (1.0, 2)
    screens.figures_sampled(metrics.snapshot(1e6))
    assert (seen("voice_hitl_figure"), seen("voice_hitl_figure_observations")) == (None, 0)
