"""The `voice-hitl` command. Errors are one clear line: exit status 2 for misuse, 1 for failure."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from handoff.errors import HandoffError, PolicyError
from handoff.events import Seniority
from voice_hitl.config import Config, Section, load_config
from voice_hitl.config_mistakes import explain
from voice_hitl.errors import ConfigError, PackError, ScenarioError, VoiceHitlError
from voice_hitl.evaluate.commands import evaluate
from voice_hitl.learning.commands import learn, replay

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="A voice handoff server: an AI agent answers, a person takes over inside the same call.",
)
users = typer.Typer(no_args_is_help=True, help="Operator accounts.")
database = typer.Typer(no_args_is_help=True, help="What the server keeps of calls.")
models = typer.Typer(no_args_is_help=True, help="Speech models on this machine.")
app.add_typer(evaluate, name="evaluate")
app.add_typer(users, name="users")
app.add_typer(database, name="db")
app.add_typer(models, name="models")
app.add_typer(learn, name="learn")
app.command("replay")(replay)

console = Console()
errors = Console(stderr=True)

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="TOML file [dim](default: voice-hitl.toml here)[/]")
]
DataDir = Annotated[
    Path | None,
    typer.Option("--data", help="folder of the database and what else the server keeps"),
]
Role = Literal["operator", "supervisor"]
Force = Annotated[
    bool, typer.Option("--force", help="even if no supervisor is left: nobody can overrule then")
]
Password = Annotated[
    str | None,
    typer.Option(
        help="10 characters or more, seen by whoever lists processes; asked for, unseen, when left out"
    ),
]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="read the password from standard input, one line")
]
PackOption = Annotated[str | None, typer.Option(help="name of a shipped pack, or a folder")]


def main() -> None:
    """Entry point: run, and turn our own errors into one line each."""
    # Before numpy is imported, and inherited by the workers: our matrices are small, and threads that spin
    # for them take the cores from the calls.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        app()
    except (ConfigError, PackError, ScenarioError, PolicyError) as error:
        errors.print(f"voice-hitl: {error}", style="red", markup=False, soft_wrap=True)
        sys.exit(2)
    except (VoiceHitlError, HandoffError, OSError) as error:
        errors.print(f"voice-hitl: {error}", style="red", markup=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _configure(file: Path | None, **overrides: Any) -> Config:
    """The configuration with the command line's values on top: `section__key=value`."""
    config = load_config(file)
    sections: dict[str, dict[str, Any]] = {}
    for name, value in overrides.items():
        if value is None:
            continue
        section, _, key = name.partition("__")
        if key:
            sections.setdefault(section, {})[key] = value
        else:
            config = config.model_copy(update={section: value})
    for section, values in sections.items():
        checked = _checked(section, getattr(config, section), values)
        config = config.model_copy(update={section: checked})
    return config


def _checked(section: str, part: Section, values: dict[str, Any]) -> Section:
    try:
        return type(part).model_validate({**part.model_dump(), **values})
    except ValidationError as error:
        said = explain(error, type(part), lambda _: f"the command line, {section}")
        raise ConfigError(said) from error


def _password(given: str | None, *, from_stdin: bool) -> str:
    """The password that was given, piped in or else asked for twice."""
    if given is not None and from_stdin:
        raise ConfigError("--password and --password-stdin are two passwords; give one of them")
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if given is not None:
        return given
    asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return asked


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="address to listen on")] = None,
    port: Annotated[
        int | None, typer.Option(help="port to listen on; 0 takes any free one")
    ] = None,
    data: DataDir = None,
    config: ConfigFile = None,
    pack: PackOption = None,
    loopback: Annotated[
        bool, typer.Option("--loopback", help="send callers their own audio back; no agent")
    ] = False,
) -> None:
    """Answer calls and serve the operator console.

    Example: [cyan]voice-hitl serve --port 8080 --data var --pack banking[/]
    """
    from voice_hitl.app import run_server

    run_server(
        _configure(
            config,
            server__host=host,
            server__port=port,
            data_dir=data,
            agent__pack=pack,
        ),
        loopback=loopback,
    )


