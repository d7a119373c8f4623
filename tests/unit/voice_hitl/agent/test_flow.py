from __future__ import annotations

import dataclasses
from pathlib import Path

from voice_hitl.agent.flow import FlowAgent, Models, NoTools
from voice_hitl.agent.pack import load_pack
from voice_hitl.agent.protocol import Agent, Conversation
from voice_hitl.agent.testing import TextCall


async def test_an_agent_of_a_pack_fits_the_protocol(models: Models, tmp_path: Path) -> None:
    agent: Agent = FlowAgent(load_pack("banking"), tmp_path, models=models)
    conversation: Conversation = agent.converse("call", {})
    assert agent.name == "banking"
    assert conversation.greeting()
    await agent.aclose()


async def test_calls_do_not_disturb_each_other(models: Models, tmp_path: Path) -> None:
    agent = FlowAgent(load_pack("banking"), tmp_path, models=models)
    one, other = TextCall(agent, call_id="one"), TextCall(agent, call_id="other")
    await one.say("transfer ten dollars from checking")
    await other.say("i lost my card")
    assert (await one.say("to savings")).done.pending == "the last four digits of the debit card"
    assert "block your debit card" in (await other.say("debit")).text


async def test_a_pack_without_tools_talks(models: Models, tmp_path: Path) -> None:
    pack = load_pack("banking")
    silent = dataclasses.replace(pack, info=pack.info.model_copy(update={"tools": None}))
    agent = FlowAgent(silent, tmp_path, models=models)
    assert isinstance(agent._toolbox, NoTools)
    assert "You can ask" in (await say_twice(TextCall(agent), "what can you do"))
    await agent.aclose()


async def say_twice(call: TextCall, text: str) -> str:
    await call.say(text)
    return (await call.say(text)).text
