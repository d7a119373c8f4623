"""Figures of the whole system, and warnings about it."""

from __future__ import annotations

from typing import Literal

from voice_hitl.server.wire.base import WireModel

WarningCode = Literal[
    "overrides", "queue", "under_routed", "fatigue", "calibration_h", "calibration_q"
]


class WarningView(WireModel):
    """Something about the whole system that a supervisor should look at."""

    code: WarningCode
    since: float
    words: str
    evidence: dict[str, float]
    todo: str  # what to do about it


class WarningRaised(WireModel):
    """To supervisors: a warning stands; again with the same code: it reads differently now."""

    type: Literal["warning"] = "warning"
    warning: WarningView


class WarningOver(WireModel):
    """To supervisors: a warning no longer stands."""

    type: Literal["warning_over"] = "warning_over"
    code: WarningCode


class FigureView(WireModel):
    """One figure with its 95 % interval; all three None where `note` says why there is none."""

    name: str
    label: str
    unit: Literal["share", "seconds", "score"]  # shares in [0, 1]
    n: int  # observations
    value: float | None
    low: float | None
    high: float | None
    note: str  # "not enough data", or why there is no figure


class ChartView(WireModel):
    """The moving average of overrides with its control limits."""

    value: float
    low: float
    high: float


class ShiftBinView(WireModel):
    """Everyone's accuracy in some minutes of their shifts."""

    start: float  # minutes
    end: float | None  # None: and later
    people: int
    accuracy: FigureView


class ShiftView(WireModel):
    """Accuracy over minutes on shift, of everyone together."""

    bins: list[ShiftBinView]
    drop: float | None  # from the first to the last bin that can be told
    p: float | None  # two-sided, of the trend
    note: str  # why there is no trend to tell


class BudgetView(WireModel):
    """The controller that keeps the share of calls that go to people in its band."""

    state: Literal["off", "starting", "within", "above", "below", "frozen", "conflict"]
    words: str
    price: float
    low: float  # of the band
    high: float
    share: FigureView
    hard_share: FigureView  # by hard triggers alone


class FiguresView(WireModel):
    """`GET /api/v1/figures`: the figures of the whole system, people included."""

    at: float
    window_hours: float  # that the figures look back on
    figures: list[FigureView]
    overrides: ChartView
    shift: ShiftView
    warnings: list[WarningView]  # those that stand, oldest first
    budget: BudgetView | None  # None: the policy keeps none
