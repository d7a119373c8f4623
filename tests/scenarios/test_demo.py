"""The demo as it ships: a server of its own, recorded callers, scripted operators, in real time."""

from __future__ import annotations

import io
import json
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from voice_hitl.demo import run_demo

# One that stays with the AI, one that a person takes, one whose caller gives up while it rings.
NAMES = ["balance", "person", "hangup_ringing"]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.xdist_group("real-time")
def test_three_callers_end_as_their_files_say(tmp_path: Path) -> None:
    before = set(psutil.Process().children(recursive=True))
    shown = Console(file=io.StringIO(), width=120)
    out = tmp_path / "reports" / "out.json"
    passed = run_demo(
        pack="banking", names=NAMES, headless=True, report=out, together=3, console=shown
    )
    assert isinstance(shown.file, io.StringIO)
    assert passed, shown.file.getvalue()

    report = json.loads(out.read_bytes())
    calls = {call["scenario"]: call for call in report["calls"]}
    assert {name: call["outcome"] for name, call in calls.items()} == {
        "balance": "automated",
        "person": "handed_off",
        "hangup_ringing": "abandoned",
    }
    assert report["totals"]["as_expected"] == len(NAMES)

    person = calls["person"]
    assert {content["direction"] for content in person["content"]} == {"to_caller", "to_operator"}
    assert all(content["score"] > 0.6 for content in person["content"])
    handoff = person["handoff"]
    assert handoff["reasons"][0] == "explicit_request"
    assert handoff["brief"]["why"]
    assert 0 < handoff["decided_ms"] <= handoff["offered_ms"]
    assert handoff["offered_ms"] < handoff["accepted_ms"] < handoff["bridged_ms"]
    assert calls["balance"]["handoff"] is None
    assert calls["hangup_ringing"]["handoff"]["accepted_ms"] is None

    spoken = [turn for turn in calls["balance"]["turns"] if turn["role"] == "caller"]
    assert spoken[0]["reference"].startswith("hi could you tell me")
    assert spoken[0]["text"]
    assert 0 <= spoken[0]["confidence"] <= 1
    latency = spoken[0]["latency_ms"]
    assert latency.get("endpoint", latency.get("endpoint_unfinished", 0.0)) > 0
    assert report["totals"]["latency_ms"]["caller"]["response"]["n"] >= 2
    assert report["totals"]["latency_ms"]["caller"]["bridge"]["n"] == 1

    assert set(psutil.Process().children(recursive=True)) <= before, "the demo left processes"
