"""A live call's events as the turns of a recorded call, so that both are read and learned from alike.

The agent's turn: the kind of each reply (a plain question is only what it asks for), `ask X` with the
entity X for what it then waits for, `NAME done` or `NAME failed` for each action that was tried. What it
waits for is cut at a colon: values follow there. The caller's turn: the intent's name, `no match` or
`silence`; `no` and `again` besides where they corrected or repeated; the entities are the slots that are new
or changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handoff.events import ActionFinished, AgentSpoke, CallerSilent, CallerSpoke

Turn = Mapping[str, Any]  # {speaker: agent | caller, acts: [{act: str, entities: [str]}]}

MOST = 6  # replies, and actions, that are remembered between two of the caller's turns
LONGEST = 60  # characters of a name


class LiveTurns:
    """Reads one call. Holds what came since the caller's last turn, `MOST` of a kind, and the slots."""

    __slots__ = ("_replies", "_slots", "_tried", "_turn")

    def __init__(self) -> None:
        self._turn = 0  # the caller's last
        self._replies: list[AgentSpoke] = []
        self._tried: list[str] = []
        self._slots: Mapping[str, str] = {}

    def note(self, event: object) -> None:
        """Take in an event between two turns; a reply to a turn before the last one comes too late."""
        match event:
            case AgentSpoke() if event.turn >= self._turn:
                if self._replies and self._replies[-1].turn == event.turn:
                    self._replies.pop()
                self._replies = [*self._replies, event][-MOST:]
            case ActionFinished():
                outcome = "done" if event.ok else "failed"
                self._tried = [*self._tried, f"{event.name[: LONGEST - 7]} {outcome}"][-MOST:]

    def turn(self, event: CallerSpoke | CallerSilent) -> tuple[Turn, ...]:
        """Close a caller's turn: the agent's turn before it, where there was one, and the caller's."""
        said = self._agent()
        caller = [_act("silence")] if isinstance(event, CallerSilent) else self._caller(event)
        self._turn = event.turn
        self._replies, self._tried = [], []
        agent = ({"speaker": "agent", "acts": said},) if said else ()
        return (*agent, {"speaker": "caller", "acts": caller})

    def _agent(self) -> list[dict[str, Any]]:
        acts = [_act(name) for name in self._tried]
        for reply in self._replies:
            about = _about(reply.pending)
            if reply.kind != "question" or about is None:
                acts.append(_act(reply.kind))
            if about is not None:
                acts.append(_act(f"ask {about}", about))
        return acts

    def _caller(self, event: CallerSpoke) -> list[dict[str, Any]]:
        facts, before = event.dialogue, self._slots
        self._slots = dict(event.slots)
        new = sorted(name for name, value in event.slots.items() if before.get(name) != value)
        name = None if facts.no_match else event.intent.name
        acts = [_act("no match" if name is None else name, *new)]
        if facts.negation:
            acts.append(_act("no"))
        if facts.repeat:
            acts.append(_act("again"))
        return acts


def _act(name: str, *entities: str) -> dict[str, Any]:
    return {"act": name[:LONGEST], "entities": [entity[:LONGEST] for entity in entities]}


def _about(pending: str | None) -> str | None:
    """What the agent waits for, without values."""
    return (pending or "").partition(":")[0].strip().lower()[:LONGEST] or None
