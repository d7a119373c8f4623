"""The vocabulary of a call's state table: its states, its events, and what a row says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from handoff.commands import Decision
from handoff.events import (
    AgentEndedCall,
    BridgeUp,
    CallerHungUp,
    DeadlinePassed,
    HandedBack,
    NobodyAvailable,
    OperatorAssigned,
    OperatorEndedCall,
    OperatorLost,
    ServerDraining,
    TakeoverAsked,
)


class State(StrEnum):
    """Who talks to the caller."""

    AI = "ai"
    WAITING = "waiting"  # a person is being called; the caller has been told
    BRIDGING = "bridging"  # a person has accepted; their audio is being connected
    OPERATOR = "operator"
    ENDED = "ended"


LIVE = (State.AI, State.WAITING, State.BRIDGING, State.OPERATOR)


@dataclass(frozen=True, slots=True)
class HandOffDecided:
    """The engine's judgement: a person must take this call."""

    decision: Decision
    codes: tuple[str, ...] = ()  # of all triggers, those too that are not among the three reasons


@dataclass(frozen=True, slots=True)
class CannotGoOn:
    """The engine's judgement: neither the AI nor a person can serve this caller."""

    reason: str


SessionEvent = (
    HandOffDecided
    | CannotGoOn
    | OperatorAssigned
    | NobodyAvailable
    | BridgeUp
    | OperatorLost
    | HandedBack
    | OperatorEndedCall
    | TakeoverAsked
    | AgentEndedCall
    | CallerHungUp
    | DeadlinePassed
    | ServerDraining
)
SESSION_EVENTS: tuple[type, ...] = tuple(SessionEvent.__args__)


@dataclass(frozen=True, slots=True)
class Row:
    """What a state does on an event: an action, where it may lead, and both in words.

    The action is given the machine, the event and the time, and returns the next state.
    """

    action: Callable[[Any, Any, float], State]
    targets: frozenset[State]
    words: str


Table = Mapping[tuple[State, type], Row]


def mermaid(table: Table) -> str:
    """Draw a table's changes of state as a Mermaid diagram."""
    lines = ["stateDiagram-v2", "    direction LR", "    [*] --> ai"]
    for (state, event), row in table.items():
        lines += [
            f"    {state} --> {target}: {event.__name__}"
            for target in State
            if target in row.targets and target is not state
        ]
    return "\n".join([*lines, "    ended --> [*]"])


def markdown(table: Table, events: Iterable[type]) -> str:
    """List what every live state does on these events as a Markdown table."""
    named = list(events)
    lines = [
        "| in state | " + " | ".join(f"`{event.__name__}`" for event in named) + " |",
        "|---" * (len(named) + 1) + "|",
    ]
    for state in LIVE:
        cells = [table[state, event].words for event in named]
        lines.append(f"| `{state}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)
