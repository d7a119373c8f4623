"""The command `voice-hitl evaluate` and its parts."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import BaseModel
from rich.console import Console

from voice_hitl.errors import ConfigError

if TYPE_CHECKING:
    from voice_hitl.evaluate.files import Row

evaluate = typer.Typer(no_args_is_help=True, help="Measure a part of the system on data of yours.")
console = Console()
errors = Console(stderr=True)

ReportFile = Annotated[Path | None, typer.Option("--report", help="write a JSON report here")]
TestFile = Annotated[Path, typer.Option("--test", help="JSON lines to score; never trained on")]
TrainFile = Annotated[Path, typer.Option("--train", help="JSON lines to train on")]
TrainFiles = Annotated[
    list[Path], typer.Option("--train", help="JSON lines to train on; repeatable")
]


def write_report(found: BaseModel, report: Path | None) -> None:
    """Write a report as JSON, if a file was asked for."""
    if report is not None:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(found.model_dump_json(indent=2), encoding="utf-8")


def warn_of_shared(
    train: Sequence[Row], test: Sequence[Row], group_of: Callable[[Row], Hashable], what: str
) -> None:
    """One line on stderr when both parts hold the same groups; `what` names them in the singular."""
    from voice_hitl.evaluate.files import shared_groups

    shared = shared_groups(train, test, group_of)
    if shared:
        groups = f"{shared} {what}{'s are' if shared > 1 else ' is'}"
        words = f"warning: {groups} in both train and test: the figures flatter; split by {what}"
        errors.print(words, style="yellow", markup=False, soft_wrap=True)


@evaluate.command("recognition")
def evaluate_recognition(
    wav: Annotated[Path, typer.Option(help="folder of 8 kHz recordings")],
    labels: Annotated[Path, typer.Option(help="JSON: file -> {slots: {name: value}, text}")],
    corpus: Annotated[
        Path | None, typer.Option(help="typed examples of what is said, one a line")
    ] = None,
    pack: Annotated[str | None, typer.Option(help="name of a shipped pack, or a folder")] = None,
    report: ReportFile = None,
) -> None:
    """Measure the embedded recognizer on labelled recordings; words from a corpus or a pack.

    Example: [cyan]voice-hitl evaluate recognition --wav DIR --labels FILE --corpus FILE --report out.json[/]
    """
    from rich.progress import Progress

    from voice_hitl.agent.pack import load_pack
    from voice_hitl.speech import evaluation

    if corpus is not None and pack is not None:
        raise ConfigError("--corpus and --pack are two sources of words; give one of them")
    source = (
        evaluation.corpus_source(corpus)
        if corpus is not None
        else load_pack(pack or "banking").language()
    )
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("recognizing")
        found = evaluation.evaluate_recognition(
            wav,
            labels,
            source,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    console.print(found.table())
    write_report(found, report)


@evaluate.command("actions")
def evaluate_actions(train: TrainFile, test: TestFile, report: ReportFile = None) -> None:
    """Measure how well an agent's wrong actions are told from right ones before they are done.

    Example: [cyan]voice-hitl evaluate actions --train FILE --test FILE --report out.json[/]
    """
    from voice_hitl.evaluate import actions
    from voice_hitl.evaluate.files import read_rows

    known, asked = (
        read_rows([file], actions.Conversation, "conversation_id") for file in (train, test)
    )
    actions.check_test(asked, test)
    warn_of_shared(known, asked, actions.group_of, "task")
    found = actions.evaluate_actions(known, asked)
    console.print(found.table())
    write_report(found, report)


@evaluate.command("intents")
def evaluate_intents(
    train: TrainFiles,
    valid: Annotated[Path, typer.Option("--valid", help="JSON lines to calibrate on")],
    test: TestFile,
    embeddings: Annotated[
        str | None,
        typer.Option(
            "--embeddings", help="also a model over sentence embeddings: 'default' or a folder"
        ),
    ] = None,
    report: ReportFile = None,
) -> None:
    """Measure how well turns are named, and how well the model knows when not to trust itself.

    Example: [cyan]voice-hitl evaluate intents --train FILE --valid FILE --test FILE --report out.json[/]
    """
    from voice_hitl.evaluate import intents
    from voice_hitl.evaluate.files import read_rows

    lines = [read_rows(files, intents.Line) for files in (train, [valid], [test])]
    warn_of_shared([*lines[0], *lines[1]], lines[2], intents.group_or_words, "conversation or line")
    embedder = None
    if embeddings is not None:
        from voice_hitl.evaluate.embeddings import load_embedder

        embedder = load_embedder(embeddings)
    with console.status("training"):
        found = intents.evaluate_intents(*lines, embedder=embedder)
    console.print(found.table())
    write_report(found, report)


@evaluate.command("calls")
def evaluate_calls(train: TrainFile, test: TestFile, report: ReportFile = None) -> None:
    """Measure how well breakdowns of calls are foreseen from their dialogue acts; takes about a minute.

    Example: [cyan]voice-hitl evaluate calls --train FILE --test FILE --report out.json[/]
    """
    from voice_hitl.evaluate import calls
    from voice_hitl.evaluate.files import read_rows

    known, asked = (read_rows([file], calls.Call, "call_id") for file in (train, test))
    calls.check_test(asked, test)
    warn_of_shared(known, asked, calls.group_of, "call")
    with console.status("learning and scoring"):
        found = calls.evaluate_calls(known, asked)
    console.print(found.table())
    write_report(found, report)


@evaluate.command("person-request")
def evaluate_person_request(train: TrainFile, test: TestFile, report: ReportFile = None) -> None:
    """Measure how well a caller's wish for a person is heard, at the shipped threshold.

    Example: [cyan]voice-hitl evaluate person-request --train FILE --test FILE --report out.json[/]
    """
    from voice_hitl.evaluate import person_request
    from voice_hitl.evaluate.files import read_rows

    known, asked = (read_rows([file], person_request.Line) for file in (train, test))
    person_request.check_test(asked, test)
    warn_of_shared(known, asked, person_request.group_of, "line")
    found = person_request.evaluate_person_request(known, asked)
    console.print(found.table())
    write_report(found, report)
