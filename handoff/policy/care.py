"""What operators are owed: breaks, variety, practice."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from handoff.policy.base import PolicyModel


class CarePolicy(PolicyModel):
    """Rest, rotation between categories, calibration exercises, accuracy over minutes on shift."""

    enabled: bool = True  # False: nobody is held back, no exercise is served
    work_minutes: Annotated[float, Field(ge=5, le=480)] = 90.0  # no offers after so long
    break_minutes: Annotated[float, Field(ge=1, le=120)] = 10.0  # this long without work is a break
    harsh: tuple[str, ...] = ("abuse", "threat", "bereavement", "emergency")  # categories
    harsh_in_row: Annotated[int, Field(ge=1, le=100)] = 2
    harsh_per_hour: Annotated[int, Field(ge=1, le=100)] = 4
    exercise_every: Annotated[int, Field(ge=0, le=1000)] = 25  # items a person; 0: no exercises
    exercises_per_hour: Annotated[int, Field(ge=1, le=60)] = 2  # a person
    curve_minutes: Annotated[float, Field(ge=1, le=120)] = 15.0  # width of a bin
    curve_minimum: Annotated[int, Field(ge=2, le=100_000)] = 30  # answers a bin
    curve_people: Annotated[int, Field(ge=2, le=1000)] = 5  # different people a bin
