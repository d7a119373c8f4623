"""The operators on the floor: who they are, whether they want calls, what they are busy with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from handoff.errors import UnknownOperator
from handoff.events import OperatorJoined, Presence, Seniority


class Care(Protocol):
    """What the floor asks whoever looks after the operators; times are the floor's `now`."""

    def may_offer(self, operator_id: str, category: str | None, now: float) -> bool:
        """Whether this may ring at them now.

        `category` is the call's; None asks about rest alone: a critical call overrides the caps between
        categories, and nothing overrides rest. Must answer for operators it has never heard of (True).
        """

    def preference(self, operator_id: str, category: str | None, now: float) -> float:
        """Where they stand for such a call among those who may be asked: lower first, 0 for no opinion."""

    def next_change(self, now: float) -> float | None:
        """The next time after `now` (strictly) at which an answer changes by itself; None if none does."""


@dataclass(slots=True)
class Operator:
    """One operator; times are monotonic seconds."""

    operator_id: str
    name: str
    skills: frozenset[str]
    languages: frozenset[str]
    idle_since: float
    wants_calls: bool = False
    offer_id: str | None = None  # what rings at them
    call_id: str | None = None  # the call they own
    wrap_up_until: float | None = None
    on_break: bool = False
    seniority: Seniority = Seniority.STANDARD
    capacity: int = 1  # weight of light work that they can hold at once
    work: dict[str, int] = field(default_factory=dict)  # light work held: id -> weight

    @property
    def presence(self) -> str:
        """One of available, away, break, offered, in_call, wrap_up."""
        if self.call_id is not None:
            return "in_call"
        if self.offer_id is not None:
            return "offered"
        if self.on_break:
            return "break"
        if self.wrap_up_until is not None:
            return "wrap_up"
        return "available" if self.wants_calls else "away"

    @property
    def load(self) -> int:
        """Weight of the light work they hold; a voice call counts as all they can hold, see `room`."""
        return sum(self.work.values())

    @property
    def room(self) -> int:
        """Weight of light work that they can take on now: none in a call or while one rings."""
        return max(0, self.capacity - self.load) if self.presence == "available" else 0

    def can(self, skill: str | None, language: str | None) -> bool:
        """Whether they have a skill and a language; None needs none, an empty list has all."""
        skilled = skill is None or not self.skills or skill in self.skills
        return skilled and (language is None or not self.languages or language in self.languages)

    @property
    def free(self) -> bool:
        """Whether an offer may ring at them now: a caller goes before light work, but not if it is full."""
        return self.free_for(critical=False)

    def free_for(self, *, critical: bool) -> bool:
        """Whether a call may ring at them now: light work holds up no critical one, however much it is."""
        has_room = critical or not self.work or self.load < self.capacity
        return has_room and self.presence == "available"

    @property
    def comes_back(self) -> bool:
        """Whether they are busy now and will want calls again."""
        return self.wants_calls and not self.free


class Roster:
    """Everyone who has a console open."""

    __slots__ = ("_operators",)

    def __init__(self) -> None:
        self._operators: dict[str, Operator] = {}

    def __iter__(self) -> Iterator[Operator]:
        return iter(self._operators.values())

    def __len__(self) -> int:
        return len(self._operators)

    def find(self, operator_id: str) -> Operator | None:
        """The operator, or None."""
        return self._operators.get(operator_id)

    def get(self, operator_id: str) -> Operator:
        """The operator; raises `UnknownOperator`."""
        operator = self._operators.get(operator_id)
        if operator is None:
            raise UnknownOperator(
                f"operator '{operator_id}' is not on the floor: send OperatorJoined first"
            )
        return operator

    def join(self, event: OperatorJoined, now: float, capacity: int = 1) -> Operator:
        """Add an operator, or renew what is known of one who is there.

        `capacity` is what they can hold if the event does not say.
        """
        operator = self._operators.get(event.operator_id)
        if operator is None:
            operator = Operator(event.operator_id, event.name, event.skills, event.languages, now)
            self._operators[event.operator_id] = operator
        else:
            operator.name = event.name
            operator.skills, operator.languages = event.skills, event.languages
        operator.seniority = event.seniority
        operator.capacity = event.capacity or capacity
        return operator

    def set_presence(self, operator: Operator, presence: Presence, now: float) -> bool:
        """Whether they want calls, or are on a break, from now on; returns whether that is new."""
        wants, on_break = presence is Presence.AVAILABLE, presence is Presence.BREAK
        if (wants, on_break) == (operator.wants_calls, operator.on_break):
            return False
        operator.wants_calls, operator.on_break = wants, on_break
        if wants:
            operator.idle_since = now
        return True

    def remove(self, operator_id: str) -> Operator | None:
        """Take an operator off the floor."""
        return self._operators.pop(operator_id, None)
