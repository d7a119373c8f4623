"""The configured agent: the pack's own flow, any class with the agent protocol, or a ladder of these."""

from __future__ import annotations

import importlib

from handoff.errors import PolicyError
from handoff.policy import Policy
from voice_hitl.agent.flow import FlowAgent
from voice_hitl.agent.ladder import LadderAgent, rung_name
from voice_hitl.agent.pack import Pack
from voice_hitl.agent.protocol import Agent
from voice_hitl.agent.wording import fill
from voice_hitl.config import Config
from voice_hitl.errors import ConfigError

FLOW = "flow"  # what `agent.ladder` calls the pack's own agent


def make_agent(config: Config, pack: Pack) -> Agent:
    """The configured agent: the pack's own flow, any class with the agent protocol, or a ladder of these.

    Trains the pack's understanding, so call it off the event loop. Raises `ConfigError` or `PolicyError`.
    """
    if config.agent.ladder:
        return _make_ladder(config, pack)
    if config.agent.agent is None:
        return FlowAgent(pack, config.data_dir)
    return _import_agent("agent.agent", config.agent.agent, pack)


def _make_ladder(config: Config, pack: Pack) -> LadderAgent:
    """The agents of `agent.ladder`, named "flow" or by their class, as in the policy's `ladder.rungs`."""
    agents: dict[str, Agent] = {}
    for path in config.agent.ladder:
        name = rung_name(path)
        if name in agents:
            raise ConfigError(f'agent.ladder: "{path}": there is a "{name}" already; rename one')
        flow = path == FLOW
        made = (
            FlowAgent(pack, config.data_dir) if flow else _import_agent("agent.ladder", path, pack)
        )
        agents[name] = made
    policy = Policy.from_mapping(pack.policy, str(pack.policy_path))
    prompts = pack.info.prompts
    apology = [fill(each[0], pack.info.parameters) for each in (prompts.no_match, prompts.rephrase)]
    try:
        return LadderAgent(agents, policy, apology=apology)
    except PolicyError as error:
        raise PolicyError(f"{pack.policy_path}: {error}") from error


def _import_agent(setting: str, path: str, pack: Pack) -> Agent:
    module_name, _, class_name = path.partition(":")
    try:
        made: Agent = getattr(importlib.import_module(module_name), class_name)(pack)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ConfigError(
            f'{setting} = "{path}": {error}; write "module:Class" of an importable class'
        ) from error
    return made
