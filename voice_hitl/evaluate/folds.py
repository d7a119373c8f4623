"""Every evaluation on the public data, cross-validated by group: what the README's tables show.

The data folder is `VOICE_HITL_DATA` (default `../shared/data` beside the project); sets that are absent are
left out and named. Run it as `scripts/bench/decisions`.
"""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
import typer
from pydantic import BaseModel
from rich.console import Console
from rich.progress import track
from rich.table import Table

from voice_hitl.evaluate import actions, calls, intents, person_request
from voice_hitl.evaluate.files import DataError, read_rows

Row = TypeVar("Row", bound=BaseModel)
Runs = Iterator[BaseModel]
Halves = tuple[list[intents.Line], list[intents.Line]]
DATA = Path(os.environ.get("VOICE_HITL_DATA", "../shared/data"))


def folds(
    rows: Sequence[Row], group_of: Callable[[Row], Hashable], count: int, seed: int = 0
) -> Iterator[tuple[list[Row], list[Row]]]:
    """Split rows `count` times into train and test; every group is tested once, whole."""
    groups = list(dict.fromkeys(group_of(row) for row in rows))
    order = np.random.default_rng(seed).permutation(len(groups))
    fold_of = {groups[at]: place % count for place, at in enumerate(order)}
    for fold in range(count):
        train = [row for row in rows if fold_of[group_of(row)] != fold]
        yield train, [row for row in rows if fold_of[group_of(row)] == fold]


def runs(rows: Sequence[intents.Line], count: int) -> Iterator[Halves]:
    """Split lines `count` times into train and test: each intent's lines in runs, as they stand in the file.

    Paraphrases by one writer stand together there; a split by chance would put them on both sides.
    """
    by_intent: dict[str | None, list[int]] = {}
    for at, row in enumerate(rows):
        by_intent.setdefault(row.intent, []).append(at)
    fold_of = {
        at: place * count // len(places)
        for places in by_intent.values()
        for place, at in enumerate(places)
    }
    for fold in range(count):
        train = [row for at, row in enumerate(rows) if fold_of[at] != fold]
        yield train, [row for at, row in enumerate(rows) if fold_of[at] == fold]


def leaves(values: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """The numbers of a report by path, e.g. `precision_at.0.10`; intervals and counts left out."""
    found: dict[str, float] = {}
    for name, value in values.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping) and "intervals" not in name:
            found |= leaves(value, f"{path}.")
        elif isinstance(value, float):
            found[path] = value
    return found


class Summary(BaseModel):
    """The figures of all folds of one evaluation: mean and standard deviation by path."""

    folds: int
    mean: dict[str, float]
    spread: dict[str, float]

    @classmethod
    def of(cls, reports: Sequence[BaseModel]) -> Summary:
        """Summarise; a figure that a fold lacks is taken over the others."""
        by_path: dict[str, list[float]] = {}
        for report in reports:
            for path, value in leaves(report.model_dump()).items():
                by_path.setdefault(path, []).append(value)
        return cls(
            folds=len(reports),
            mean={path: statistics.fmean(values) for path, values in by_path.items()},
            spread={path: statistics.pstdev(values) for path, values in by_path.items()},
        )

    def table(self, title: str) -> Table:
        """Ours beside every baseline, mean ± standard deviation over the folds."""
        parts = [path.split(".", 2) for path in self.mean if path.startswith("baselines.")]
        names = list(dict.fromkeys(part[1] for part in parts))
        table = Table(title=f"{title} ({self.folds} folds)", title_justify="left")
        for heading in ("figure", "ours", *names):
            table.add_column(heading.replace("_", " "))
        for path in self.mean:
            if not path.startswith("baselines."):
                cells = [self._cell(path), *(self._cell(f"baselines.{n}.{path}") for n in names)]
                table.add_row(path, *cells)
        return table

    def _cell(self, path: str) -> str:
        if path not in self.mean:
            return ""
        return f"{self.mean[path]:.3f} ± {self.spread[path]:.3f}"


def _calls(data: Path, count: int) -> Runs:
    rows = read_rows([data / "betold" / "calls.jsonl"], calls.Call)
    for train, test in folds(rows, calls.group_of, count):
        yield calls.evaluate_calls(train, test)


def _actions(data: Path, count: int) -> Runs:
    rows = read_rows([data / "taubench_airline" / "conversations.jsonl"], actions.Conversation)
    for train, test in folds(rows, actions.group_of, count):
        yield actions.evaluate_actions(train, test)


def _person(data: Path, count: int) -> Runs:
    rows = read_rows([data / "nlupp" / "banking.jsonl"], person_request.Line)
    for train, test in folds(rows, person_request.group_of, count):
        yield person_request.evaluate_person_request(train, test)


def _clinc(data: Path, count: int) -> Runs:
    """Trained on the train part; the validation part is halved, each half in turn the test."""
    train = read_rows([data / "clinc150" / "train.jsonl"], intents.Line)
    rows = read_rows([data / "clinc150" / "valid.jsonl"], intents.Line)
    for valid, test in runs(rows, 2):
        yield intents.evaluate_intents(train, valid, test)


def _multidogo(data: Path, count: int) -> Runs:
    folder = data / "multidogo"
    train = read_rows([folder / "insurance_train.jsonl"], intents.Line)
    rows = read_rows([folder / "insurance_valid.jsonl"], intents.Line)
    for valid, test in folds(rows, lambda row: intents.group_of(row) or row.text, 2):
        yield intents.evaluate_intents(train, valid, test)


def _banking(data: Path, count: int) -> Runs:
    rows = read_rows([data / "banking77" / "train.jsonl"], intents.Line)
    parts = [test for _, test in runs(rows, count)]
    for at in range(count):
        valid = parts[at - 1]
        train = [row for part in parts if part not in (parts[at], valid) for row in part]
        yield intents.evaluate_intents(train, valid, parts[at])


STUDIES: Mapping[str, Callable[[Path, int], Runs]] = {
    "calls (betold)": _calls,
    "actions (taubench airline)": _actions,
    "person-request (nlu++ banking)": _person,
    "intents (clinc150)": _clinc,
    "intents (multidogo insurance)": _multidogo,
    "intents (banking77)": _banking,
}


def main(
    data: Annotated[Path, typer.Option(help="folder of the public data")] = DATA,
    only: Annotated[str, typer.Option(help="studies whose name holds this")] = "",
    count: Annotated[int, typer.Option("--folds", min=2, help="parts that are tested in turn")] = 5,
    report: Annotated[Path | None, typer.Option(help="write a JSON report here")] = None,
) -> None:
    """Cross-validate every evaluation on the public data and print ours beside the baselines."""
    console = Console()
    found: dict[str, Summary] = {}
    for name, study in STUDIES.items():
        if only not in name:
            continue
        try:
            runs = list(track(study(data, count), name, console=console, transient=True))
        except DataError as error:
            console.print(f"{name}: left out, {error}")
            continue
        found[name] = Summary.of(runs)
        console.print(found[name].table(name))
    if report is not None:
        text = json.dumps({name: summary.model_dump() for name, summary in found.items()}, indent=2)
        report.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
