"""Decide a past call again: under its own policy and models as it was, or under any others.

A `RecordedEngine` hands out a `FactRecord` for all that it is told. Since the engine does no I/O and knows no
clock, the same facts through the same policy and models give the same decisions to the last bit, in the same
release: one that decides otherwise decides past calls otherwise too.

Under another policy or other models the facts stay those of the past: the caller answers what was said then,
not what would have been said. What such a replay tells for sure is every decision up to the first one that
differs; after a handoff that did not happen then, nothing more is decided.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from math import isfinite
from typing import Any, Union, get_args, get_origin, get_type_hints

from handoff.commands import Decision, DecisionKind, KeepDecision, Urgency
from handoff.engine import CallEngine
from handoff.errors import StorageError
from handoff.events import (
    CallerSilent,
    CallerSpoke,
    CallEvent,
    CallStarted,
)
from handoff.policy import Policy
from handoff.ports import DecisionRecord, FactRecord
from handoff.risk import SHIPPED, Models
from handoff.signals import Reading
from handoff.states import State

KINDS: Mapping[str, type[CallEvent]] = {kind.__name__: kind for kind in get_args(CallEvent)}


# --- events as JSON values and back -----------------------------------------------------------


def encode(event: CallEvent) -> dict[str, Any]:
    """An event's fields as JSON values; numbers that JSON lacks become texts ("inf", "nan")."""
    return {field.name: _plain(getattr(event, field.name)) for field in fields(event)}


def decode(kind: str, values: Mapping[str, Any]) -> CallEvent:
    """The event that `encode` was given. Fields that are not there get their default.

    Raises `StorageError` for a kind or values that this version does not know.
    """
    try:
        event: CallEvent = _made(KINDS[kind], values)
    except (KeyError, TypeError, ValueError) as error:
        raise StorageError(f"a fact of kind '{kind}' cannot be read: {error}") from error
    return event


