from __future__ import annotations

from typing import Any

import pytest

from handoff.commands import DecisionKind
from handoff.drift import Code, WarningCleared, WarningRaised
from handoff.errors import ProtocolError
from handoff.events import DeadlinePassed
from handoff.metrics import CallFinished, Judged, Predicted, ProposalAnswered, QueueLeft
from handoff.outcomes import CallEnded, TurnDecided
from handoff.policy import Policy
from handoff.shifts import ShiftAnswer
from handoff.supervision import (
    REST,
    SAMPLE,
    FloorSeen,
    Sampled,
    Supervision,
    SupervisionCommand,
)

POLICY = Policy.from_mapping({"warnings": {"minimum": 2, "ece_minimum": 10}}, "test")


class Floor:
    """A machine and its clock."""

    def __init__(self) -> None:
        self.now = 100.0
        self.machine = Supervision(POLICY, self.now)
        self.commands: list[SupervisionCommand] = []

    def tell(self, *events: Any) -> None:
        for event in events:
            self.machine.handle(event, self.now)
            self.commands += self.machine.take_commands()

    def passes(self, seconds: float, waiting: int = 0, overdue: int = 0) -> None:
        """Wait as a shell does: at each deadline it says how the floor stands."""
        end = self.now + seconds
        while (due := self.machine.next_deadline()) is not None and due <= end:
            self.now = due
            self.tell(FloorSeen(waiting, overdue), DeadlinePassed())
        self.now = end

    def raised(self) -> list[Code]:
        return [each.warning.code for each in self.commands if isinstance(each, WarningRaised)]

    def cleared(self) -> list[Code]:
        return [each.code for each in self.commands if isinstance(each, WarningCleared)]


def test_facts_become_figures() -> None:
    floor = Floor()
    floor.tell(CallFinished("automated", 30.0), CallFinished("handed_off", 60.0))
    floor.tell(QueueLeft(5.0, answered=True), QueueLeft(50.0, answered=False))
    figures = floor.machine.figures(floor.now)
    assert figures.automation_rate.value == figures.routed.value == 0.5
    assert figures.time_to_resolution.value == 45.0
    assert figures.abandonment.value == figures.service_level.value == 0.5
    assert figures.override_rate.note == "not enough data"


def test_overrides_raise_a_warning_that_a_good_stretch_ends() -> None:
    floor = Floor()
    floor.tell(*[ProposalAnswered(overridden=True)] * 6)
    assert floor.raised() == [Code.OVERRIDES]
    assert [each.code for each in floor.machine.warnings] == [Code.OVERRIDES]
    assert floor.machine.override_chart[0] > 0.5
    floor.tell(*[ProposalAnswered(overridden=False)] * 40)
    assert floor.cleared() == [Code.OVERRIDES]
    assert floor.machine.warnings == ()


def test_a_queue_that_stays_long_raises_a_warning_by_the_timer_alone() -> None:
    floor = Floor()
    floor.passes(60.0, waiting=0)
    floor.passes(300.0, waiting=8)
    assert floor.raised() == [Code.QUEUE]
    floor.passes(600.0, waiting=0)
    assert floor.cleared() == [Code.QUEUE]


def test_samples_are_taken_on_time_and_the_figures_every_minute() -> None:
    floor = Floor()
    assert floor.machine.next_deadline() == floor.now + SAMPLE
    floor.tell(DeadlinePassed())  # too soon: nothing
    assert floor.machine.next_deadline() == floor.now + SAMPLE
    floor.passes(3 * REST * SAMPLE)
    assert len([each for each in floor.commands if isinstance(each, Sampled)]) == 3


def test_few_routed_while_the_automatic_path_errs_raises_a_warning() -> None:
    floor = Floor()
    floor.tell(*[CallFinished("automated", 30.0)] * 40)
    floor.tell(*[Judged("automatic", wrong=number % 3 == 0) for number in range(60)])
    floor.passes(REST * SAMPLE)
    assert floor.raised() == [Code.UNDER_ROUTED]


def test_predictions_that_nothing_came_of_raise_a_warning_of_their_calibration() -> None:
    floor = Floor()
    for number in range(20):
        call = f"c{number}"
        floor.tell(
            TurnDecided(call, 1, 0.9, 0.1, False, DecisionKind.SOFT), CallEnded(call, "automated")
        )
    assert floor.machine.figures(floor.now).ece["h"].value == pytest.approx(0.9)
    floor.passes(REST * SAMPLE)
    assert floor.raised() == [Code.CALIBRATION_BREAKDOWN]


def test_who_should_have_rested_raises_a_warning() -> None:
    floor = Floor()
    floor.passes(REST * SAMPLE, overdue=1)
    assert floor.raised() == [Code.FATIGUE]
    floor.passes(REST * SAMPLE, overdue=0)
    assert floor.cleared() == [Code.FATIGUE]


def test_scored_answers_make_the_shift_curve() -> None:
    floor = Floor()
    floor.tell(*(ShiftAnswer(f"op{n % 6}", n % 60, right=n % 60 < 30) for n in range(240)))
    curve = floor.machine.shift()
    assert curve.drop == 1.0
    floor.passes(REST * SAMPLE)
    assert floor.raised() == [Code.FATIGUE]


def test_it_is_rebuilt_from_what_it_was_told_and_what_cannot_count_is_left() -> None:
    told = [(float(at), ProposalAnswered(overridden=True)) for at in range(6)]
    bad = (6.0, CallFinished("automated", -1.0))
    machine = Supervision.reopened(POLICY, [*told, bad], now=100.0)
    (raised,) = machine.take_commands()
    assert isinstance(raised, WarningRaised)
    assert (raised.warning.code, raised.warning.since) == (Code.OVERRIDES, 5.0)
    figures = machine.figures(100.0)
    assert (figures.override_rate.n, figures.time_to_resolution.n) == (6, 0)
    assert machine.next_deadline() == 100.0 + SAMPLE


def test_a_warning_that_was_over_before_the_stop_is_not_raised_again() -> None:
    told = [(float(at), ProposalAnswered(overridden=at < 6)) for at in range(46)]
    assert Supervision.reopened(POLICY, told, now=100.0).take_commands() == []


@pytest.mark.parametrize(
    "event",
    ["nonsense", FloorSeen(-1), ShiftAnswer("ana", -1.0, True), Predicted("h", 2.0, True)],
)
def test_what_is_unknown_or_out_of_range_is_refused_and_does_not_count(event: Any) -> None:
    floor = Floor()
    before = floor.machine.figures(floor.now)
    with pytest.raises(ProtocolError):
        floor.tell(event)
    assert floor.machine.figures(floor.now) == before
