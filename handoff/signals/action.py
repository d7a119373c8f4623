"""What the agent did since the caller's last turn: failed tools, apologies, weighty proposals."""

from __future__ import annotations

from dataclasses import dataclass

from handoff.events import ActionFinished, ActionProposed, AgentSpoke, Effect

EFFECT_WEIGHT = {Effect.READ: 0.0, Effect.REVERSIBLE: 0.3, Effect.IRREVERSIBLE: 1.0}


@dataclass(slots=True)
class Actions:
    """Counters since the last turn, but for `last_apology_turn`."""

    errors: int = 0
    apologies: int = 0
    irreversibility: float = 0.0
    amount: float = 0.0
    last_apology_turn: int = -1

    def proposed(self, event: ActionProposed) -> None:
        """Read what the agent wants to do."""
        self.irreversibility = max(self.irreversibility, EFFECT_WEIGHT[event.effect])
        self.amount = max(self.amount, event.amount or 0.0)

    def finished(self, event: ActionFinished) -> None:
        """Read how it went."""
        if not event.ok:
            self.errors += 1

    def spoke(self, event: AgentSpoke) -> None:
        """Read the agent's reply; a second report of one reply counts once."""
        if event.kind in ("apology", "refusal") and event.turn != self.last_apology_turn:
            self.apologies += 1
            self.last_apology_turn = event.turn

    def read(self) -> dict[str, float]:
        """Raw values: counts, `irreversibility` in [0, 1], `amount` in the pack's currency."""
        return {
            "action.tool_errors": float(self.errors),
            "action.apologies": float(self.apologies),
            "action.irreversibility": self.irreversibility,
            "action.amount": self.amount,
        }

    def next_turn(self) -> None:
        """Forget what has been read."""
        self.errors = self.apologies = 0
        self.irreversibility = self.amount = 0.0
