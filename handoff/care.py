"""Operator care: rest after 90 minutes, harsh calls in turn, and who should have which call next.

Implements what the floor asks of care (`handoff.operators.Care`). A break is any `break_minutes` without
work, however it came about; work counts from the first piece of work after the last break, pauses that are
too short included. Work is whatever the shell reports: calls, approvals, reviews, audits.

What its users rely on: between two events, `may_offer` and `preference` change at `next_change` times alone;
who has worked `work_minutes` without a break is offered nothing, whatever the category; leaving and coming
back is no break unless it lasted one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from handoff.errors import ProtocolError
from handoff.events import DeadlinePassed, OperatorLeft
from handoff.policy import Policy

HOUR = 3600.0
REMEMBERED = 4  # pieces of work that rotation looks back on


@dataclass(frozen=True, slots=True)
class WorkStarted:
    """An operator began something; `work_id` is unique among what they have in hand."""

    operator_id: str
    work_id: str
    category: str | None


@dataclass(frozen=True, slots=True)
class WorkEnded:
    """It is over, wrap-up included; ending what never began does nothing."""

    operator_id: str
    work_id: str


@dataclass(frozen=True, slots=True)
class BreakStarted:
    """An operator asks for peace: nothing is offered until `BreakEnded`."""

    operator_id: str


@dataclass(frozen=True, slots=True)
class BreakEnded:
    """They are back."""

    operator_id: str


CareEvent = WorkStarted | WorkEnded | BreakStarted | BreakEnded | OperatorLeft | DeadlinePassed


@dataclass(frozen=True, slots=True)
class RestDue:
    """An operator must rest before the next offer; tell them and their supervisor."""

    operator_id: str
    worked_minutes: float


@dataclass(frozen=True, slots=True)
class RestOver:
    """They have rested and may be offered work again."""

    operator_id: str


@dataclass(frozen=True, slots=True)
class CareRecord:
    """All that a restart needs of one operator; seconds before the record was made."""

    operator_id: str
    worked: float | None  # since the first work after a break
    idle: float | None  # since the last work; None while at work
    paused: bool
    harsh: tuple[float, ...]
    harsh_in_row: int
    recent: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class KeepCare:
    """Store this in place of the operator's last record."""

    record: CareRecord


CareCommand = RestDue | RestOver | KeepCare


@dataclass(slots=True)
class _Person:
    harsh: deque[float]  # when they began, the last few
    since: float | None = None  # the first work after a break
    idle_since: float | None = None  # None while at work, and before any work
    work: set[str] = field(default_factory=set)
    parted: set[str] = field(default_factory=set)  # in hand when they left; until they have rested
    paused: bool = False
    left: bool = False
    told: bool = False  # that rest is due
    harsh_in_row: int = 0
    recent: deque[str | None] = field(default_factory=lambda: deque(maxlen=REMEMBERED))


