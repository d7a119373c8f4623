"""The transcript of one call: who said what, and what the caller really heard of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Role = Literal["caller", "agent", "operator", "system"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line; a line with the same `seq` replaces the former one.

    `heard` is set on agent lines once known: the text that was played before it ended or was cut off.
    `at` is Unix seconds; `confidence` the recognizer's, in [0, 1], on caller lines.
    """

    seq: int
    role: Role
    text: str
    at: float
    final: bool = True
    heard: str | None = None
    confidence: float | None = None

    @property
    def as_heard(self) -> str:
        """What reached the other side: the heard part of a cut-off line, else its text."""
        return self.text if self.heard is None else self.heard


class Transcript:
    """The lines of one call, in order. A partial caller line is replaced until it is final."""

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._partial: int | None = None

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines, oldest first."""
        return tuple(self._lines)

    def add(self, role: Role, text: str, at: float) -> Line:
        """Append a final line and return it."""
        line = Line(seq=len(self._lines), role=role, text=text, at=at)
        self._lines.append(line)
        return line

    def caller_partial(self, text: str, at: float) -> Line:
        """Show what the caller has said so far."""
        return self._caller(Line(0, "caller", text, at, final=False), partial=True)

    def caller_final(self, text: str, at: float, confidence: float) -> Line:
        """Settle what the caller said; an empty text takes the partial line back."""
        return self._caller(Line(0, "caller", text, at, confidence=confidence), partial=False)

    def heard(self, seq: int, text: str) -> Line:
        """Say what the caller heard of an agent's line; raise `IndexError` for an unknown line."""
        line = replace(self._lines[seq], heard=text)
        self._lines[seq] = line
        return line

    def reword(self, seq: int, text: str) -> Line:
        """Say a line otherwise, once more is known; raise `IndexError` for an unknown line."""
        line = replace(self._lines[seq], text=text)
        self._lines[seq] = line
        return line

    def _caller(self, line: Line, partial: bool) -> Line:
        if self._partial is None:
            line = replace(line, seq=len(self._lines))
            self._lines.append(line)
        else:
            line = replace(line, seq=self._partial, at=self._lines[self._partial].at)
            self._lines[self._partial] = line
        self._partial = line.seq if partial else None
        return line
