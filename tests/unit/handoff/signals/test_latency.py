from __future__ import annotations

import pytest

from handoff.events import StageTimed
from handoff.signals import latency
from voice_hitl.call.latency import Stage


def test_a_stage_without_a_budget_cannot_breach_it() -> None:
    counter = latency.Latency()
    counter.timed(StageTimed(1, "response", 900, 0))
    assert counter.trouble() == 0
    counter.timed(StageTimed(1, "response", 900, 100))
    assert counter.trouble() == 1


def test_breaches_are_counted_and_the_worst_is_kept_for_one_turn() -> None:
    counter = latency.Latency()
    for milliseconds in (40, 60, 75):
        counter.timed(StageTimed(1, "response", milliseconds, 50))
    assert counter.read() == {"latency.breaches": 2.0, "latency.worst": 1.5}
    assert counter.trouble() == 0.5
    counter.next_turn()
    assert counter.read() == {"latency.breaches": 0.0, "latency.worst": 0.0}
    assert counter.trouble() == 0


@pytest.mark.parametrize("stage", [each for each in Stage if each is not Stage.RESPONSE])
def test_only_what_the_caller_waits_for_is_trouble(stage: Stage) -> None:
    counter = latency.Latency()
    counter.timed(StageTimed(1, stage, 500, 50))
    assert counter.trouble() == 0
    assert counter.read() == {"latency.breaches": 1.0, "latency.worst": 10.0}
    counter.timed(StageTimed(1, Stage.RESPONSE, 1125, 900))
    assert counter.trouble() == 0.25
