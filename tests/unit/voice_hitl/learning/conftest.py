"""A data folder of recorded calls, and people's judgement on them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from handoff.commands import KeepDecision
from handoff.events import AgentSpoke, DialogueFacts
from handoff.labels import AuditAnswer, of_audit
from handoff.policy import Policy
from handoff.ports import CallRecord, DecisionRecord, PolicyRecord, Record, Store, TurnRecord
from handoff.replay import RecordedEngine, rerun
from handoff.risk import SHIPPED, Head
from handoff.signals import CODES
from handoff.storage import SqlStore
from handoff.testing import a_call, a_turn
from voice_hitl.config import DATABASE

Result = TypeVar("Result")

# Calls are recorded under marks that are out of reach: none of them is handed off.
QUIET = Policy.from_mapping({"name": "quiet", "hysteresis": {"high": 99.0, "low": 99.0}}, "test")
TIMES = {"low_speech_confidence": 0.2, "low_intent_confidence": 0.3, "frustration": 5.0}
SHIFTED = Head(
    SHIPPED.error.intercept + 0.5,
    tuple(w * TIMES.get(code, 1.0) for code, w in zip(CODES, SHIPPED.error.weights, strict=True)),
)


def recorded_call(call_id: str, seed: int, started_at: float, truth: Head) -> list[Record]:
    """Three turns, some of them bad, with what is kept of them and an audit of each as `truth` has it."""
    random = np.random.default_rng(seed)
    engine = RecordedEngine(a_call(call_id), QUIET, 100.0)
    records: list[Record] = []
    for turn in (1, 2, 3):
        unsure, deaf, cross = (random.uniform() * (random.uniform() < 0.5) for _ in range(3))
        text = f"please do number {seed} and {turn}"
        said = a_turn(
            turn,
            text,
            heard=1 - deaf,
            sure=1 - unsure,
            margin=1 - unsure,
            dialogue=DialogueFacts(frustration=cross),
        )
        engine.handle(said, 100.0 + 10 * turn)
        engine.handle(AgentSpoke(turn, "Done.", "answer"), 104.0 + 10 * turn)
        records.append(TurnRecord(call_id, turn, turn, "caller", text, started_at + turn))
    decisions = [c.decision for c in engine.take_commands() if isinstance(c, KeepDecision)]
    facts = engine.take_facts()
    for turn, reading in rerun(facts, QUIET, SHIPPED).readings.items():
        wrong = random.uniform() < truth.probability(reading.now)
        answer = AuditAnswer(
            f"{call_id}-{turn}", call_id, turn, "wrong" if wrong else "right", "ann", 9.0
        )
        records += of_audit(answer)
    call = CallRecord(
        call_id, "+1", "banking", "en", started_at, QUIET.version, started_at + 60, "automated"
    )
    made = [
        DecisionRecord.of(decision, seq=seq, at=started_at, policy_version=QUIET.version)
        for seq, decision in enumerate(decisions)
    ]
    return [call, *records, *made, *facts]


def in_store(folder: Path, work: Callable[[Store], Awaitable[Result]]) -> Result:
    """Do something with a data folder's store."""

    async def run() -> Result:
        store = await SqlStore.open(f"sqlite:///{folder / DATABASE}")
        try:
            return await work(store)
        finally:
            await store.aclose()

    folder.mkdir(parents=True, exist_ok=True)
    return asyncio.run(run())


def keep(folder: Path, records: Sequence[Record]) -> None:
    """Save records in a data folder."""
    in_store(folder, lambda store: store.save(records))


@pytest.fixture(scope="session")
def shifted_calls() -> list[Record]:
    """110 calls whose audits say that what goes wrong is not what was thought."""
    records: list[Record] = [PolicyRecord.of(QUIET, 1.0)]
    for number in range(110):
        records += recorded_call(f"CA{number}", number, 1000.0 + number, SHIFTED)
    return records


@pytest.fixture
def data(tmp_path: Path, shifted_calls: list[Record], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with those calls; nothing else configures the commands."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    folder = tmp_path / "var"
    keep(folder, shifted_calls)
    return folder
