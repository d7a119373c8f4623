"""Which line of the server's transcript is which recording that the caller played.

The server may split a sentence at a pause, join two, miss one or hear one where nobody spoke. The
pairing is the monotone one with the fewest word errors in which a line and its recordings are near in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from voice_hitl.demo.wer import WordErrors, word_errors

BEFORE, AFTER = 0.5, 4.0  # seconds that a line may be dated before the speech begins, after it ends
_MOST = 3  # recordings joined to one line, or lines that make up one recording


@dataclass(frozen=True, slots=True)
class Said:
    """A recording the caller played; times in Unix seconds."""

    name: str
    text: str
    start: float
    end: float
    scored: bool = True  # False: nobody could tell what was said, or it was cut off


@dataclass(frozen=True, slots=True)
class Line:
    """A caller's line of the server's transcript; `at` in Unix seconds."""

    seq: int
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Match:
    """Recordings and the lines they became; either may be empty."""

    said: tuple[Said, ...]
    lines: tuple[Line, ...]

    @property
    def reference(self) -> str | None:
        """What was said; None when nobody spoke or nobody could tell."""
        if not self.said or not all(said.scored for said in self.said):
            return None
        return " ".join(said.text for said in self.said)

    @property
    def recognized(self) -> str:
        """What the server made of it."""
        return " ".join(line.text for line in self.lines)

    @property
    def errors(self) -> WordErrors | None:
        """None when the words said are not known; a line out of nothing is all insertions."""
        if any(not said.scored for said in self.said):
            return None
        return word_errors(" ".join(said.text for said in self.said), self.recognized)


def match(said: Sequence[Said], lines: Sequence[Line]) -> list[Match]:
    """Pair recordings with lines, both in the order of the call."""

    @cache
    def best(i: int, j: int) -> tuple[int, tuple[Match, ...]]:
        """Errors and pairing of everything from recording i and line j on."""
        if i == len(said) and j == len(lines):
            return 0, ()
        options = []
        for taken, used in _steps(len(said) - i, len(lines) - j):
            found = Match(tuple(said[i : i + taken]), tuple(lines[j : j + used]))
            if _near(found):
                rest, following = best(i + taken, j + used)
                options.append((_cost(found) + rest, (found, *following)))
        return min(options, key=lambda option: option[0])

    return list(best(0, 0)[1])


def _steps(recordings: int, lines: int) -> list[tuple[int, int]]:
    """How many recordings and lines a match may take; simple ones first, so that they win ties."""
    steps = [(1, 1), (1, 0), (0, 1)]
    steps += [(n, 1) for n in range(2, _MOST + 1)] + [(1, n) for n in range(2, _MOST + 1)]
    return [(taken, used) for taken, used in steps if taken <= recordings and used <= lines]


def _near(found: Match) -> bool:
    if not found.said or not found.lines:
        return True
    start, end = found.said[0].start - BEFORE, found.said[-1].end + AFTER
    return all(start <= line.at <= end for line in found.lines)


def _cost(found: Match) -> int:
    errors = found.errors
    return 0 if errors is None else errors.errors
