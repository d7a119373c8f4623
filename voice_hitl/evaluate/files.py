"""Reading evaluation data: JSON lines, one object a line, UTF-8. A bad line is named with file and number."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from voice_hitl.errors import VoiceHitlError

Row = TypeVar("Row", bound=BaseModel)

_POSITION = re.compile(r" at line \d+ (column \d+)$")  # the parser sees one line, always its first


class DataError(VoiceHitlError):
    """A data file cannot be used; the message names file, line and what to mend."""


def read_rows(files: Sequence[Path], model: type[Row], once: str | None = None) -> list[Row]:
    """Read the lines of all files, in order; empty lines are skipped.

    `once`: a field whose value may stand but once in a file. Raises `DataError` for a file that cannot be
    read, holds no line, one that does not fit `model`, or one twice.
    """
    rows: list[Row] = []
    for file in files:
        before = len(rows)
        lines_of: dict[Hashable, int] = {}
        try:
            with file.open(encoding="utf-8") as lines:
                for number, line in enumerate(lines, start=1):
                    if line.strip():
                        rows.append(_row(line.strip(), model, file, number))
                        if once is not None:
                            _refuse_twin(lines_of, getattr(rows[-1], once), once, file, number)
        except UnicodeDecodeError as error:
            raise DataError(f"{file}: not UTF-8 text: save it as UTF-8 ({error.reason})") from error
        except OSError as error:
            raise DataError(f"{file}: {error.strerror or error}") from error
        if len(rows) == before:
            raise DataError(f"{file}: no lines: give JSON lines, one object a line")
    return rows


def shared_groups(
    train: Sequence[Row], test: Sequence[Row], group_of: Callable[[Row], Hashable]
) -> int:
    """How many groups stand in both parts; figures of a test part that was learned from flatter."""
    return len({group_of(row) for row in train} & {group_of(row) for row in test})


def _row(line: str, model: type[Row], file: Path, number: int) -> Row:
    try:
        return model.model_validate_json(line)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        field = f"field '{where}': " if where else ""
        said = _POSITION.sub(r", \1", problem["msg"])
        said = f"{said[:1].lower()}{said[1:]}"
        raise DataError(f"{file}, line {number}: {field}{said}") from error


def _refuse_twin(
    lines_of: dict[Hashable, int], value: Hashable, field: str, file: Path, number: int
) -> None:
    first = lines_of.setdefault(value, number)
    if first != number:
        raise DataError(
            f"{file}, line {number}: {field} '{value}' is in line {first} already: keep one of them"
        )
