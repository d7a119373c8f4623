"""How often each rung was asked, and how that ended."""

from __future__ import annotations

from dataclasses import dataclass

from handoff.ladder.messages import AskRung, LadderCommand, LateAnswer, Settle


@dataclass(slots=True)
class RungStats:
    """How often; over all turns."""

    asked: int = 0
    settled: int = 0
    insufficient: int = 0
    overran: int = 0
    failed: int = 0
    withdrawn: int = 0
    skipped: int = 0  # not asked: no time was left
    late: int = 0  # answered after all, after it was cut


class LadderStats:
    """The figures of every rung, counted from the commands of any number of turns."""

    __slots__ = ("_rungs",)

    def __init__(self) -> None:
        self._rungs: dict[str, RungStats] = {}

    def add(self, command: LadderCommand) -> None:
        """Count what a command says."""
        match command:
            case AskRung():
                self[command.rung].asked += 1
            case LateAnswer():
                self[command.rung].late += 1
            case Settle():
                for attempt in command.attempts:
                    stats = self[attempt.rung]
                    setattr(stats, attempt.outcome, getattr(stats, attempt.outcome) + 1)

    def rungs(self) -> dict[str, RungStats]:
        """The figures of all rungs so far, by name."""
        return dict(self._rungs)

    def __getitem__(self, rung: str) -> RungStats:
        """The figures of a rung."""
        return self._rungs.setdefault(rung, RungStats())
