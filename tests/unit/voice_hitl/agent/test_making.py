from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from handoff.errors import PolicyError
from voice_hitl.agent.ladder import LadderAgent
from voice_hitl.agent.making import make_agent
from voice_hitl.agent.pack import Pack, load_pack
from voice_hitl.agent.protocol import Heard
from voice_hitl.config import AgentSection, Config
from voice_hitl.errors import ConfigError
from voice_hitl.language import Hypothesis

TWIN = "tests.support.scripted:TwinAgent"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(data_dir=tmp_path)


def changed(config: Config, agent: dict[str, Any]) -> Config:
    return config.model_copy(update={"agent": AgentSection.model_validate(agent)})


async def test_the_packs_own_agent_answers_when_none_is_named(config: Config) -> None:
    agent = await asyncio.to_thread(
        make_agent, changed(config, agent={"agent": None}), load_pack("banking")
    )
    try:
        (greeting, *_) = agent.converse("CA1", {}).greeting()
        assert greeting.text
    finally:
        await agent.aclose()


@pytest.mark.parametrize(
    "name",
    [
        "nowhere:Agent",
        "tests.support.scripted:Nobody",
        "nocolon",
        "tests.support.scripted",
        ":Agent",
    ],
)
def test_an_agent_that_is_not_there_is_said_with_its_setting(config: Config, name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_agent(changed(config, agent={"agent": name}), load_pack("banking"))
    assert f'agent.agent = "{name}"' in str(caught.value)
    assert '"module:Class"' in str(caught.value)


def a_laddered_pack(tmp_path: Path, *rungs: str) -> Pack:
    pack = load_pack("banking")
    policy = {**pack.policy, "ladder": {"rungs": [{"name": rung} for rung in rungs]}}
    return replace(pack, policy=policy)


async def test_a_ladder_is_made_of_the_packs_own_agent_and_others(
    config: Config, tmp_path: Path
) -> None:
    made = changed(config, agent={"agent": None, "ladder": ("flow", TWIN)})
    agent = await asyncio.to_thread(
        make_agent, made, a_laddered_pack(tmp_path, "flow", "TwinAgent")
    )
    assert isinstance(agent, LadderAgent)
    assert agent.name == "flow > TwinAgent"
    try:
        call = agent.converse("CA1", {"caller": "+15550100"})
        assert call.greeting()
        found = call.understand(Heard(Hypothesis("what is my checking balance", 0.9, final=True)))
        assert found.intent.name is not None
        assert agent.stats["flow"].asked == 1
    finally:
        await agent.aclose()


@pytest.mark.parametrize(
    ("ladder", "rungs", "words"),
    [
        (("nowhere:Agent",), ("Agent",), 'agent.ladder = "nowhere:Agent": No module'),
        ((TWIN, TWIN), ("TwinAgent",), 'there is a "TwinAgent" already; rename one'),
        ((TWIN,), ("flow",), "names flow and agent.ladder TwinAgent: name the same agents"),
        ((TWIN,), ("TwinAgent", "flow"), "name the same agents in the same order"),
    ],
)
def test_a_ladder_that_cannot_be_is_said_in_one_line(
    config: Config,
    tmp_path: Path,
    ladder: tuple[str, ...],
    rungs: tuple[str, ...],
    words: str,
) -> None:
    with pytest.raises((ConfigError, PolicyError)) as caught:
        make_agent(
            changed(config, agent={"agent": None, "ladder": ladder}),
            a_laddered_pack(tmp_path, *rungs),
        )
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
