"""The warnings on supervisors' consoles, and the same figures for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from handoff.drift import Warned
from handoff.metrics import Figures
from voice_hitl.server import wire
from voice_hitl.server.figures import named, warning_view
from voice_hitl.server.metrics import Metrics


class WarningScreens:
    """The warnings on all supervisors' consoles (`FiguresConsole`)."""

    def __init__(self, metrics: Metrics, tell: Callable[[wire.WireModel], None]) -> None:
        """`tell` sends to every supervisor's windows."""
        self._metrics = metrics
        self._tell = tell
        self._standing: dict[str, wire.WarningRaised] = {}

    def standing(self) -> Iterable[wire.WarningRaised]:
        """What a supervisor who has just come must be told."""
        return tuple(self._standing.values())

    def warning_raised(self, warning: Warned, since: float) -> None:
        """A warning stands."""
        message = wire.WarningRaised(warning=warning_view(warning, since))
        self._standing[warning.code.value] = message
        self._metrics.warnings.labels(warning.code.value).inc()
        self._tell(message)

    def warning_over(self, code: str) -> None:
        """It no longer does."""
        if self._standing.pop(code, None) is not None:
            self._tell(wire.WarningOver.model_validate({"code": code}))

    def figures_sampled(self, figures: Figures) -> None:
        """The figures stand like this."""
        for each in named(figures):
            self._metrics.figure(each.name, each.figure.value, each.figure.n)
