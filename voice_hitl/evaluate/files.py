"""Reading evaluation data: JSON lines, one object a line, UTF-8. A bad line is named with file and number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from voice_hitl.errors import VoiceHitlError

Row = TypeVar("Row", bound=BaseModel)


class DataError(VoiceHitlError):
    """A data file cannot be used; the message names file, line and what to mend."""


def read_rows(files: Sequence[Path], model: type[Row]) -> list[Row]:
    """Read the lines of all files, in order; empty lines are skipped.

    Raises `DataError` for a file that cannot be read, holds no line, or holds one that does not fit `model`.
    """
    rows: list[Row] = []
    for file in files:
        before = len(rows)
        try:
            with file.open(encoding="utf-8") as lines:
                for number, line in enumerate(lines, start=1):
                    if line.strip():
                        rows.append(_row(line, model, file, number))
        except UnicodeDecodeError as error:
            raise DataError(f"{file}: not UTF-8 text: save it as UTF-8 ({error.reason})") from error
        except OSError as error:
            raise DataError(f"{file}: {error.strerror or error}") from error
        if len(rows) == before:
            raise DataError(f"{file}: no lines: give JSON lines, one object a line")
    return rows


def _row(line: str, model: type[Row], file: Path, number: int) -> Row:
    try:
        return model.model_validate_json(line)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        field = f"field '{where}': " if where else ""
        raise DataError(f"{file}, line {number}: {field}{problem['msg'].lower()}") from error
