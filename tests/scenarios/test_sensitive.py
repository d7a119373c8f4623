"""What a pack calls sensitive is neither shown nor kept, whichever way the caller gives it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from handoff.approvals import ApproveEdited
from handoff.events import Effect
from handoff.policy import Policy
from handoff.ports import Record
from tests.support import virtual
from tests.support.scripted import ScriptedAgent
from tests.support.world import World, a_world
from voice_hitl.agent.flow import FlowAgent
from voice_hitl.agent.guard import HIDDEN
from voice_hitl.agent.pack import SHIPPED, load_pack
from voice_hitl.agent.protocol import Proposal
from voice_hitl.agent.testing import trained
from voice_hitl.agent.tools import ToolCall, ToolResult

POLICY = Policy.model_validate({"oversight": {"actions": {"transfer": {"mode": "in"}}}})
SECRETS = ("4321", "four three two one", "four three two five", "four three")


class Bank:
    """Tools that tell what they were given, as tools may."""

    def __init__(self) -> None:
        self.verified: list[str] = []

    async def verify(self, call: ToolCall, *, last_four: str) -> ToolResult:
        self.verified.append(last_four)
        return ToolResult(f"The card ends in {last_four}", {"verified": "yes"})

    async def check_transfer(
        self, call: ToolCall, *, source: str, target: str, amount: str
    ) -> ToolResult:
        return ToolResult("There is enough", {"status": "ok", "source_balance": "$100.00"})

    async def aclose(self) -> None:
        pass


@pytest.fixture
def agent(tmp_path: Path) -> Any:
    """The banking pack's agent, with the digits of the card sensitive."""
    folder = tmp_path / "mine"
    shutil.copytree(SHIPPED / "banking", folder, ignore=shutil.ignore_patterns("scenarios"))
    file = folder / "agent.yaml"
    text = file.read_text()
    assert text.count("  last_four:\n    type: digits\n") == 1
    at = "  last_four:\n"
    file.write_text(text.replace(at, f"{at}    sensitive: true\n"))
    return FlowAgent(load_pack(folder), tmp_path, models=trained("banking"), toolbox=Bank())


class Watched:
    """A world of which all that it shows and stores is noted as text."""

    def __init__(self, world: World) -> None:
        self.noted: list[str] = []
        watcher = world.screen
        line, save = watcher.line, world.store.save

        def shown(call_id: str, shown: object) -> None:
            self.noted.append(repr(shown))
            line(call_id, shown)  # type: ignore[arg-type]

        async def saved(records: list[Record]) -> None:
            self.noted.extend(repr(record) for record in records)
            await save(records)

        watcher.line = shown  # type: ignore[method-assign,assignment]
        world.store.save = saved  # type: ignore[method-assign,assignment]

    def holds(self, *secrets: str) -> list[str]:
        found = re.compile(rf"(?<![\w.])({'|'.join(secrets)})(?!\w)")  # no part of a figure
        return [each for each in self.noted if found.search(each)]


def test_what_is_asked_for_and_said_is_hidden_from_the_first_word(agent: Any) -> None:
    async def main() -> None:
        async with a_world(agent) as world:
            watched = Watched(world)
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("move fifty dollars from checking to savings")
            await caller.hears("last four digits")
            await caller.hears_the_end()
            await caller.says("it is four three two one")
            await caller.hears("Is that right?")
            caller.hangs_up()
        assert watched.holds(*SECRETS) == []
        turns = [turn.text for turn in await world.store.turns("CA1") if turn.role == "caller"]
        assert turns == [
            "move fifty dollars from checking to savings",
            f"it is {HIDDEN}",
        ]
        assert any(f"The card ends in {HIDDEN}" in each for each in watched.noted)
        facts = await world.store.facts("CA1")
        spoke = [fact.values for fact in facts if fact.kind == "CallerSpoke"]
        assert spoke[-1]["slots"]["last_four"] == HIDDEN

    virtual.run(main())


def test_what_else_is_said_to_the_question_is_shown_once_it_is_understood(agent: Any) -> None:
    async def main() -> None:
        async with a_world(agent) as world:
            watched = Watched(world)
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("move fifty dollars from checking to savings")
            await caller.hears("last four digits")
            await caller.hears_the_end()
            await caller.says(
                "it is four three"
            )  # not four of them: no value, and hidden all the same
            await caller.hears_the_end()
            await caller.says("i want to talk to a person")
            await world.passes(1.0)
            caller.hangs_up()
        assert watched.holds(*SECRETS) == []
        turns = [turn.text for turn in await world.store.turns("CA1") if turn.role == "caller"]
        assert turns[1:] == [f"it is {HIDDEN}", "i want to talk to a person"]

    virtual.run(main())


def test_what_is_keyed_in_is_hidden_whole(agent: Any) -> None:
    async def main() -> None:
        async with a_world(agent) as world:
            watched = Watched(world)
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("move fifty dollars from checking to savings")
            await caller.hears("last four digits")
            await caller.hears_the_end()
            for digit in "4321":
                caller.presses(digit)
                await world.passes(0.3)
            await caller.hears("Is that right?")
            caller.hangs_up()
        assert watched.holds(*SECRETS) == []
        assert any("The caller pressed ••••." in each for each in watched.noted)

    virtual.run(main())


def test_a_sensitive_argument_is_shown_to_nobody_and_used_as_it_is() -> None:
    wanted = Proposal(
        "a1",
        "transfer",
        {"pin": "x", "member": "ab12", "amount": "50"},
        Effect.IRREVERSIBLE,
        "send 50 dollars of AB12",
        reasoning="The caller said that they are ab12.",
        alternatives=("ask ab12 to write",),
        sensitive=("member",),
    )

    async def main() -> None:
        async with a_world(ScriptedAgent(action=wanted), POLICY) as world:
            watched = Watched(world)
            ana = world.operator("ana")
            caller = await world.call()
            await caller.hears_the_end()
            await caller.says("move the money")
            ask = await ana.is_asked()
            edited = {"pin": "•", "member": HIDDEN, "amount": "40"}
            ana.answers(ask, ApproveEdited(edited))
            await world.until(lambda: world.agent.acted != [])
            caller.hangs_up()
        verdict = world.agent.verdicts["a1"]
        assert verdict.arguments == {"pin": "x", "member": "ab12", "amount": "40"}
        assert watched.holds("ab12", "AB12") == []

    virtual.run(main())
