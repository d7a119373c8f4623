from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from voice_hitl.agent.spec import ToolSpec
from voice_hitl.agent.tools import (
    ToolCall,
    ToolResult,
    ToolUnclear,
    load_toolbox_type,
    run_tool,
)
from voice_hitl.errors import PackError, ToolError

CALL = ToolCall("call", "+1", "call:1")


class Lost(Exception):
    """Of a library that a tool uses."""


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

    async def reset(self, call: ToolCall) -> ToolResult:
        raise ConnectionResetError("after the request was sent")

    async def lose(self, call: ToolCall) -> ToolResult:
        raise Lost("no such class of ours")

    async def aclose(self) -> None:
        pass


def spec(**keys: object) -> ToolSpec:
    return ToolSpec.model_validate({"effect": "reversible", "summary": "Do {amount}", **keys})


PAY = spec(arguments=["amount"], returns=["left"])


async def test_a_tool_runs_and_gives_its_results() -> None:
    result = await run_tool(Box(), "pay", PAY, CALL, {"amount": "5.00"})
    assert (result.report, result.values["left"]) == ("Paid 5.00", "1.00")


BROKEN = [
    ("crash", {}, "crash: KeyError"),
    ("reset", {}, "reset: ConnectionResetError: after the request was sent"),
    ("lose", {}, "lose: Lost: no such class of ours"),
    ("pay", {"arguments": ["amount"], "returns": ["more"]}, r"gave no 'more' \(Paid 1\)"),
    ("hang", {"timeout": 0.01}, r"no answer within 0\.01 s"),
]


@pytest.mark.parametrize(("name", "keys", "words"), BROKEN)
@pytest.mark.parametrize("effect", ["read", "reversible", "irreversible"])
async def test_a_change_that_broke_may_have_happened(
    effect: str, name: str, keys: dict[str, object], words: str
) -> None:
    arguments = {"amount": "1"} if name == "pay" else {}
    with pytest.raises(ToolError, match=words) as raised:
        await run_tool(Box(), name, spec(**keys, effect=effect, safe_mode="No."), CALL, arguments)
    assert isinstance(raised.value, ToolUnclear) is (effect != "read")
    assert ("may have been done" in str(raised.value)) is (effect != "read")


@pytest.mark.parametrize(("name", "words"), [("fail", "out of order"), ("pay", "amount")])
async def test_what_says_so_or_was_not_begun_has_not_happened(name: str, words: str) -> None:
    with pytest.raises(ToolError, match=words) as raised:
        await run_tool(Box(), name, spec(), CALL, {})
    assert not isinstance(raised.value, ToolUnclear)


def test_loading_a_toolbox() -> None:
    assert load_toolbox_type("voice_hitl.packs.banking.bank:Bank").__name__ == "Bank"
    with pytest.raises(PackError, match="cannot import"):
        load_toolbox_type("no_such_module:Thing")
    with pytest.raises(PackError, match="has no class Path2"):
        load_toolbox_type("pathlib:Path2")


def test_a_toolbox_gets_the_data_folder(tmp_path: Path) -> None:
    made = load_toolbox_type("voice_hitl.packs.banking.bank:Bank")(tmp_path, {})
    assert hasattr(made, "transfer")


async def test_the_log_of_a_broken_tool_holds_nothing_sensitive() -> None:
    class Chatty(Box):
        async def tell(self, call: ToolCall, *, pin: str, amount: str) -> ToolResult:
            raise KeyError(f"no row for {pin} of {amount}")

    spec = ToolSpec.model_validate(
        {"effect": "read", "summary": "x", "arguments": ["pin", "amount"]}
    )
    with capture_logs() as logged, pytest.raises(ToolError):
        await run_tool(Chatty(), "tell", spec, CALL, {"pin": "4821", "amount": "50"}, {"pin"})
    (entry,) = logged
    assert entry["error"] == "KeyError('no row for •••• of 50')"
