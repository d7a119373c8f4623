"""Tools: what an agent can do, bound by name to a class that the pack names.

A toolbox is any class with a constructor `(data: Path, parameters: Mapping[str, str])`, one coroutine
method a tool (`async def transfer(self, call: ToolCall, *, source: str, ...) -> ToolResult`) and
`async def aclose(self)`.
"""

from __future__ import annotations

import asyncio
import difflib
import importlib
import inspect
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

from handoff.events import Effect
from voice_hitl.agent.guard import hide, mask
from voice_hitl.agent.spec import ToolSpec
from voice_hitl.agent.yaml_source import YamlSource
from voice_hitl.errors import PackError, ToolError
from voice_hitl.log import get_logger

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """On whose behalf a tool runs."""

    call_id: str
    caller: str  # the caller's number, as telephony gives it
    action_id: str  # unique; a tool that changes something does so once for each


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool found or did."""

    report: str  # one line for an operator
    values: Mapping[str, str] = field(default_factory=dict)  # the tool's declared `returns`


class ToolUnclear(ToolError):
    """A tool that changes something did not say what came of it; it may have happened all the same."""


class Toolbox(Protocol):
    """What every toolbox has beside its tools."""

    async def aclose(self) -> None:
        """Release what the tools hold."""


ToolboxType = Callable[[Path, Mapping[str, str]], Toolbox]


async def run_tool(
    toolbox: Toolbox,
    name: str,
    spec: ToolSpec,
    call: ToolCall,
    arguments: Mapping[str, str],
    sensitive: Collection[str] = (),
) -> ToolResult:
    """Run a tool within its time; the values of `sensitive` arguments are not logged.

    Raises `ToolError` when nothing was changed: the tool said so by this error, could not be called, or only
    reads. Raises `ToolUnclear` when one that changes something broke otherwise, did not answer, or left out a
    result.
    """
    method = cast("Callable[..., Awaitable[ToolResult]]", getattr(toolbox, name))
    try:
        work = method(call, **arguments)
    except TypeError as error:
        raise ToolError(f"{name}: {error}") from error
    try:
        async with asyncio.timeout(spec.timeout):
            result = await work
    except ToolError:
        raise
    except TimeoutError as error:
        raise _broke(spec, f"{name}: no answer within {spec.timeout:g} s") from error
    except (
        Exception
    ) as error:  # tools are other people's code: their bugs end an action, not the call
        secrets = [value for each, value in arguments.items() if each in sensitive]
        why = mask(hide(repr(error), secrets))
        log.error("a tool broke", tool=name, action_id=call.action_id, error=why)
        raise _broke(spec, f"{name}: {type(error).__name__}: {error}") from error
    missing = [value for value in spec.returns if value not in result.values]
    if missing:
        log.error("a tool gave no result", tool=name, action_id=call.action_id, missing=missing)
        raise _broke(spec, f"{name}: gave no '{missing[0]}' ({result.report})")
    return result


def _broke(spec: ToolSpec, what: str) -> ToolError:
    if spec.effect is Effect.READ:
        return ToolError(what)
    return ToolUnclear(f"{what}; it may have been done all the same")


def load_toolbox_type(path: str) -> ToolboxType:
    """Import "module:Class". Raises `PackError` when there is none."""
    module_name, _, class_name = path.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise PackError(f"tools '{path}': cannot import {module_name}: {error}") from error
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        raise PackError(f"tools '{path}': module {module_name} has no class {class_name}")
    return cast("ToolboxType", found)


def check_tools(
    info: YamlSource, agent: YamlSource, path: str, specs: Mapping[str, ToolSpec]
) -> None:
    """Check that the class has every declared tool with its arguments. Raises `PackError`."""
    try:
        toolbox = load_toolbox_type(path)
    except PackError as error:
        raise info.error(("tools",), f"{error}; mend the path or install the module") from error
    for name, spec in specs.items():
        method = getattr(toolbox, name, None)
        if not inspect.iscoroutinefunction(method):
            have = [each for each, _ in inspect.getmembers(toolbox, inspect.iscoroutinefunction)]
            close = difflib.get_close_matches(name, have, n=1)
            mend = f"rename it to '{close[0]}'" if close else f"add 'async def {name}'"
            raise agent.error(("tools", name), f"{path} has no coroutine of this name; {mend}")
        takes = {
            each.name: each.default is inspect.Parameter.empty
            for each in inspect.signature(method).parameters.values()
            if each.kind is inspect.Parameter.KEYWORD_ONLY
        }
        given = {*spec.arguments, *spec.optional}
        for argument in sorted(given - takes.keys()):
            raise agent.error(
                ("tools", name, "arguments"),
                f"{path}.{name} takes no keyword-only '{argument}'; it takes {', '.join(takes)}",
            )
        for argument, needed in takes.items():
            if needed and argument not in spec.arguments:
                raise agent.error(
                    ("tools", name, "arguments"), f"{path}.{name} needs '{argument}'; add it"
                )
