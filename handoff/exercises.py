"""Calibration exercises: past items whose answer is known, mixed into people's work and scored.

To their operator an exercise looks like any other item of their work: it is served before the next such item,
at times that cannot be foreseen (drawn from a secret and the id of the item), under an id that the shell
makes at random like every other. It is never executed: `is_exercise` says so of every id while one is open,
and afterwards for the last `REMEMBERED` ones. Only answers count; one that runs out says nothing about
anybody.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from handoff.errors import ProtocolError
from handoff.policy import Policy
from handoff.sampling import draw

HOUR = 3600.0
REMEMBERED = (
    10_000  # closed item ids; answers that come later than that are refused by their own machine
)
BANK_LIMIT = 1000  # exercises
SEEN_LIMIT = 3000  # of one person


@dataclass(frozen=True, slots=True)
class Exercise:
    """A past item with its known answer; the shell finds its contents by `exercise_id`."""

    exercise_id: str
    truth: str


@dataclass(frozen=True, slots=True)
class BankAdded:
    """A past item may be used; the oldest goes where the bank is full."""

    exercise: Exercise


@dataclass(frozen=True, slots=True)
class ItemComing:
    """A real item is about to be shown; an exercise before it would have the (random) `item_id`."""

    operator_id: str
    item_id: str
    known: frozenset[str] = frozenset()  # exercises that they know though they were not served them


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
        self._bank: dict[str, Exercise] = {}
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
        self._bank[exercise.exercise_id] = exercise
        if len(self._bank) > BANK_LIMIT:
            del self._bank[next(iter(self._bank))]

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
        due = draw(self._secret, "exercise", event.item_id) < 1 / every
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
        while len(seen) > SEEN_LIMIT:
            del seen[next(iter(seen))]

    def _choose(self, event: ItemComing, person: _Person) -> Exercise | None:
        """One they have never seen; none where they know them all: a known answer measures memory."""
        fresh = [
            exercise
            for exercise_id, exercise in self._bank.items()
            if exercise_id not in person.seen and exercise_id not in event.known
        ]
        if not fresh:
            return None
        return fresh[int(draw(self._secret, "exercise chosen", event.item_id) * len(fresh))]

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
