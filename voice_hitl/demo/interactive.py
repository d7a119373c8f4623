"""The demo with a person at the console: callers ring one by one, and whoever is there takes them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from voice_hitl.agent.pack import Pack
from voice_hitl.demo.console_client import ConsoleClient
from voice_hitl.demo.host import account
from voice_hitl.demo.report import Played
from voice_hitl.demo.screen import Feed
from voice_hitl.demo.session import opened
from voice_hitl.server import wire
from voice_hitl.simulate.scenario import IfAgentSays, Scenario, Step, Wait

NAME = "you"
COME_LIMIT = 180.0  # seconds that the demo waits for somebody to go available
TAKE_LIMIT = 30.0  # seconds that a caller waits for the person to take the call
LINGER = 15.0  # seconds of silence until a caller who is with a person hangs up


async def play_with_person(
    pack: Pack, scenarios: Sequence[Scenario], data: Path, console: Console
) -> list[Played]:
    """Play the scenarios one by one. Nobody has to take a call: then the AI goes on alone."""
    me = account(NAME)
    feed = Feed(console, max(len(scenario.name) for scenario in scenarios))
    starting = console.status("Starting the server ...")
    starting.start()
    try:
        async with opened(
            pack,
            data,
            operators=[me],
            scripted=False,
            on_news=feed.news,
            on_call=feed.begin,
        ) as session:
            starting.stop()
            console.print(_welcome(session.server.url, me.name, me.password))
            with console.status("Waiting for you to sign in and go available ..."):
                if not await _somebody_comes(session.client):
                    console.print("Nobody came; the callers ring all the same.", style="yellow")
            played = []
            for scenario in scenarios:
                judged = must_stay(scenario)
                caller = scenario if judged else patient(scenario)
                played.append(await session.play(caller, judged=judged))
            return played
    finally:
        starting.stop()


def _welcome(url: str, name: str, password: str) -> Panel:
    text = Text.assemble(
        ("Open ", ""),
        (url, "bold underline cyan"),
        ("\nname      ", "dim"),
        (name, "bold"),
        ("\npassword  ", "dim"),
        (password, "bold"),
        (
            "\n\nGo available; calls that need a person will ring at your console, and what the AI may",
            "",
        ),
        ("\nnot do without a person's yes is shown there for you to approve.", ""),
    )
    return Panel(text, title="The console", expand=False, border_style="cyan", padding=(1, 2))


async def _somebody_comes(client: ConsoleClient) -> bool:
    """Wait until an operator wants calls; False when nobody does in time."""
    try:
        async with asyncio.timeout(COME_LIMIT), client.console() as window:
            async for message in window.messages():
                if isinstance(message, wire.OperatorChanged):
                    if message.operator.presence == "available":
                        return True
                elif isinstance(message, wire.Hello) and any(
                    operator.presence == "available" for operator in message.operators
                ):
                    return True
    except TimeoutError:
        pass
    return False


def must_stay(scenario: Scenario) -> bool:
    """Whether the call is the AI's own business: what a person does with the others is theirs."""
    return scenario.operator is None


def patient(scenario: Scenario) -> Scenario:
    """The same caller with more patience, for a person is slower than a script."""
    return scenario.model_copy(
        update={
            "steps": [_patient(step) for step in scenario.steps],
            "linger": LINGER,
            "limit": 600.0,
        }
    )


def _patient(step: Step) -> Step:
    if isinstance(step, Wait) and step.wait == "operator":
        return step.model_copy(update={"timeout": max(step.timeout, TAKE_LIMIT)})
    if isinstance(step, IfAgentSays):
        condition = step.if_agent_says
        return step.model_copy(
            update={
                "if_agent_says": condition.model_copy(
                    update={
                        "then": [_patient(inner) for inner in condition.then],
                        "otherwise": [_patient(inner) for inner in condition.otherwise],
                    }
                )
            }
        )
    return step
