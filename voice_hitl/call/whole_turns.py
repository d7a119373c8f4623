"""A caller's turn is told to the decision core once, also when the caller goes on with it before an answer.

What is understood of a turn is tried on a copy of the core first. If the core would call a person, or have
anything else done, it is told at once. Otherwise it is told when the turn stands: when its answer begins, or
when the core hears of anything that comes after it. Until then the caller may go on; then the whole is told
instead of its beginning, so that nothing has to be undone, and the facts decide the call again as they did.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass

from handoff import events as facts
from handoff.commands import CallCommand, KeepDecision
from handoff.engine import CallEngine, Snapshot
from handoff.policy import Policy
from handoff.risk import SHIPPED, Models
from handoff.states import State
from voice_hitl.agent.protocol import Understanding
from voice_hitl.call.book import UtteranceFacts
from voice_hitl.call.masking import MaskingEngine


@dataclass(frozen=True, slots=True)
class _Kept:
    """A turn that the core is not told of yet."""

    event: facts.CallerSpoke
    then: Callable[[], None]
    twin: CallEngine  # a copy that was told


class WholeTurnsEngine(MaskingEngine):
    """A `MaskingEngine` for callers who go on."""

    __slots__ = ("_kept", "_shared", "_told")

    def __init__(
        self, call: facts.CallStarted, policy: Policy, now: float, models: Models = SHIPPED
    ) -> None:
        super().__init__(call, policy, now, models)
        self._kept: _Kept | None = None
        self._told: str | None = None  # the present turn's words, once they are told
        self._shared = _lasting(policy) | _lasting(models) | _lasting(models.acts)
        self._shared[id(self._shared)] = self._shared

    @property
    def waits(self) -> bool:
        """Whether there is a turn that it is not told of yet."""
        return self._kept is not None

    def hear(
        self, event: facts.CallerSpoke, now: float, then: Callable[[], None], *, goes_on: bool
    ) -> None:
        """Take in a turn, now or when it stands; `then` follows at once when the core knows it.

        With `goes_on` it begins with the turn before, which does not count unless it has been told; a whole
        to which nothing was added since then is not told again.
        """
        if goes_on:
            self._kept = None
        else:
            self.stands(now)
            self._told = None
        if goes_on and event.text == self._told:
            then()
            return
        twin = copy.deepcopy(self, dict(self._shared))
        twin.take_commands()
        twin.handle(event, now)
        kept = _Kept(event, then, twin)
        if self.state is not State.AI or any(map(_does_something, twin.take_commands())):
            self._tell(kept, now)
        else:
            self._kept = kept

    def stands(self, now: float) -> None:
        """The caller can go on no more with what they said: it is a turn. Idempotent."""
        kept, self._kept = self._kept, None
        if kept is not None:
            self._tell(kept, now)

    def handle(self, event: facts.CallEvent, now: float) -> None:
        """Take in one event (see `CallEngine.handle`), after the turn that it follows."""
        if not isinstance(event, facts.StageTimed | facts.FloorReported):
            self.stands(now)
        super().handle(event, now)

    def snapshot(self) -> Snapshot:
        """What a console shows of this call; the turn that is kept counts."""
        return super().snapshot() if self._kept is None else self._kept.twin.snapshot()

    def _tell(self, kept: _Kept, now: float) -> None:
        self._told = kept.event.text
        super().handle(kept.event, now)
        kept.then()


def spoken(turn: int, utterance: UtteranceFacts, found: Understanding) -> facts.CallerSpoke:
    """What the core is told of a turn."""
    speech = utterance.facts()
    return facts.CallerSpoke(turn, found.text, speech, found.intent, found.dialogue, found.slots)


def _does_something(command: CallCommand) -> bool:
    return not isinstance(command, KeepDecision) or command.decision.hand_off


def _lasting(thing: object) -> dict[int, object]:
    """A value that does not change and its parts, by id, as copies share them."""
    parts = [getattr(thing, each.name) for each in fields(thing)] if is_dataclass(thing) else []
    return {id(each): each for each in (thing, *parts)}