class Care:
    """The machine for all operators; `now` is monotonic seconds.

    Operators who left are forgotten once they have rested and their harsh calls are an hour old.
    """

    __slots__ = ("_commands", "_people", "_policy")

    def __init__(self, policy: Policy) -> None:
        self._policy = policy.care
        self._people: dict[str, _Person] = {}
        self._commands: list[CareCommand] = []

    # --- what the floor asks ----------------------------------------------------------------

    def may_offer(self, operator_id: str, category: str | None, now: float) -> bool:
        """Whether a call of this category may ring at them; None asks about rest alone."""
        person = self._people.get(operator_id)
        if person is None or not self._policy.enabled:
            return True
        if person.paused or self._tired(person, now):
            return False
        if category not in self._policy.harsh:
            return True
        in_row = 0 if self._rested(person, now) else person.harsh_in_row
        within_hour = sum(now < began + HOUR for began in person.harsh)
        return in_row < self._policy.harsh_in_row and within_hour < self._policy.harsh_per_hour

    def preference(self, operator_id: str, category: str | None, now: float) -> float:
        """How much of this category they had lately, 0 and up: lower first.

        Counts the same category among the last `REMEMBERED` pieces of work and, for a harsh one, all harsh
        ones of the last hour.
        """
        person = self._people.get(operator_id)
        if person is None or category is None or not self._policy.enabled:
            return 0.0
        same = sum(other == category for other in person.recent)
        harsh = sum(now < began + HOUR for began in person.harsh)
        return float(same + (harsh if category in self._policy.harsh else 0))

    def next_change(self, now: float) -> float | None:
        """The next time after `now` at which an answer changes by itself; None if none does."""
        if not self._policy.enabled:
            return None
        times = (at for person in self._people.values() for at in self._changes(person))
        return min((at for at in times if at > now), default=None)

    def minutes_on_shift(self, operator_id: str, now: float) -> float:
        """Minutes since their first work after a break; 0 for who has rested or never worked."""
        person = self._people.get(operator_id)
        return 0.0 if person is None else self._worked(person, now) / 60

    def resting(self, now: float) -> tuple[str, ...]:
        """Who may be offered nothing now, for the dashboard; sorted."""
        return tuple(sorted(name for name in self._people if not self.may_offer(name, None, now)))

    # --- the machine ------------------------------------------------------------------------

    def handle(self, event: CareEvent, now: float) -> None:
        """Take in one event; raises `ProtocolError` for an unknown type of event."""
        match event:
            case WorkStarted():
                self._started(event, now)
            case WorkEnded():
                self._ended(event, now)
            case BreakStarted():
                self._person(event.operator_id).paused = True
            case BreakEnded():
                self._person(event.operator_id).paused = False
            case OperatorLeft():
                self._left(event.operator_id, now)
            case DeadlinePassed():
                pass
            case _:
                raise ProtocolError(f"care knows no event {type(event).__name__}")
        if not isinstance(event, DeadlinePassed) and event.operator_id in self._people:
            self._commands.append(KeepCare(self._record(event.operator_id, now)))
        self._settle(now)
        self._forget(now)

    def next_deadline(self) -> float | None:
        """When someone is due for rest, or has rested."""
        return min(self._deadlines(), default=None)

    def take_commands(self) -> list[CareCommand]:
        """What to do since the last call."""
        taken, self._commands = self._commands, []
        return taken

    def restore(self, record: CareRecord, age: float, now: float) -> None:
        """Put back what was known of an operator, from a record made `age` seconds ago.

        Work that was in hand when the record was made counts as ended now.
        """
        made = now - age
        self._people[record.operator_id] = _Person(
            harsh=deque((made - ago for ago in record.harsh), maxlen=self._policy.harsh_per_hour),
            since=None if record.worked is None else made - record.worked,
            idle_since=(now if record.worked is not None else None)
            if record.idle is None
            else made - record.idle,
            paused=record.paused,
            left=True,  # until they are heard of again
            harsh_in_row=record.harsh_in_row,
            recent=deque(record.recent, maxlen=REMEMBERED),
        )

    # --- inside -----------------------------------------------------------------------------

    def _person(self, operator_id: str) -> _Person:
        person = self._people.get(operator_id)
        if person is None:
            person = _Person(harsh=deque(maxlen=self._policy.harsh_per_hour))
            self._people[operator_id] = person
        person.left = False
        return person

    def _started(self, event: WorkStarted, now: float) -> None:
        person = self._person(event.operator_id)
        if event.work_id in person.work:
            return
        if self._rested(person, now):
            person.since, person.harsh_in_row = None, 0
            person.parted.clear()
        if person.since is None:
            person.since = now
        person.idle_since = None
        person.work.add(event.work_id)
        if event.work_id in person.parted:  # they are back in what they had: counted already
            person.parted.discard(event.work_id)
            return
        person.recent.append(event.category)
        if event.category in self._policy.harsh:
            person.harsh.append(now)
            person.harsh_in_row += 1
        else:
            person.harsh_in_row = 0

    def _ended(self, event: WorkEnded, now: float) -> None:
        person = self._people.get(event.operator_id)
        if person is not None and event.work_id in person.work:
            person.work.discard(event.work_id)
            if not person.work:
                person.idle_since = now

    def _left(self, operator_id: str, now: float) -> None:
        person = self._people.get(operator_id)
        if person is None:
            return
        if person.work:
            person.idle_since = now
        person.parted |= person.work
        person.work.clear()
        person.left, person.paused = True, False

    def _rest_end(self, person: _Person) -> float | None:
        if person.idle_since is None:
            return None
        return person.idle_since + self._policy.break_minutes * 60

    def _rested(self, person: _Person, now: float) -> bool:
        end = self._rest_end(person)
        return end is not None and now >= end

    def _worked(self, person: _Person, now: float) -> float:
        if person.since is None or self._rested(person, now):
            return 0.0
        return now - person.since

    def _tired(self, person: _Person, now: float) -> bool:
        if person.since is None or self._rested(person, now):
            return False
        return now >= person.since + self._policy.work_minutes * 60

    def _changes(self, person: _Person) -> Iterator[float]:
        if person.since is not None:
            yield person.since + self._policy.work_minutes * 60
        end = self._rest_end(person)
        if end is not None:
            yield end
        for began in person.harsh:
            yield began + HOUR

    def _deadlines(self) -> Iterator[float]:
        if not self._policy.enabled:
            return
        for person in self._people.values():
            end = self._rest_end(person)
            if person.told and end is not None:
                yield end
            elif not person.told and person.since is not None:
                tired = person.since + self._policy.work_minutes * 60
                if end is None or tired < end:
                    yield tired

    def _settle(self, now: float) -> None:
        for operator_id, person in self._people.items():
            tired = self._tired(person, now)
            if tired and not person.told and self._policy.enabled:
                minutes = self._worked(person, now) / 60
                self._commands.append(RestDue(operator_id, minutes))
            elif person.told and not tired and self._policy.enabled:
                self._commands.append(RestOver(operator_id))
            person.told = tired
            if self._rested(person, now):  # a new stretch begins with the next work
                person.since, person.idle_since, person.harsh_in_row = None, None, 0
                person.parted.clear()

    def _forget(self, now: float) -> None:
        gone = [
            operator_id
            for operator_id, person in self._people.items()
            if person.left
            and not person.paused
            and person.since is None
            and all(now >= began + HOUR for began in person.harsh)
        ]
        for operator_id in gone:
            del self._people[operator_id]

    def _record(self, operator_id: str, now: float) -> CareRecord:
        person = self._people[operator_id]
        return CareRecord(
            operator_id,
            None if person.since is None else now - person.since,
            None if person.idle_since is None else now - person.idle_since,
            person.paused,
            tuple(now - began for began in person.harsh),
            person.harsh_in_row,
            tuple(person.recent),
        )
