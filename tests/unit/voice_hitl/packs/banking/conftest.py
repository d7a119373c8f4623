from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from voice_hitl.agent.flow import FlowAgent
from voice_hitl.agent.pack import load_pack
from voice_hitl.agent.protocol import Proposal, Verdict
from voice_hitl.agent.testing import TextCall, trained
from voice_hitl.packs.banking.bank import Bank

TODAY = dt.date(2025, 3, 12)  # a Wednesday
Dial = Callable[..., TextCall]


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    return Bank(tmp_path, {}, today=lambda: TODAY)


@pytest.fixture
def dial(bank: Bank, tmp_path: Path) -> Dial:
    """Start a call by text to an agent of the banking pack."""
    agent = FlowAgent(
        load_pack("banking"),
        tmp_path,
        models=trained("banking"),
        toolbox=bank,
        today=lambda: TODAY,
    )
    calls = 0

    def start(
        caller: str = "+15550100",
        *,
        safe_mode: bool = False,
        judge: Callable[[Proposal], Verdict] = lambda proposal: Verdict(allowed=True),
    ) -> TextCall:
        nonlocal calls
        calls += 1
        return TextCall(agent, caller, call_id=f"call{calls}", judge=judge, safe_mode=safe_mode)

    return start