@app.command()
def check(
    config: ConfigFile = None,
    pack: PackOption = None,
    policy: Annotated[
        bool, typer.Option("--policy", help="print every field of the policy in force too")
    ] = False,
) -> None:
    """Print the configuration in force and what is wrong with it.

    Example: [cyan]voice-hitl check --config voice-hitl.toml[/]
    """
    from voice_hitl.checking import check_all, show_policy

    settings = _configure(config, agent__pack=pack)
    good = check_all(settings, console)
    if policy:
        show_policy(settings, console)
    if not good:
        raise typer.Exit(1)


@app.command()
def demo(
    scenario: Annotated[
        list[str] | None, typer.Option(help="play only this one; repeatable")
    ] = None,
    headless: Annotated[
        bool, typer.Option("--headless", help="a scripted operator takes the calls")
    ] = False,
    report: Annotated[Path | None, typer.Option(help="write a JSON report here")] = None,
    pack: PackOption = None,
    together: Annotated[int, typer.Option(help="calls at a time", min=1, max=20)] = 3,
) -> None:
    """Play recorded callers against a server on this machine; take the handed-over calls.

    Example: [cyan]voice-hitl demo --scenario balance --headless --report out.json[/]
    """
    from voice_hitl.demo import run_demo

    passed = run_demo(
        pack=pack or "banking",
        names=scenario or [],
        headless=headless,
        report=report,
        together=together,
        console=console,
    )
    if not passed:
        raise typer.Exit(1)


@app.command()
def simulate(
    scenarios: Annotated[list[Path], typer.Argument(help="scenario files, or folders of them")],
    url: Annotated[str, typer.Option(help="where the server listens")] = "http://127.0.0.1:8080",
    public_url: Annotated[
        str | None, typer.Option(help="what the server is configured to be called, for signatures")
    ] = None,
    auth_token: Annotated[
        str | None, typer.Option(envvar="VOICE_HITL_TWILIO__AUTH_TOKEN", help="sign as Twilio does")
    ] = None,
    times: Annotated[int, typer.Option(min=1, help="play everything so often")] = 1,
    together: Annotated[int, typer.Option(min=1, help="calls at a time")] = 1,
    ramp: Annotated[float, typer.Option(min=0, help="seconds between the first calls")] = 0.0,
    record_to: Annotated[
        Path | None, typer.Option(help="folder for stereo recordings, as the caller heard them")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="write a JSON report here")] = None,
) -> None:
    """Play recorded callers against any running server, over the real protocol, in real time.

    Example: [cyan]voice-hitl simulate balance.yaml --together 5 --times 5[/]
    """
    from voice_hitl.simulate.load import simulate as play

    records = play(
        scenarios,
        url=url,
        public_url=public_url,
        auth_token=auth_token,
        times=times,
        together=together,
        ramp=ramp,
        record_to=record_to,
        report=report,
        console=console,
    )
    if not all(record.ok for record in records):
        raise typer.Exit(1)


