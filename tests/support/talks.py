"""Past calls whose dialogue acts foretell how they end, or do not; in their sound and tone all is well."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from handoff.acts import ActsForeseer, training, unseen
from handoff.events import AgentSpoke
from handoff.learning import Told, told
from handoff.learning.foretelling import recorded
from handoff.policy import Policy
from handoff.ports import CallRecord, FactRecord
from handoff.replay import RecordedEngine
from handoff.risk import SHIPPED, Models
from handoff.testing import a_call, a_turn

# Marks that are out of reach: no call is handed off.
QUIET = Policy.from_mapping({"name": "quiet", "hysteresis": {"high": 99.0, "low": 99.0}}, "test")
INTENTS = ("balance", "transfer", "statement", "limits")
ASKED = ("the amount", "the account", "the day")
FEW_TREES = 10  # a small trade needs no large forest


def talk(
    number: int, *, foretold: bool, models: Models = SHIPPED, started_at: float = 0.0
) -> tuple[CallRecord, list[FactRecord]]:
    """A call; four in ten are given up by the caller.

    `foretold`: nine in ten of them are those in which the agent keeps asking for the card number. Else it is
    chance alone, and all calls may end at any turn alike.
    """
    random = np.random.default_rng([number, foretold])
    call_id, gives_up = f"t{number:03}", bool(random.random() < 0.4)
    warned = gives_up if random.random() < 0.9 else not gives_up
    engine = RecordedEngine(a_call(call_id), QUIET, 100.0, models)
    engine.handle(AgentSpoke(0, "Hello, what can I do for you?", "question"), 101.0)
    turns = (3 if foretold else 1) + int(random.geometric(0.3))
    for turn in range(1, turns + 1):
        intent, asked = (str(random.choice(names)) for names in (INTENTS, ASKED))
        if foretold and warned and turn > turns - 3:
            intent, asked = "address", "the card number"
        text = f"number {number} and {turn} of {intent}"
        engine.handle(a_turn(turn, text, intent=intent, slots={intent: text}), 100.0 + 10 * turn)
        spoke = AgentSpoke(turn, f"And {asked}?", "question", asked)
        engine.handle(spoke, 104.0 + 10 * turn)
    outcome = "abandoned" if gives_up else "automated"
    version = "" if models is SHIPPED else models.source
    call = CallRecord(
        call_id,
        "+1",
        "banking",
        "en",
        started_at,
        QUIET.version,
        started_at + 60,
        outcome,
        model_version=version,
    )
    return call, engine.take_facts()


@cache
def talks(count: int, *, foretold: bool) -> tuple[Told, ...]:
    """What so many calls tell."""
    made = (talk(number, foretold=foretold) for number in range(count))
    read = (told(call, facts, QUIET, SHIPPED) for call, facts in made)
    return tuple(each for each in read if each is not None)


@cache
def acts_of_talks() -> ActsForeseer:
    """What 80 calls teach whose acts foretell how they end."""
    return learned(talks(80, foretold=True))


def learned(calls: Sequence[Told]) -> ActsForeseer:
    """Acts with a small forest."""
    trees, training.TREES = training.TREES, FEW_TREES
    try:
        weights = unseen(SHIPPED.breakdown)
        return ActsForeseer(training.fit([recorded(call, weights) for call in calls]), weights)
    finally:
        training.TREES = trees
