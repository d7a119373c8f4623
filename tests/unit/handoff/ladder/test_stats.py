from __future__ import annotations

from handoff.calibration import Platt
from handoff.events import DeadlinePassed
from handoff.ladder import Climb, LadderStats, Rung, RungAnswered, RungFailed, RungStats
from handoff.policy import Policy


def test_figures_add_up_over_turns() -> None:
    stats = LadderStats()
    rungs = (Rung("flow", 1, Platt()), Rung("model", 9, Platt()))
    for turn, (seconds, score) in enumerate([(0.1, 0.99), (0.1, 0.5), (0.3, 0.99)]):
        climb = Climb("call-1", turn, "general", rungs, Policy(), 0.0)
        climb.handle(RungAnswered("flow", "x", score), seconds)
        climb.handle(RungFailed("model"), 1.0)
        climb.handle(DeadlinePassed(), 60.0)
        for command in climb.take_commands():
            stats.add(command)
    assert stats["flow"] == RungStats(asked=3, settled=1, insufficient=1, overran=1, late=1)
    assert stats["model"] == RungStats(asked=2, failed=2)
    assert set(stats.rungs()) == {"flow", "model"}
    assert stats["other"] == RungStats()
