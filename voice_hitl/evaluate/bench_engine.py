"""What deciding costs: time a turn, whether it grows with the call, memory of many live calls.

Once by troubles alone, as shipped, and once by learned dialogue acts too. Calls are made up from words of the
shipped pack, with proposals, actions and replies between the turns, as a live call has them. Run it as
`scripts/bench/engine`.
"""

from __future__ import annotations

import gc
import random
import time
import tracemalloc
from dataclasses import replace
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from handoff.acts import ActsForeseer, fit, unseen
from handoff.engine import CallEngine
from handoff.events import (
    ActionFinished,
    ActionProposed,
    AgentSpoke,
    CallerSpoke,
    CallStarted,
    DialogueFacts,
    Effect,
    IntentFacts,
    SpeechFacts,
)
from handoff.policy import Policy
from handoff.risk import SHIPPED, Models
from voice_hitl.agent.pack import load_pack

TURNS = 12  # of a routine call
LEARNED = 400  # calls that dialogue acts are learned from
INTENTS = tuple(f"intent_{number}" for number in range(40))
ASKED = tuple(f"the detail {number}" for number in range(40))
QUIET = Policy.from_mapping({"hysteresis": {"high": 1e6, "low": 1e6}}, "bench")  # stays with the AI


class Talk:
    """Makes turns; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        sentences = load_pack("banking").language().sentences
        self._words = sorted({word for sentence in sentences for word in sentence.split()})

    def turn(self, engine: CallEngine, turn: int) -> float:
        """Play one turn with all that follows from it; returns the seconds that deciding took."""
        sure = self._chance.random()
        spoke = CallerSpoke(
            turn,
            self._say(10),
            SpeechFacts(confidence=self._chance.random(), words=10, seconds=3.0),
            IntentFacts(self._chance.choice(INTENTS), sure, margin=sure / 2, novelty=1 - sure),
            DialogueFacts(negation=sure < 0.1, stuck_slot=int(4 * sure)),
            slots={"amount": "50.00"},
        )
        start = time.perf_counter()
        engine.handle(spoke, float(turn))
        engine.take_commands()
        took = time.perf_counter() - start
        proposal = ActionProposed(f"a{turn}", "transfer", {"amount": "50.00"}, Effect.REVERSIBLE)
        engine.handle(proposal, float(turn))
        done = ActionFinished(f"a{turn}", "transfer", Effect.REVERSIBLE, True, "moved $50.00")
        engine.handle(done, float(turn))
        asked = self._chance.choice(ASKED)
        engine.handle(AgentSpoke(turn, self._say(15), "question", asked), float(turn))
        engine.take_commands()
        return took

    def _say(self, count: int) -> str:
        return " ".join(self._chance.choices(self._words, k=count))


def _call(number: int, models: Models) -> CallEngine:
    return CallEngine(CallStarted(f"call-{number}", "+15550100", "banking"), QUIET, 0.0, models)


def _by_acts(seed: int) -> Models:
    """Models that know the acts of made-up calls: what they foretell is chance, what they cost is not."""
    chance = random.Random(seed)

    def recorded(number: int) -> dict[str, Any]:
        turns: list[dict[str, Any]] = []
        for _ in range(chance.randint(4, 2 * TURNS)):
            asked, intent = f"ask {chance.choice(ASKED)}", chance.choice(INTENTS)
            turns.append({"speaker": "agent", "acts": [{"act": asked, "entities": [asked[4:]]}]})
            turns.append({"speaker": "caller", "acts": [{"act": intent, "entities": ["amount"]}]})
        outcome = "handed_off" if number % 3 == 0 else "completed"
        return {"call_id": f"{number}", "turns": turns, "outcome": outcome}

    model = fit([recorded(number) for number in range(LEARNED)])
    return replace(SHIPPED, acts=ActsForeseer(model, unseen(SHIPPED.breakdown)))


def _percentile(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(share * len(times)))] * 1e3


def main(
    calls: Annotated[int, typer.Option(min=1, help="live calls whose memory is measured")] = 10_000,
    turns: Annotated[int, typer.Option(min=100, help="turns of the one long call")] = 4000,
) -> None:
    """Measure what deciding costs on this machine, one core."""
    table = Table(title="Deciding", title_justify="left")
    for heading in ("what", "by troubles", "by dialogue acts too", "budget"):
        table.add_column(heading)
    found = [_measured(models, calls, turns) for models in (SHIPPED, _by_acts(2))]
    budgets = ("3 ms", "10 ms", "1", "1000 MB")
    for what, budget in zip(found[0], budgets, strict=True):
        table.add_row(what, *(figures[what] for figures in found), budget)
    Console().print(table)


def _measured(models: Models, calls: int, turns: int) -> dict[str, str]:
    """The figures, by what they are."""
    talk = Talk(1)
    short = [_call(number, models) for number in range(200)]
    routine = [talk.turn(engine, turn) for turn in range(1, TURNS + 1) for engine in short]
    long = _call(0, models)
    times = [talk.turn(long, turn) for turn in range(1, turns + 1)]
    quarter = turns // 4
    early = _percentile(times[:quarter], 0.5)
    late = _percentile(times[-quarter:], 0.5)
    gc.collect()
    tracemalloc.start()
    live = []
    for number in range(calls):
        engine = _call(number, models)
        for turn in range(1, TURNS + 1):
            talk.turn(engine, turn)
        live.append(engine)
    gc.collect()
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return {
        f"a decision, p50 of {len(routine)}": f"{_percentile(routine, 0.5):.3f} ms",
        "a decision, p99": f"{_percentile(routine, 0.99):.3f} ms",
        f"last quarter of a call of {turns} turns over its first, p50": f"{late / early:.2f}",
        f"{len(live)} live calls of {TURNS} turns": f"{held / 1e6:.0f} MB",
    }


if __name__ == "__main__":
    typer.run(main)
