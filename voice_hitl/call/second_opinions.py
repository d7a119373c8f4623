"""What people who look at the AI's work, beside it or afterwards, are told of one call.

Part of the call's owner: every method runs in the owner task and none waits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from handoff.approvals import digest
from handoff.audit import AuditItem
from handoff.engine import CallEngine
from handoff.review import Choice, TurnOpened
from voice_hitl.agent.guard import mask
from voice_hitl.agent.protocol import Acted, Proposal, Understanding
from voice_hitl.call.book import CallBook
from voice_hitl.call.masking import masked_values, masked_words

CONTEXT = 4  # lines of the transcript that a reviewer is shown before the caller's own
SUMMARY = 400  # characters
SPEAKERS = {"caller": "Caller", "agent": "AI", "operator": "Operator"}


class ReviewPort(Protocol):
    """Parallel review, as a call sees it."""

    def opened(self, turn: TurnOpened) -> None:
        """The AI begins to answer a turn."""

    def chosen(self, call_id: str, turn: int, choice: Choice) -> None:
        """The AI has decided what to do with it."""


class AuditPort(Protocol):
    """Post-hoc audit, as a call sees it."""

    def automated(self, item: AuditItem) -> None:
        """Something was decided or done."""

    def referred(self, item: AuditItem, propensity: float) -> None:
        """Moderation has drawn a line for people to look at, with this probability in (0, 1]."""

    def handled_by(self, call_id: str, operator_id: str) -> None:
        """An operator has a part in the call."""


@dataclass(slots=True)
class _Turn:
    """A turn that the AI answers."""

    number: int
    found: Understanding
    risk: float
    said: list[str] = field(default_factory=list)
    chosen: bool = False  # the AI's choice has been told
    acted: bool = False


class SecondOpinions:
    """The reviews and audits of one call."""

    def __init__(
        self, engine: CallEngine, book: CallBook, reviews: ReviewPort, audits: AuditPort
    ) -> None:
        self._engine = engine
        self._book = book
        self._reviews = reviews
        self._audits = audits
        self._turn: _Turn | None = None
        self._known: dict[str, str] = {}  # slots, as they were before the present turn
        self._actions = 0

    # --- a turn ---

    def opened(self, found: Understanding) -> None:
        """The AI goes on to answer what the caller said."""
        self.over()
        turn = _Turn(self._book.turn, found, _probability(self._engine.snapshot().risk))
        event = TurnOpened(
            self._book.call_id, turn.number, self._question(found), found.intent.category, turn.risk
        )
        self._turn = turn
        self._known = masked_values(found.slots)
        self._reviews.opened(event)

    def said(self, text: str) -> None:
        """A sentence of the reply is on its way."""
        if self._turn is not None:
            self._turn.said.append(text)

    def proposed(self, proposal: Proposal) -> None:
        """The AI wants to act: that is its choice, whatever becomes of it."""
        if self._turn is not None:
            wanted = digest(proposal.name, proposal.arguments)
            self._choose(
                self._turn,
                wanted,
                masked_words(proposal.summary, proposal.arguments, proposal.sensitive),
            )

    def over(self) -> None:
        """The work on the turn has ended, or was broken off; who has said nothing has not chosen."""
        turn, self._turn = self._turn, None
        if turn is None:
            return
        said = " ".join(turn.said)
        if said:
            self._choose(turn, None, said)
        if said or turn.acted:
            words = f'Caller: "{turn.found.text}" AI ({turn.found.intent.name}): "{said}"'
            self._audits.automated(
                AuditItem(
                    audit_id=f"{self._book.call_id}:{turn.number}",
                    kind="decision",
                    call_id=self._book.call_id,
                    turn=turn.number,
                    path="automatic",
                    category=turn.found.intent.category,
                    risk=turn.risk,
                    summary=_line(words),
                )
            )

    def _choose(self, turn: _Turn, action: str | None, text: str) -> None:
        if turn.chosen:
            return
        turn.chosen = True
        choice = Choice(turn.found.intent.name, action, mask(text))
        self._reviews.chosen(self._book.call_id, turn.number, choice)

    def _question(self, found: Understanding) -> str:
        present = self._book.caller_line  # which the AI's last words may stand below
        before = [
            f"{SPEAKERS[line.role]}: {line.as_heard}"
            for line in self._book.lines
            if line is not present and line.role in SPEAKERS and line.as_heard
        ]
        said = f"Caller: {found.text if present is None else present.text}"
        known = [f"{name}: {value}" for name, value in self._known.items() if value]
        rest = ["Known: " + ", ".join(known)] if known else []
        return mask("\n".join([*before[-CONTEXT:], said, *rest]))

    # --- actions and people ---

    def acted(self, acted: Acted, summary: str, path: str, risk: float) -> None:
        """An action was tried; `summary` is what the AI meant to do, `risk` its score in [0, 1]."""
        if not acted.ok:
            return
        self._actions += 1
        category = "general"
        if self._turn is not None:
            self._turn.acted = True
            category = self._turn.found.intent.category
        self._audits.automated(
            AuditItem(
                audit_id=f"{self._book.call_id}:{self._book.turn}:action:{self._actions}",
                kind="action",
                call_id=self._book.call_id,
                turn=self._book.turn,
                path=path,
                category=category,
                risk=_probability(risk),
                summary=_line(f"{summary}: {acted.result}"),
            )
        )

    def handled_by(self, operator_id: str) -> None:
        """An operator has the call."""
        self._audits.handled_by(self._book.call_id, operator_id)


def _probability(value: float) -> float:
    return min(1.0, max(0.0, value))


def _line(text: str) -> str:
    """One masked line that is not too long to read."""
    line = mask(" ".join(text.split()))
    return line if len(line) <= SUMMARY else line[: SUMMARY - 1] + "…"
