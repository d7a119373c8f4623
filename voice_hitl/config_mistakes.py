"""What is wrong with a configuration, in plain words: every mistake, where it was made and how to mend it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

ENV_PREFIX = "VOICE_HITL_"
ENV_DELIMITER = "__"

KeyPath = tuple[str, ...]

_WORDS = {
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "string_type": "must be text",
    "path_type": "must be the path of a file or folder",
    "tuple_type": "must be a list",
    "model_type": "must be a section with keys of its own",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be {le} or less",
    "literal_error": "must be {expected}",
}


def explain(
    error: ValidationError, model: type[BaseModel], origin: Callable[[KeyPath], str]
) -> str:
    """All that is wrong: one line, or a heading and a line for each; unknown keys come first.

    `origin` says where the value of a key was given.
    """
    found = sorted(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    return listed([_line(each, model, origin) for each in found])


def listed(lines: list[str]) -> str:
    """One line as it is; several under a heading that counts them."""
    if len(lines) == 1:
        return lines[0]
    return "\n  ".join([f"{len(lines)} mistakes in the configuration:", *lines])


def origin_of(
    path: KeyPath, file: str, values: Mapping[str, Any], environment: Mapping[str, str]
) -> str:
    """Where a value was given: by its variable, or a section's, or else in the file."""
    given = {name.upper() for name, text in environment.items() if text}
    own = _variable(path)
    if own in given:
        return f"environment variable {own}"
    inner = sorted(name for name in given if name.startswith(own + ENV_DELIMITER))
    in_file = _holds(values, path)
    if inner:  # a section whose keys do not go together
        named = f"environment variable{'s' if len(inner) > 1 else ''} {', '.join(inner)}"
        return f"{file} and {named}" if in_file else named
    outer = [_variable(path[:end]) for end in range(len(path) - 1, 0, -1)]
    above = next((name for name in outer if name in given), None)
    return file if above is None or in_file else f"environment variable {above}"


def not_json(model: type[BaseModel], environment: Mapping[str, str]) -> list[str]:
    """One line for each variable of a list or section that cannot be read as JSON, as it must be."""
    given = {name.upper(): text for name, text in environment.items() if text}
    return [
        f"environment variable {name}: must be JSON, e.g. {example}"
        for name, example in _structured(model)
        if name in given and not _is_json(given[name])
    ]


def _line(found: ErrorDetails, model: type[BaseModel], origin: Callable[[KeyPath], str]) -> str:
    path = tuple(str(part) for part in found["loc"])
    place = f"{origin(path)}: {'.'.join(path) or '(top level)'}"
    if found["type"] == "extra_forbidden":
        return f"{place}: there is no such setting: {_mend(path, model)}"
    words = _WORDS.get(found["type"])
    said = found["msg"].removeprefix("Value error, ").replace("Input should be", "must be", 1)
    if words is not None:
        said = words.format(**found.get("ctx", {}))
    given = found["input"]
    hidden = isinstance(given, dict) or _is_secret(path, model)
    return f"{place}: {said}" if hidden else f"{place}: {said} (got {given!r})"


def _mend(path: KeyPath, model: type[BaseModel]) -> str:
    """The nearest name to write instead of an unknown one, or all that are known in its place."""
    known = sorted(_inside(model, path[:-1]).model_fields)
    close = difflib.get_close_matches(path[-1], known, n=1)
    return f"write '{close[0]}'" if close else f"remove it, known here: {', '.join(known)}"


def _is_secret(path: KeyPath, model: type[BaseModel]) -> bool:
    field = _inside(model, path[:-1]).model_fields.get(path[-1]) if path else None
    return field is not None and SecretStr.__name__ in str(field.annotation)


def _inside(model: type[BaseModel], path: KeyPath) -> type[BaseModel]:
    """The section at the end of a path, or the last one on the way."""
    for part in path:
        field = model.model_fields.get(part)
        if field is None or not isinstance(field.default, BaseModel):
            break
        model = type(field.default)
    return model


def _variable(path: KeyPath) -> str:
    return ENV_PREFIX + ENV_DELIMITER.join(path).upper()


def _holds(values: Mapping[str, Any], path: KeyPath) -> bool:
    inner: Any = values
    for part in path:
        if not isinstance(inner, Mapping) or part not in inner:
            return False
        inner = inner[part]
    return True


def _structured(model: type[BaseModel], above: KeyPath = ()) -> Iterator[tuple[str, str]]:
    """The variables that hold JSON, each with an example."""
    for name, field in model.model_fields.items():
        path = (*above, name)
        if isinstance(field.default, BaseModel):
            yield _variable(path), '{"key": "value"}'
            yield from _structured(type(field.default), path)
        elif isinstance(field.default, tuple):
            yield _variable(path), '["one", "two"]'


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
