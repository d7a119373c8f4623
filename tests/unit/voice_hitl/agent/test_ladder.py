from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from handoff.errors import PolicyError
from handoff.ladder import AskRung, RungStats
from handoff.policy import Policy
from tests.support.scripted import ScriptedAgent, ScriptedConversation
from voice_hitl.agent.ladder import LadderAgent, check_names, rung_name


@dataclass
class Agent(ScriptedAgent):
    closed: bool = False
    parameters: Mapping[str, str] | None = None

    def converse(self, call_id: str, parameters: Mapping[str, str]) -> ScriptedConversation:
        self.parameters = parameters
        return super().converse(call_id, parameters)

    async def aclose(self) -> None:
        self.closed = True


def a_policy(*names: str) -> Policy:
    return Policy.from_mapping({"ladder": {"rungs": [{"name": name} for name in names]}}, "test")


@pytest.mark.parametrize(
    ("path", "name"), [("flow", "flow"), ("my.module:Llm", "Llm"), ("Llm", "Llm")]
)
def test_an_agent_is_called_by_its_class(path: str, name: str) -> None:
    assert rung_name(path) == name


@pytest.mark.parametrize("named", [("flow",), ("llm", "flow"), ("flow", "llm", "more"), ()])
def test_the_policy_must_name_the_same_agents_in_the_same_order(named: tuple[str, ...]) -> None:
    check_names(["flow", "llm"], a_policy("flow", "llm"))
    with pytest.raises(PolicyError, match=r"agent\.ladder flow, llm: name the same agents"):
        check_names(["flow", "llm"], a_policy(*named))
    with pytest.raises(PolicyError):
        LadderAgent({"flow": Agent(), "llm": Agent()}, a_policy(*named), apology=())


async def test_every_agent_gets_the_call_and_is_closed_with_it() -> None:
    agents = {"flow": Agent(), "llm": Agent()}
    ladder = LadderAgent(agents, a_policy("flow", "llm"), apology=("Sorry.",))
    assert ladder.name == "flow > llm"
    call = ladder.converse("CA1", {"caller": "+1"})
    assert call.greeting()
    assert [agent.parameters for agent in agents.values()] == [{"caller": "+1"}] * 2
    await ladder.aclose()
    assert all(agent.closed for agent in agents.values())


async def test_the_figures_of_all_calls_come_together() -> None:
    ladder = LadderAgent({"flow": Agent()}, a_policy("flow"), apology=())
    for call_id in ("CA1", "CA2"):
        ladder._count(AskRung(call_id, 1, "flow", 1.0))
    assert ladder.stats.rungs() == {"flow": RungStats(asked=2)}
    await ladder.aclose()
