"""Reads scenarios from YAML files; whatever is wrong is named by file, line, field and mend."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml
from pydantic import ValidationError

from voice_hitl.errors import ScenarioError
from voice_hitl.simulate.scenario import STEP_KINDS, Scenario


def load_scenario(path: Path) -> Scenario:
    """Read one scenario and check its recordings; raises `ScenarioError`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: cannot be read ({error})") from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else None
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        raise ScenarioError(f"{_place(path, line)}: is no valid YAML: {problem}") from error
    if not isinstance(values, dict) or "source" in values:
        raise ScenarioError(f"{path}: must hold the fields of one scenario (see docs/scenarios.md)")
    _refuse_twins(path, node)
    try:
        scenario = Scenario.model_validate({**values, "source": path})
    except ValidationError as error:
        raise ScenarioError(_explain(path, node, error)) from error
    _check_recordings(scenario, node)
    return scenario


def load_scenarios(paths: Sequence[Path]) -> list[Scenario]:
    """Read files, and all `*.yaml` of folders; raises `ScenarioError`, also for two of one name."""
    files: list[Path] = []
    for path in paths:
        found = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
        if not found:
            raise ScenarioError(f"{path}: holds no scenario (*.yaml)")
        files += found
    named: dict[str, Scenario] = {}
    scenarios = []
    for file in files:
        scenario = load_scenario(file)
        twin = named.setdefault(scenario.name, scenario)
        if twin.source != scenario.source:
            raise ScenarioError(
                f"{scenario.source}: name: {scenario.name!r} is already taken by {twin.source}"
            )
        scenarios.append(scenario)
    return scenarios


def _check_recordings(scenario: Scenario, node: yaml.Node | None) -> None:
    """Every recording must be there and be speech before any call is made."""
    names = [saying.say for saying in scenario.sayings()]
    if scenario.operator is not None and scenario.operator.say is not None:
        names.append(scenario.operator.say)
    for name in names:
        try:
            scenario.clip(name)
        except ScenarioError as error:
            place = _place(scenario.source, _line_with(node, name))
            raise ScenarioError(f"{place}: {error}") from error
    try:
        scenario.make_noise()
    except ScenarioError as error:
        place = _place(scenario.source, _line_at(node, ("noise", "wav")))
        raise ScenarioError(f"{place}: {error}") from error


def _explain(path: Path, node: yaml.Node | None, error: ValidationError) -> str:
    """One line for the first thing that is wrong; a misspelt field before what is then missing."""
    errors = error.errors()
    first = next((e for e in errors if e["type"] == "extra_forbidden"), errors[0])
    field = _field(node, first["loc"], missing=first["type"] == "missing")
    what = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        what = "there is no such field; see docs/scenarios.md"
    elif first["type"] == "missing":
        what = "is missing"
    elif first["type"] != "value_error" and isinstance(first["input"], str | int | float):
        what += f" (got {first['input']!r})"
    name = ".".join(str(part) for part in field) or "(top level)"
    return f"{_place(path, _line_at(node, field))}: {name}: {what}"


def _field(
    node: yaml.Node | None, loc: Sequence[int | str], *, missing: bool
) -> tuple[int | str, ...]:
    """The path of a field in the file: pydantic's location without the names of union members."""
    path: list[int | str] = []
    after_index = False
    for part in loc:
        is_tag = after_index and part in STEP_KINDS
        after_index = isinstance(part, int)
        inner = None if is_tag else _child(node, part)
        if inner is not None:
            path.append(part)
            node = inner[1]
    if missing:
        path.append(loc[-1])
    return tuple(path)


def _child(node: yaml.Node | None, part: int | str) -> tuple[yaml.Node, yaml.Node] | None:
    """Key (or item) and value of one part of a path."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == part:
                return key, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None


def _line_at(node: yaml.Node | None, path: Sequence[int | str]) -> int | None:
    """Line (from 1) of the innermost part of a path that is there."""
    line = None
    for part in path:
        found = _child(node, part)
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line


def _line_with(node: yaml.Node | None, value: str) -> int | None:
    """Line (from 1) of the first scalar with this value."""
    if isinstance(node, yaml.ScalarNode):
        return node.start_mark.line + 1 if node.value == value else None
    if isinstance(node, yaml.MappingNode):
        inner = [part for _, part in node.value]
    else:
        inner = node.value if isinstance(node, yaml.SequenceNode) else []
    return next((line for part in inner if (line := _line_with(part, value)) is not None), None)


def _refuse_twins(path: Path, node: yaml.Node | None) -> None:
    """A key that is given twice would silently lose its first value."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                place = _place(path, key.start_mark.line + 1)
                raise ScenarioError(f"{place}: {key.value}: is given twice; keep one")
            seen.add(key.value)
            _refuse_twins(path, value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_twins(path, item)


def _place(path: Path, line: int | None) -> str:
    return str(path) if line is None else f"{path}:{line}"
