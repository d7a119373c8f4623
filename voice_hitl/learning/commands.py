"""The commands `voice-hitl learn` and `voice-hitl replay`."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from voice_hitl.config import Config, load_config
from voice_hitl.errors import ConfigError

if TYPE_CHECKING:  # these are slow to import, and --help needs none of them
    from handoff.policy import Policy
    from handoff.ports import EventRecord
    from handoff.storage import SqlStore

learn = typer.Typer(help="Learn from what people decided; a person approves what is proposed.")
console = Console()

MOST_CALLS = 10_000  # that --all decides again, the newest

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="TOML file [dim](default: voice-hitl.toml here)[/]")
]
DataDir = Annotated[
    Path | None,
    typer.Option("--data", help="folder of the database and what else the server keeps"),
]
ReportFile = Annotated[Path | None, typer.Option("--report", help="write a JSON report here")]


@learn.callback(invoke_without_command=True)
def learn_now(
    context: typer.Context,
    data: DataDir = None,
    config: ConfigFile = None,
    report: ReportFile = None,
) -> None:
    """Learn from what people decided; a person approves what is proposed.

    Example: [cyan]voice-hitl learn --data var[/]
    """
    if context.invoked_subcommand is not None:
        if (data, config, report) != (None, None, None):
            name = context.invoked_subcommand
            raise ConfigError(f"write options behind '{name}': voice-hitl learn {name} --data …")
        return
    from rich.progress import Progress

    from voice_hitl.learning.show import lesson_report, show_lesson
    from voice_hitl.learning.study import Lesson, study

    settings = _settings(config, data)
    base = _policy(settings)

    async def run() -> Lesson:
        async with _store(settings) as store:
            with Progress(console=console, transient=True) as progress:
                task = progress.add_task("reading")
                lesson = await study(
                    store,
                    base,
                    time.time(),
                    lambda what, done, total: progress.update(
                        task, description=what, completed=done, total=total
                    ),
                )
            if lesson.proposal is not None:
                noted = _event("model_proposed", "server", lesson.proposal.version)
                await store.save([*lesson.changed, noted])
            return lesson

    lesson = asyncio.run(run())
    show_lesson(lesson, console)
    _write(report, lesson_report(lesson))


@learn.command("approve")
def learn_approve(
    version: Annotated[str, typer.Argument(help="a proposal, e.g. m3")],
    by: Annotated[str, typer.Option(help="who approves it")],
    data: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Make a proposal active, for calls that start after the server's next start.

    Example: [cyan]voice-hitl learn approve m3 --by ana --data var[/]
    """
    from handoff.learning import approve

    async def run() -> None:
        async with _store(_settings(config, data)) as store:
            changed = approve(await store.models(), version, by, time.time())
            await store.save([*changed, _event("model_approved", by, version)])

    asyncio.run(run())
    console.print(f"{version} is active. To go back: voice-hitl learn rollback", markup=False)


@learn.command("rollback")
def learn_rollback(
    by: Annotated[str, typer.Option(help="who takes it back")] = "command line",
    data: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Take the active version back: what it was learned from is active again.

    Example: [cyan]voice-hitl learn rollback --by ana --data var[/]
    """
    from handoff.learning import active, rollback

    async def run() -> str:
        async with _store(_settings(config, data)) as store:
            changed = rollback(await store.models(), time.time())
            await store.save([*changed, _event("model_rolled_back", by, changed[0].version)])
            restored = active(changed)
            return "The shipped models are" if restored is None else f"{restored.version} is"

    console.print(f"{asyncio.run(run())} active again.", markup=False)


@learn.command("list")
def learn_list(data: DataDir = None, config: ConfigFile = None) -> None:
    """List what was learned, and which version is active.

    Example: [cyan]voice-hitl learn list --data var[/]
    """
    from voice_hitl.learning.show import show_versions

    async def run() -> None:
        async with _store(_settings(config, data)) as store:
            show_versions(await store.models(), console)

    asyncio.run(run())


def replay(
    call_id: Annotated[str | None, typer.Argument(help="a call of the database")] = None,
    every: Annotated[bool, typer.Option("--all", help="the newest 10,000 calls")] = False,
    policy: Annotated[
        str | None, typer.Option(help="decide under this: a YAML file, or a version that is kept")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="decide with this: a learned version, or 'shipped'")
    ] = None,
    data: DataDir = None,
    config: ConfigFile = None,
    report: ReportFile = None,
) -> None:
    """Decide past calls again, under their own or another policy and model, beside what was decided.

    Example: [cyan]voice-hitl replay --all --policy policy.yaml --report out.json[/]
    """
    from voice_hitl.learning.again import Answer, answers, policy_of_file, question
    from voice_hitl.learning.show import show_answer, show_differing, totals

    if (call_id is None) is not every:
        raise ConfigError("name one call, or give --all")
    settings = _settings(config, data)
    other = None if policy is None else policy_of_file(policy)

    async def run() -> list[Answer]:
        async with _store(settings) as store:
            if call_id is None:
                calls = await store.calls(limit=MOST_CALLS)
            else:
                call = await store.call(call_id)
                if call is None:
                    raise ConfigError(f"there is no call '{call_id}' in {settings.data_dir}")
                calls = [call]
            asked = await question(store, other or policy, model)
            return [answer async for answer in answers(store, calls, asked)]

    found = asyncio.run(run())
    if every:
        show_differing(found, console)
    else:
        show_answer(found[0], console)
    _write(report, {"calls": [answer.report() for answer in found], "totals": totals(found)})


# --- what the commands share ------------------------------------------------------------------


def _settings(config: Path | None, data: Path | None) -> Config:
    settings = load_config(config)
    return settings if data is None else settings.model_copy(update={"data_dir": data})


def _store(settings: Config) -> AbstractAsyncContextManager[SqlStore]:
    """The configured database; raises `ConfigError` where there is none."""
    from voice_hitl.data_folder import open_store

    return open_store(settings, make=False)


def _policy(settings: Config) -> Policy:
    """The configured pack's policy; raises `PackError` or `PolicyError`."""
    from handoff.policy import Policy
    from voice_hitl.agent.pack import load_pack

    pack = load_pack(settings.agent.pack)
    return Policy.from_mapping(pack.policy, str(pack.policy_path))


def _event(action: str, actor: str, version: str) -> EventRecord:
    from handoff.ports import EventRecord

    return EventRecord(uuid.uuid4().hex, time.time(), actor, action, None, {"version": version})


def _write(report: Path | None, values: dict[str, Any]) -> None:
    if report is not None:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(json.dumps(values, indent=2), encoding="utf-8")