@users.command("add")
def users_add(
    name: str,
    password: Password = None,
    password_stdin: PasswordStdin = False,
    role: Annotated[
        Role, typer.Option(help="supervisors may also overrule the queue")
    ] = "operator",
    skill: Annotated[
        list[str] | None, typer.Option(help="what they know; repeatable; none takes anything")
    ] = None,
    language: Annotated[
        list[str] | None,
        typer.Option(help="what they speak; repeatable; none speaks what is needed"),
    ] = None,
    seniority: Annotated[
        Seniority,
        typer.Option(help="seniors decide what scores highest; on_call is alerted at once"),
    ] = Seniority.STANDARD,
    data: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Make an operator's account.

    Example: [cyan]voice-hitl users add ana --skill banking --language en --data var[/]
    """
    from voice_hitl.admin import add_operator

    known_as = add_operator(
        _configure(config, data_dir=data),
        name,
        _password(password, from_stdin=password_stdin),
        role=role,
        skills=skill or [],
        languages=language or [],
        seniority=seniority,
    )
    console.print(f"{known_as} may now sign in.", markup=False)


@users.command("remove")
def users_remove(
    name: str, force: Force = False, data: DataDir = None, config: ConfigFile = None
) -> None:
    """Take an operator's account away; whoever is signed in with it is signed out within 15 seconds.

    Example: [cyan]voice-hitl users remove ana --data var[/]
    """
    from voice_hitl.admin import remove_operator

    remove_operator(_configure(config, data_dir=data), name, force=force)
    console.print(f"{name} may no longer sign in.")


@users.command("password")
def users_password(
    name: str,
    password: Password = None,
    password_stdin: PasswordStdin = False,
    data: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Give an operator another password; whoever is signed in with the old one is signed out.

    Example: [cyan]voice-hitl users password ana --data var[/]
    """
    from voice_hitl.admin import change_password

    settings = _configure(config, data_dir=data)
    change_password(settings, name, _password(password, from_stdin=password_stdin))
    console.print(f"{name} must sign in anew.")


@users.command("role")
def users_role(
    name: str, role: Role, force: Force = False, data: DataDir = None, config: ConfigFile = None
) -> None:
    """Give an operator another role; they must sign in anew.

    Example: [cyan]voice-hitl users role ana supervisor --data var[/]
    """
    from voice_hitl.admin import change_role

    change_role(_configure(config, data_dir=data), name, role, force=force)
    console.print(f"{name} must sign in anew.")


@users.command("list")
def users_list(data: DataDir = None, config: ConfigFile = None) -> None:
    """List the operators' accounts.

    Example: [cyan]voice-hitl users list --data var[/]
    """
    from voice_hitl.admin import list_operators

    records = list_operators(_configure(config, data_dir=data))
    if not records:
        console.print("no accounts yet: voice-hitl users add NAME", highlight=False)
        return
    table = Table("name", "role", "seniority", "skills", "languages", "id")
    for record in records:
        knows = (record.seniority, ", ".join(record.skills), ", ".join(record.languages))
        cells = (record.name, record.role, *knows, record.operator_id)
        table.add_row(*(Text(cell, overflow="fold") for cell in cells))
    console.print(table)


@database.command("purge")
def db_purge(
    caller: Annotated[
        list[str] | None, typer.Option(help="a number, E.164: all calls of it; repeatable")
    ] = None,
    call: Annotated[list[str] | None, typer.Option(help="a call's id; repeatable")] = None,
    data: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Delete calls for good with all that is kept of them, e.g. because their caller asks for it.

    Example: [cyan]voice-hitl db purge --caller +15550100 --data var[/]
    """
    from voice_hitl.admin import erase_calls

    settings = _configure(config, data_dir=data)
    erased = erase_calls(settings, caller or [], call or [])
    for call_id in erased.call_ids:
        console.print(f"{call_id} is deleted.", markup=False)
    for what in erased.unknown:
        console.print(f"Nothing is kept of {what}.", markup=False, highlight=False)
    if erased.served and erased.call_ids:
        named = " ".join(f"--call {call_id}" for call_id in erased.call_ids)
        console.print(
            "A server is running: its consoles may still show something of it, and it may yet write "
            "some. Restart it, and then run:\n"
            f"voice-hitl db purge {named} --data {shlex.quote(str(settings.data_dir))}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


@models.command("pull")
def models_pull(
    name: Annotated[str, typer.Argument(help="e.g. small.en, or a repository's name")],
    into: Annotated[Path | None, typer.Option(help="folder to write to")] = None,
) -> None:
    """Fetch a faster-whisper model, with a progress bar; nothing is fetched otherwise.

    Example: [cyan]voice-hitl models pull small.en[/]
    """
    from voice_hitl.speech.models import pull_model

    console.print(f"The model lies in {pull_model(name, into)}", markup=False)


if __name__ == "__main__":
    main()
