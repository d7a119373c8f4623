"""Calibration exercises: past items whose answer is known, mixed into people's work and scored.

To their operator an exercise looks like any other approval, review or audit: it is served before the next
such item, at times that cannot be foreseen (drawn by hash from a secret), under an id that the shell makes
like every other. It is never executed: `is_exercise` says so of every id for as long as one is open, and
afterwards for the last `REMEMBERED` ones. Only answers count; one that runs out says nothing about anybody.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from handoff.errors import ProtocolError
from handoff.policy import Policy

HOUR = 3600.0
REMEMBERED = (
    10_000  # closed item ids; answers that come later than that are refused by their own machine
)
BANK_LIMIT = 1000  # exercises of a kind


class Kind(StrEnum):
    """What an exercise passes for."""

    APPROVAL = "approval"
    REVIEW = "review"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class Exercise:
    """A past item with its known answer; the shell finds its contents by `exercise_id`."""

    exercise_id: str
    kind: Kind
    truth: str


@dataclass(frozen=True, slots=True)
class BankAdded:
    """A past item may be used; the oldest of its kind goes where the bank is full."""

    exercise: Exercise


@dataclass(frozen=True, slots=True)
class ItemComing:
    """A real item of this kind is about to be shown; an exercise before it would have the id `item_id`."""

    operator_id: str
    kind: Kind
    item_id: str


@dataclass(frozen=True, slots=True)
class ExerciseAnswered:
    """An operator answered an item that is an exercise; `minutes` on shift (`Care.minutes_on_shift`)."""

    item_id: str
    operator_id: str
    answer: str
    minutes: float


@dataclass(frozen=True, slots=True)
class ExerciseLapsed:
    """Nobody answered in time, or the operator left."""

    item_id: str


ExerciseEvent = BankAdded | ItemComing | ExerciseAnswered | ExerciseLapsed


@dataclass(frozen=True, slots=True)
class Serve:
    """Keep this, then show the exercise under that id before the real item."""

    item_id: str
    operator_id: str
    exercise: Exercise


@dataclass(frozen=True, slots=True)
class Scored:
    """An exercise was answered: keep it, feed `handoff.shifts`. It measures the person, not the AI."""

    item_id: str
    operator_id: str
    exercise: Exercise
    answer: str
    right: bool
    minutes: float
    at: float


@dataclass(slots=True)
class _Person:
    items: int = 0  # real items since the last exercise
    drawn: int = 0
    served_at: deque[float] = field(default_factory=deque)
    seen: dict[str, None] = field(default_factory=dict)  # exercise ids, oldest first


class Exercises:
    """The machine; `secret` makes the draws unforeseeable and repeatable. It has no deadlines."""

    __slots__ = ("_bank", "_closed", "_commands", "_open", "_people", "_policy", "_secret")

    def __init__(
        self,
        policy: Policy,
        secret: bytes,
        bank: Iterable[Exercise] = (),
        served: Iterable[Serve] = (),
    ) -> None:
        """`served`: those kept before a restart, oldest first; what was open then has lapsed."""
        self._policy = policy.care
        self._secret = secret
        self._bank: dict[Kind, dict[str, Exercise]] = {kind: {} for kind in Kind}
        self._people: dict[str, _Person] = {}
        self._open: dict[str, Serve] = {}
        self._closed: dict[str, None] = {}
        self._commands: list[Serve | Scored] = []
        for exercise in bank:
            self._add(exercise)
        for serve in served:
            self._note_seen(serve)
            self._open[serve.item_id] = serve
            self._close(serve.item_id)

    def handle(self, event: ExerciseEvent, now: float) -> None:
        """Take in one event.

        Answers to what is no open exercise, or by another operator, do nothing. Raises `ProtocolError` for an
        unknown type of event, and for an `item_id` that is in use already.
        """
        match event:
            case BankAdded():
                self._add(event.exercise)
            case ItemComing():
                self._coming(event, now)
            case ExerciseAnswered():
                self._answered(event, now)
            case ExerciseLapsed():
                if event.item_id in self._open:
                    self._close(event.item_id)
            case _:
                raise ProtocolError(f"exercises know no event {type(event).__name__}")

    def next_deadline(self) -> float | None:
        """None: the deadline of an item is its own machine's."""
        return None

    def take_commands(self) -> list[Serve | Scored]:
        """What to do since the last call."""
        taken, self._commands = self._commands, []
        return taken

    def is_exercise(self, item_id: str) -> bool:
        """Whether this item must never be executed, because it is no real one."""
        return item_id in self._open or item_id in self._closed

    # --- inside -----------------------------------------------------------------------------

    def _add(self, exercise: Exercise) -> None:
        shelf = self._bank[exercise.kind]
        shelf[exercise.exercise_id] = exercise
        if len(shelf) > BANK_LIMIT:
            del shelf[next(iter(shelf))]

    def _coming(self, event: ItemComing, now: float) -> None:
        if self.is_exercise(event.item_id):
            raise ProtocolError(f"item '{event.item_id}' is an exercise already: ids are used once")
        every = self._policy.exercise_every
        if not self._policy.enabled or every == 0:
            return
        person = self._people.setdefault(event.operator_id, _Person())
        person.items += 1
        while person.served_at and now >= person.served_at[0] + HOUR:
            person.served_at.popleft()
        person.drawn += 1
        due = self._draw(event.operator_id, person.drawn, "when") < 1 / every
        # Unforeseeable, but not for ever: three times the mean gap without one is enough.
        due = due or person.items >= 3 * every
        if not due or len(person.served_at) >= self._policy.exercises_per_hour:
            return
        exercise = self._choose(event, person)
        if exercise is None:
            return
        person.items = 0
        person.served_at.append(now)
        serve = Serve(event.item_id, event.operator_id, exercise)
        self._note_seen(serve)
        self._open[event.item_id] = serve
        self._commands.append(serve)

    def _note_seen(self, serve: Serve) -> None:
        seen = self._people.setdefault(serve.operator_id, _Person()).seen
        seen[serve.exercise.exercise_id] = None
        while len(seen) > len(Kind) * BANK_LIMIT:
            del seen[next(iter(seen))]

    def _choose(self, event: ItemComing, person: _Person) -> Exercise | None:
        """One they have never seen; none where they know them all: a known answer measures memory."""
        fresh = [
            exercise
            for exercise_id, exercise in self._bank[event.kind].items()
            if exercise_id not in person.seen
        ]
        if not fresh:
            return None
        return fresh[int(self._draw(event.operator_id, person.drawn, "which") * len(fresh))]

    def _answered(self, event: ExerciseAnswered, now: float) -> None:
        serve = self._open.get(event.item_id)
        if serve is None or serve.operator_id != event.operator_id:
            return
        self._close(event.item_id)
        right = event.answer == serve.exercise.truth
        self._commands.append(
            Scored(
                event.item_id,
                event.operator_id,
                serve.exercise,
                event.answer,
                right,
                event.minutes,
                now,
            )
        )

    def _close(self, item_id: str) -> None:
        del self._open[item_id]
        self._closed[item_id] = None
        if len(self._closed) > REMEMBERED:
            del self._closed[next(iter(self._closed))]

    def _draw(self, operator_id: str, number: int, what: str) -> float:
        """Uniform in [0, 1)."""
        text = f"{what}:{number}:{operator_id}".encode()
        digest = hashlib.blake2b(text, key=self._secret[:64], digest_size=8).digest()
        return (int.from_bytes(digest, "big") >> 11) / 2**53
