"""YAML read with its line numbers, so that every complaint about it can name file, line and mend."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from voice_hitl.errors import PackError

try:  # the same in C where PyYAML was built with it, and ten times faster
    from yaml import CSafeLoader as _Base
except ImportError:
    from yaml import SafeLoader as _Base  # type: ignore[assignment]

Key = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)

_MENDS = {
    "missing": "add it",
    "string_type": "write text here, in quotes if it looks like a number",
    "list_type": "write a list here, one '- ' line an entry",
    "dict_type": "write 'key: value' lines here",
    "too_short": "write more entries",
}


class _Loader(_Base):
    """YAML in which yes, no, on and off are words, as in YAML 1.2: callers say them."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


class YamlSource:
    """One YAML file: its plain data and the line of every key in it."""

    def __init__(self, path: Path) -> None:
        """Read the file. Raises `PackError` where it is absent, not YAML, or names a key twice."""
        self.path = path
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise PackError(f"{path}: there is no such file; add it to the pack") from None
        except (OSError, UnicodeDecodeError) as error:
            raise PackError(f"{path}: cannot be read as UTF-8 text: {error}") from error
        self._lines: dict[Key, int] = {(): 1}
        try:
            loader = _Loader(text)
            root = loader.get_single_node()
            if root is not None:
                self._walk(root, ())
            self.data: Any = None if root is None else loader.construct_document(root)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            raise PackError(
                f"{path}:{line}: not valid YAML: {error.problem or 'cannot be read'}; "
                "look for a missing colon, quote or wrong indentation there"
            ) from error
        except yaml.YAMLError as error:
            raise PackError(f"{path}: not valid YAML: {error}") from error
        if not isinstance(self.data, dict):
            raise PackError(f"{path}:1: must hold 'key: value' lines at its top")

    def _walk(self, node: yaml.Node, key: Key) -> None:
        self._lines.setdefault(key, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            seen: dict[str, int] = {}
            for name_node, value in node.value:
                name, line = str(name_node.value), name_node.start_mark.line + 1
                if name in seen:
                    raise PackError(
                        f"{self.path}:{line}: '{name}' is written twice (first in line "
                        f"{seen[name]}); keep one of them"
                    )
                seen[name] = line
                self._lines[(*key, name)] = line
                self._walk(value, (*key, name))
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                self._walk(value, (*key, index))

    def line(self, key: Sequence[str | int]) -> int:
        """Line of a key, or of its nearest parent that is written in the file."""
        wanted = tuple(key)
        while wanted not in self._lines:
            wanted = wanted[:-1]
        return self._lines[wanted]

    def error(self, key: Sequence[str | int], message: str) -> PackError:
        """Make the error for a place in this file; the message ends with the mend."""
        where = ".".join(str(part) for part in key)
        return PackError(f"{self.path}:{self.line(key)}: {where}: {message}")

    def validate(self, model: type[Model]) -> Model:
        """Check the data against a model. Raises `PackError` for the first thing wrong."""
        try:
            return model.model_validate(self.data)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key = tuple(part for part in first["loc"] if not str(part).startswith("function-"))
            kind = first["type"]
            if kind == "extra_forbidden":
                raise self.error(key, self._unknown(model, key)) from error
            message = first["msg"].removeprefix("Value error, ")
            mend = f"; {_MENDS[kind]}" if kind in _MENDS else ""
            raise self.error(key, message[0].lower() + message[1:] + mend) from error

    @staticmethod
    def _unknown(model: type[BaseModel], key: Key) -> str:
        """Words for an unknown key: the nearest known one, looked for in the whole model."""
        known: set[str] = set()
        todo: list[Any] = [model]
        while todo:
            each = todo.pop()
            if isinstance(each, type) and issubclass(each, BaseModel):
                known.update(field.alias or name for name, field in each.model_fields.items())
                todo.extend(field.annotation for field in each.model_fields.values())
            else:
                todo.extend(getattr(each, "__args__", ()))
        close = difflib.get_close_matches(str(key[-1]), sorted(known), n=1)
        return "unknown key; " + (f"write '{close[0]}'" if close else "remove it")
