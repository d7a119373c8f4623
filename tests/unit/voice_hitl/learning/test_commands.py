"""The commands as one types them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from handoff.errors import PolicyError
from handoff.learning import LearningError
from handoff.policy import Policy
from handoff.ports import CallRecord, Record, Store
from handoff.risk import SHIPPED, Models
from tests.unit.voice_hitl.learning.conftest import QUIET, in_store, keep
from voice_hitl.errors import ConfigError
from voice_hitl.learning import commands
from voice_hitl.learning.versions import in_force

app = typer.Typer()
app.add_typer(commands.learn, name="learn")
app.command("replay")(commands.replay)


@pytest.fixture
def run(data: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command on the data folder; returns what it printed, raises what it raised."""

    def typed(line: str, folder: Path = data) -> str:
        from rich.console import Console

        shown = Console(width=200)
        monkeypatch.setattr(commands, "console", shown)
        with shown.capture() as captured:
            result = CliRunner().invoke(app, [*line.split(), "--data", str(folder)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return captured.get()

    return typed


async def models_in_force(store: Store) -> Models:
    return (await in_force(store, Policy())).models


def test_learning_proposes_a_person_approves_and_takes_back(run: Any, data: Path) -> None:
    said = run("learn --report lesson.json")
    assert "q: the next answer or action is wrong: the challenger wins" in said
    assert "330 labels" in said
    assert "h: the conversation breaks down: not enough data: 0 of 100 labels" in said
    assert "m1 is proposed" in said
    lesson = json.loads(Path("lesson.json").read_text())
    assert lesson["proposal"] == "m1"
    assert lesson["trials"]["error"]["wins"] is True
    assert lesson["trials"]["error"]["high"] < 0
    assert in_store(data, models_in_force) == SHIPPED, "a proposal changes nothing"

    assert "m1 is active" in run("learn approve m1 --by ann")
    models = in_store(data, models_in_force)
    assert models.source == "m1"
    assert models.breakdown == SHIPPED.breakdown
    assert models.error != SHIPPED.error
    listed = run("learn list")
    assert "m1" in listed
    assert "active" in listed
    assert "ann" in listed

    assert "The shipped models are active again" in run("learn rollback --by bob")
    assert in_store(data, models_in_force) == SHIPPED
    assert "The shipped models are active." in run("learn list")
    events = in_store(data, lambda store: store.events())
    assert {(event.action, event.actor) for event in events} == {
        ("model_proposed", "server"),
        ("model_approved", "ann"),
        ("model_rolled_back", "bob"),
    }


def test_what_was_learned_is_not_learned_twice(run: Any, data: Path) -> None:
    run("learn")
    run("learn approve m1 --by ann")
    said = run("learn")
    assert "Champion (m1)" in said
    assert "the champion stays" in said
    assert len(in_store(data, lambda store: store.models())) <= 2


def test_marks_are_proposed_where_the_budget_would_be_left(run: Any, data: Path) -> None:
    said = run("learn")
    run("learn approve m1 --by ann")
    now = in_store(data, lambda store: in_force(store, Policy()))
    assert now.version == "m1"
    (record,) = in_store(data, lambda store: store.models())
    marks = record.evidence["marks"]
    assert marks["share_after"] <= Policy().budget.high < marks["share_before"]
    assert f"high {marks['high']:g} and low {marks['low']:g}" in said
    assert now.policy.hysteresis.high == marks["high"] > Policy().hysteresis.high


def test_an_empty_database_says_what_is_missing(run: Any, tmp_path: Path) -> None:
    keep(tmp_path / "empty", [])
    said = run("learn", tmp_path / "empty")
    assert "not enough data: 0 of 100 labels, 0 of 20 labels that say yes" in said
    assert "Marks: not enough data: 0 of 100 recorded calls" in said
    assert "Nothing is proposed." in said
    assert in_store(tmp_path / "empty", lambda store: store.models()) == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("learn approve m9 --by ann", "no version 'm9'"),
        ("learn rollback", "nothing to roll back"),
        ("replay CA0 --model m9", "no model 'm9'; known: shipped"),
    ],
)
def test_what_cannot_be_is_one_clear_error(run: Any, line: str, words: str) -> None:
    with pytest.raises(LearningError, match=words):
        run(line)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("replay", "name one call, or give --all"),
        ("replay CA0 --all", "name one call, or give --all"),
        ("replay CA999", "no call 'CA999'"),
        ("replay CA0 --policy nowhere.yaml", "neither a file nor a version that is kept"),
    ],
)
def test_misuse_is_said(run: Any, line: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        run(line)


def test_options_in_the_wrong_place_are_not_dropped_in_silence(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["learn", "--data", str(tmp_path), "list"])
    assert isinstance(result.exception, ConfigError)
    assert "behind 'list'" in str(result.exception)


def test_without_a_database_nothing_is_made(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["learn", "list", "--data", str(tmp_path)])
    assert isinstance(result.exception, ConfigError)
    assert list(tmp_path.iterdir()) == []


# --- replay ---


def test_a_call_is_decided_as_it_was(run: Any) -> None:
    said = run("replay CA3")
    assert "Every decision is exactly as it was." in said
    assert "please do number 3 and 2" in said
    assert "110 calls, 110 decided again, 0 differ; handed off: 0, would be: 0" in run(
        "replay --all"
    )


def test_another_policy_decides_otherwise(run: Any) -> None:
    Path("policy.yaml").write_text("hysteresis:\n  high: 0.5\n  low: 0.0\n")
    said = run("replay --all --policy policy.yaml --report out.json")
    report = json.loads(Path("out.json").read_text())
    totals = report["totals"]
    assert totals["calls"] == totals["replayed"] == 110
    assert totals["handed_off_was"] == 0 < totals["handed_off_now"] == totals["differ"]
    assert f"{totals['differ']} differ" in said
    call = next(c for c in report["calls"] if c["first_handoff"]["now"] is not None)
    turn = next(t for t in call["turns"] if t["differs"])
    assert turn["turn"] == call["first_handoff"]["now"]
    assert (turn["was"]["hand_off"], turn["now"]["hand_off"]) == (False, True)
    shown = run(f"replay {call['call_id']} --policy policy.yaml")
    assert "the AI goes on" in shown
    assert "a person: " in shown


def test_a_version_that_was_kept_is_a_policy_too(run: Any) -> None:
    assert "0 differ" in run(f"replay --all --policy {QUIET.version}")


def test_a_learned_model_decides_otherwise_and_the_shipped_one_does_not(run: Any) -> None:
    run("learn")
    assert "exactly as it was" not in run("replay CA3 --model m1")
    assert "exactly as it was" in run("replay CA3 --model shipped")


def test_a_versions_marks_go_with_it_unless_a_policy_is_named(run: Any, data: Path) -> None:
    run("learn")
    (record,) = in_store(data, lambda store: store.models())
    share = record.evidence["marks"]["share_after"]
    assert f"would be: {round(share * 110)}" in run("replay --all --model m1")
    assert "would be: 0" in run(f"replay --all --model m1 --policy {QUIET.version}")


def test_a_call_that_a_learned_model_decided_is_replayed_with_it(run: Any, data: Path) -> None:
    run("learn")
    before = run("replay CA3 --model m1").partition("V: ")
    call = in_store(data, lambda store: store.call("CA3"))
    assert call is not None
    keep(data, [replace(call, model_version="m1")])
    after = run("replay CA3").partition("V: ")
    assert after[0] == before[0]
    assert "above 99 once" in after[2], "the call's own marks, not those that the version brings"
    assert "above 99 once" not in before[2]


def test_a_call_without_facts_is_said(run: Any, data: Path) -> None:
    old: list[Record] = [CallRecord("OLD", "+1", "banking", "en", 1.0)]
    keep(data, old)
    assert "is not kept, or cannot be read" in run("replay OLD")
    assert "111 calls, 110 decided again" in run("replay --all")


def test_a_bad_policy_file_names_the_field(run: Any) -> None:
    Path("policy.yaml").write_text("hysterisis: {}\n")
    with pytest.raises(PolicyError, match="write 'hysteresis'"):
        run("replay CA0 --policy policy.yaml")
