"""A call's events in, the risk of each proposed action out."""

from __future__ import annotations

from handoff.conduct.head import SHIPPED_ACTION, ActionHead, ActionRisk
from handoff.conduct.reading import OPEN, Conduct
from handoff.events import ActionFinished, ActionProposed, AgentSpoke, CallerSpoke, Effect


class ConductReader:
    """Reads one call; memory is bounded as `reading` says."""

    __slots__ = ("_conduct", "_head", "_replied", "_risks")

    def __init__(self, head: ActionHead = SHIPPED_ACTION) -> None:
        self._head = head
        self._conduct = Conduct()
        self._replied: int | None = None  # the turn that the agent answered last
        self._risks: dict[str, ActionRisk] = {}  # of the latest `OPEN` proposals, by id

    def handle(self, event: object) -> ActionRisk | None:
        """Take in an event; the risk of what an `ActionProposed` would change, None for all else.

        Look-ups (effect `read`) are read, not judged. Events of other kinds are ignored.
        """
        match event:
            case CallerSpoke():
                self._conduct.caller(event.text, event.slots.items())
            case AgentSpoke():
                self._conduct.agent(
                    event.text,
                    asks=event.kind in ("question", "confirmation"),
                    refuses=event.kind == "refusal",
                    again=event.turn == self._replied,
                )
                self._replied = event.turn
            case ActionProposed():
                risk = None
                if event.effect is not Effect.READ:
                    facts = self._conduct.facts(event.name, event.arguments, event.amount)
                    risk = self._head.judge(facts)
                self._conduct.proposed(event.action_id, event.name, event.arguments)
                self._keep(event.action_id, risk)
                return risk
            case ActionFinished():
                self._conduct.finished(
                    event.action_id, event.name, ok=event.ok, result=event.result
                )
        return None

    def risk(self, action_id: str) -> ActionRisk | None:
        """What was thought of an action when it was proposed; None of look-ups and of what is forgotten."""
        return self._risks.get(action_id)

    def _keep(self, action_id: str, risk: ActionRisk | None) -> None:
        self._risks.pop(action_id, None)
        if risk is not None:
            self._risks[action_id] = risk
            if len(self._risks) > OPEN:
                del self._risks[next(iter(self._risks))]
