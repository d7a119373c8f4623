from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_hitl.agent.completeness import Completeness
from voice_hitl.agent.flow import FlowAgent, Models
from voice_hitl.agent.pack import load_pack
from voice_hitl.agent.reading import Context
from voice_hitl.agent.table import State
from voice_hitl.agent.testing import trained

TODAY = dt.date(2025, 3, 12)
OPEN = Context(State.OPEN, TODAY)


@pytest.fixture(scope="module")
def judge(models: Models, tmp_path_factory: pytest.TempPathFactory) -> Completeness:
    folder: Path = tmp_path_factory.mktemp("bank")
    return FlowAgent(load_pack("banking"), folder, models=models)._parts.completeness


def asking(slot: str) -> Context:
    return Context(State.ASKING, TODAY, intent="transfer", pending=slot, wanted=(slot,))


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("what is the balance of my checking account", OPEN),
        ("i lost my debit card", OPEN),
        ("four three two one", asking("last_four")),
        ("from checking", asking("source")),
        ("two hundred dollars", asking("amount")),
        ("yes", Context(State.CONFIRMING, TODAY)),
        ("yes", asking("recognized")),
        ("no thanks that's all", Context(State.MORE, TODAY)),
    ],
)
def test_whole_turns(judge: Completeness, text: str, where: Context) -> None:
    assert judge(text, where) >= 0.7


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", OPEN),
        ("um", OPEN),
        ("i want to", OPEN),
        ("i'd like to transfer two hundred dollars from", OPEN),
        ("what is the balance of my", OPEN),
        ("i lost my card and", OPEN),
        ("four three", asking("last_four")),
        ("it's four three two", asking("last_four")),
        ("from my", asking("source")),
    ],
)
def test_unfinished_turns(judge: Completeness, text: str, where: Context) -> None:
    assert judge(text, where) <= 0.3


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("two hundred", asking("amount")),
        ("transfer two hundred", OPEN),
        ("no", Context(State.CONFIRMING, TODAY)),
        ("well the thing with my aunt", OPEN),
    ],
)
def test_turns_that_may_go_on(judge: Completeness, text: str, where: Context) -> None:
    assert 0.3 < judge(text, where) < 0.7


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=60), state=st.sampled_from(list(State)))
def test_any_text_gives_a_probability(text: str, state: State) -> None:
    pack = load_pack_once()
    assert 0.0 <= pack(text, Context(state, TODAY)) <= 1.0


_made: list[Completeness] = []


def load_pack_once() -> Completeness:
    if not _made:
        agent = FlowAgent(load_pack("banking"), Path(), models=trained("banking"))
        _made.append(agent._parts.completeness)
    return _made[0]


def test_it_is_fast(judge: Completeness) -> None:
    took = []
    for _ in range(200):
        start = time.perf_counter()
        judge("i would like to transfer two hundred dollars from checking", OPEN)
        took.append(time.perf_counter() - start)
    assert sorted(took)[100] < 0.001