def _plain(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case float():
            return value if isfinite(value) else str(value)
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case tuple() | list():
            return [_plain(item) for item in value]
        case frozenset():
            return sorted(_plain(item) for item in value)
        case _ if is_dataclass(value):
            return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        case _:
            return value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _made(kind: Any, value: Any) -> Any:
    """A value of a field's type from its JSON value."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        if value is None:
            return None
        (kind,) = (member for member in get_args(kind) if member is not types.NoneType)
        return _made(kind, value)
    if origin is not None and issubclass(origin, Mapping):
        inner = get_args(kind)[1]
        return {key: _made(inner, item) for key, item in value.items()}
    if origin in (tuple, frozenset):
        inner = get_args(kind)[0]
        return origin(_made(inner, item) for item in value)
    if kind in (Any, object):
        return value
    if kind is float or issubclass(kind, Enum):
        return kind(value)
    if issubclass(kind, bool | int | str):
        if isinstance(value, kind):
            return value
        raise TypeError(f"{value!r} is not of type {kind.__name__}")
    hints = _hints(kind)
    return kind(**{name: _made(hints[name], item) for name, item in value.items()})


# --- recording --------------------------------------------------------------------------------


class RecordedEngine(CallEngine):
    """A `CallEngine` that hands out, as records, all that it was told."""

    __slots__ = ("_call_id", "_facts", "_next")

    def __init__(
        self, call: CallStarted, policy: Policy, now: float, models: Models = SHIPPED
    ) -> None:
        super().__init__(call, policy, now, models)
        self._call_id = call.call_id
        self._facts: list[FactRecord] = []
        self._next = 0
        self._note("CallStarted", call, now)

    def handle(self, event: CallEvent, now: float) -> None:
        """Take in one event (see `CallEngine.handle`)."""
        self._note(type(event).__name__, event, now)
        super().handle(event, now)

    def take_facts(self) -> list[FactRecord]:
        """Hand out what is new since the last time, in order; to be stored."""
        facts, self._facts = self._facts, []
        return facts

    def _note(self, kind: str, event: CallEvent, now: float) -> None:
        self._facts.append(FactRecord(self._call_id, self._next, now, kind, encode(event)))
        self._next += 1


# --- deciding again ---------------------------------------------------------------------------


class _Engine(CallEngine):
    """An engine whose reading of the last turn can be seen."""

    __slots__ = ()

    @property
    def reading(self) -> Reading:
        """The signals of the last caller turn; there must have been one."""
        assert self._reading is not None
        return self._reading

    @property
    def said(self) -> tuple[Mapping[str, Any], ...]:
        """The speakers' turns that the last caller turn closed, as dialogue acts."""
        return self._said


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a call's facts."""

    decisions: tuple[Decision, ...]
    readings: Mapping[
        int, Reading
    ]  # the signals of each caller turn that the AI decided on, by turn
    said: Mapping[int, tuple[Mapping[str, Any], ...]]  # the speakers' turns as acts, likewise


def rerun(facts: Iterable[FactRecord], policy: Policy, models: Models) -> Replayed:
    """Hand a call's facts, in order, to a new engine.

    Raises `StorageError` when the first fact is not the call's start or one cannot be read.
    """
    told = iter(facts)
    first = next(told, None)
    started = None if first is None else decode(first.kind, first.values)
    if first is None or not isinstance(started, CallStarted):
        raise StorageError("a call's facts must begin with its start")
    engine = _Engine(started, policy, first.now, models)
    decisions: list[Decision] = []
    readings: dict[int, Reading] = {}
    said: dict[int, tuple[Mapping[str, Any], ...]] = {}
    for fact in told:
        event, before = decode(fact.kind, fact.values), engine.state
        engine.handle(event, fact.now)
        decisions += [c.decision for c in engine.take_commands() if isinstance(c, KeepDecision)]
        if isinstance(event, CallerSpoke | CallerSilent) and before is State.AI:
            readings[event.turn] = engine.reading
            said[event.turn] = engine.said
    return Replayed(tuple(decisions), readings, said)


def replay(facts: Iterable[FactRecord], policy: Policy, models: Models) -> list[Decision]:
    """The decisions that a policy and models would have made of a call's facts, in order.

    Raises as `rerun` does.
    """
    return list(rerun(facts, policy, models).decisions)


def decision_of(record: DecisionRecord) -> Decision:
    """The decision that was kept."""
    return Decision(
        call_id=record.call_id,
        turn=record.turn,
        hand_off=record.hand_off,
        kind=DecisionKind(record.kind),
        confidence=record.confidence,
        risk=record.risk,
        breakdown=record.breakdown,
        error=record.error,
        value=record.value,
        reasons=record.reasons,
        urgency=Urgency(record.urgency),
    )


# --- side by side -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TurnPair:
    """One turn under both; None where nothing was decided."""

    turn: int
    old: Decision | None
    new: Decision | None

    @property
    def differs(self) -> bool:
        """Whether one calls a person and the other does not, or for another kind of reason."""
        return _outcome(self.old) != _outcome(self.new)


@dataclass(frozen=True, slots=True)
class Compared:
    """Two runs of one call. An operator who takes the call unasked is no decision of either."""

    turns: tuple[TurnPair, ...]
    first_old: int | None  # the first turn with a handoff
    first_new: int | None

    @property
    def differing(self) -> tuple[int, ...]:
        """The turns that differ."""
        return tuple(pair.turn for pair in self.turns if pair.differs)


def compare(old: Sequence[Decision], new: Sequence[Decision]) -> Compared:
    """Put two runs of one call side by side, turn by turn."""
    before, after = _by_turn(old), _by_turn(new)
    pairs = tuple(
        TurnPair(turn, before.get(turn), after.get(turn)) for turn in sorted({*before, *after})
    )
    return Compared(pairs, _first(before), _first(after))


def _by_turn(decisions: Sequence[Decision]) -> dict[int, Decision]:
    """A turn's decision: its handoff, or the last where there is none."""
    found: dict[int, Decision] = {}
    for decision in decisions:
        if decision.kind is DecisionKind.TAKEN_OVER:
            continue
        there = found.get(decision.turn)
        if there is None or not there.hand_off:
            found[decision.turn] = decision
    return found


def _first(by_turn: Mapping[int, Decision]) -> int | None:
    return min((turn for turn, made in by_turn.items() if made.hand_off), default=None)


def _outcome(decision: Decision | None) -> DecisionKind | None:
    return decision.kind if decision is not None and decision.hand_off else None
