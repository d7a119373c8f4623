from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from voice_hitl.agent.spec import ToolSpec
from voice_hitl.agent.tools import (
    ToolCall,
    ToolResult,
    ToolTimeout,
    load_toolbox_type,
    run_tool,
)
from voice_hitl.errors import PackError, ToolError

CALL = ToolCall("call", "+1", "call:1")


class Box:
    """Tools that do what their names say."""

    def __init__(self) -> None:
        self.paid: list[str] = []

    async def pay(self, call: ToolCall, *, amount: str) -> ToolResult:
        self.paid.append(f"{call.action_id} {amount}")
        return ToolResult(f"Paid {amount}", {"left": "1.00"})

    async def hang(self, call: ToolCall) -> ToolResult:
        await asyncio.Event().wait()
        raise AssertionError("never")

    async def fail(self, call: ToolCall) -> ToolResult:
        raise ToolError("out of order")

    async def crash(self, call: ToolCall) -> ToolResult:
        raise KeyError("bug")

    async def aclose(self) -> None:
        pass


def spec(**keys: object) -> ToolSpec:
    return ToolSpec.model_validate({"effect": "reversible", "summary": "Do {amount}", **keys})


PAY = spec(arguments=["amount"], returns=["left"])


async def test_a_tool_runs_and_gives_its_results() -> None:
    result = await run_tool(Box(), "pay", PAY, CALL, {"amount": "5.00"})
    assert (result.report, result.values["left"]) == ("Paid 5.00", "1.00")


async def test_failures_are_tool_errors() -> None:
    with pytest.raises(ToolError, match="out of order"):
        await run_tool(Box(), "fail", spec(), CALL, {})
    with pytest.raises(ToolError, match="crash: KeyError"):
        await run_tool(Box(), "crash", spec(), CALL, {})
    with pytest.raises(ToolError, match="gave no 'more'"):
        await run_tool(
            Box(), "pay", spec(arguments=["amount"], returns=["more"]), CALL, {"amount": "1"}
        )
    with pytest.raises(ToolTimeout, match=r"no answer within 0\.01 s"):
        await run_tool(Box(), "hang", spec(timeout=0.01), CALL, {})


def test_loading_a_toolbox() -> None:
    assert load_toolbox_type("voice_hitl.packs.banking.bank:Bank").__name__ == "Bank"
    with pytest.raises(PackError, match="cannot import"):
        load_toolbox_type("no_such_module:Thing")
    with pytest.raises(PackError, match="has no class Path2"):
        load_toolbox_type("pathlib:Path2")


def test_a_toolbox_gets_the_data_folder(tmp_path: Path) -> None:
    made = load_toolbox_type("voice_hitl.packs.banking.bank:Bank")(tmp_path, {})
    assert hasattr(made, "transfer")
