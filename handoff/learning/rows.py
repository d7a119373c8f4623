"""Training rows: what the model saw at a turn, and what people said of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from handoff.labels import HeadName, Label
from handoff.policy import Policy
from handoff.ports import FactRecord
from handoff.replay import rerun
from handoff.risk import Models


@dataclass(frozen=True, slots=True)
class Row:
    """One label with the troubles that its head was shown at that turn."""

    call_id: str
    turn: int
    head: HeadName
    troubles: tuple[float, ...]  # by CODES
    value: bool
    weight: float  # above 0


def rows_of_call(
    labels: Iterable[Label], facts: Iterable[FactRecord], policy: Policy, models: Models
) -> list[Row]:
    """The rows of one call; `policy`, `models`: what it was decided with.

    The signals are those of a replay, so that there is one source of truth. Withdrawn labels, and those of a
    turn that the AI did not decide on, give none. Raises `StorageError` as `rerun` does.
    """
    readings = rerun(facts, policy, models).readings
    return [
        Row(
            label.call_id,
            label.turn,
            label.head,
            reading.recent if label.head == "breakdown" else reading.now,
            label.value,
            label.weight,
        )
        for label in labels
        if label.weight > 0 and (reading := readings.get(label.turn)) is not None
    ]
