from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from handoff.conduct import CODES, SHIPPED_ACTION, fit_action
from voice_hitl.errors import VoiceHitlError
from voice_hitl.evaluate.actions import (
    BASELINES,
    ActionsReport,
    Conversation,
    evaluate_actions,
    group_of,
    read_facts,
)
from voice_hitl.evaluate.commands import evaluate
from voice_hitl.evaluate.files import DataError, read_rows

DATA = Path(os.environ.get("VOICE_HITL_DATA", "../shared/data"))
TAUBENCH = DATA / "taubench_airline" / "conversations.jsonl"


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def agent(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def call(name: str, **arguments: Any) -> dict[str, Any]:
    calls = [{"name": name, "arguments": arguments}]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def tool(text: str, name: str = "pay") -> dict[str, Any]:
    return {"role": "tool", "content": text, "name": name}


def line(task: int, bad: bool, *, careless: bool | None = None) -> dict[str, Any]:
    """A payment that was agreed on, or (careless) one that nobody spoke of."""
    careless = bad if careless is None else careless
    arguments = {"to": "Ann", "amount": 50}
    if careless:
        arguments = {"to": "Ann", "amount": 999, "speed": "fast", "fee": 30, "memo": "rent"}
    messages = [
        user("please pay Ann the amount of 50"),
        call("look_up", payee="Ann"),
        tool('{"account": "ACC-1234"}', "look_up"),
        agent("Pay $50 to Ann?"),
        user("hm, what" if careless else "yes"),
        call("pay", **arguments),
        tool("Error: no" if bad else "done"),
    ]
    action = {
        "at": 5,
        "name": "pay",
        "arguments": arguments,
        "effect": "irreversible",
        "bad": bad,
    }
    return {
        "conversation_id": f"t{task}-{bad}",
        "task_id": task,
        "messages": messages,
        "actions": [action],
        "failed": bad,
    }


def rows(*lines: dict[str, Any]) -> list[Conversation]:
    return [Conversation.model_validate(each) for each in lines]


def scored(train: list[Conversation], test: list[Conversation]) -> ActionsReport:
    return evaluate_actions(train, test, replicates=5)


TRAIN = rows(*(line(task, bad) for task in range(8) for bad in (False, True)))


def test_a_bad_action_is_the_positive_class() -> None:
    report = scored(TRAIN, rows(line(20, False), line(20, True), line(21, True)))
    assert report.auc == 1.0
    assert report.ap == 1.0
    assert (report.actions, report.bad, report.groups) == (3, 2, 2)
    assert report.table().title == "Bad actions: 2 of 3 (2 tasks)"
    alone = scored(TRAIN, rows(line(20, False), line(20, True)))
    assert alone.table().title == "Bad actions: 1 of 2 (1 task)"
    assert set(report.baselines) == set(BASELINES)
    assert report.baselines["base_rate"]["auc"] == 0.5
    assert report.baselines["base_rate"]["brier"] == pytest.approx(0.25)
    upside_down = rows(line(20, False, careless=True), line(20, True, careless=False))
    assert scored(TRAIN, upside_down).auc == 0.0


def test_the_report_is_json_with_the_keys_at_the_top() -> None:
    mixed = rows(*(line(task, task % 2 == 0, careless=task % 3 == 0) for task in range(12)))
    report = json.loads(scored(TRAIN, mixed).model_dump_json())
    assert {"auc", "brier", "ap", "baselines", "intervals", "ece"} <= set(report)
    assert set(report["intervals"]) == {"auc", "brier", "ap"}


@pytest.mark.parametrize(("bad", "word"), [(True, "bad"), (False, "good")])
def test_a_test_file_of_one_kind_of_action_is_refused(tmp_path: Path, bad: bool, word: str) -> None:
    for name, lines in (
        ("train", [line(1, True), line(2, False)]),
        ("test", [line(3, bad), line(4, bad)]),
    ):
        (tmp_path / name).write_text("\n".join(json.dumps(each) for each in lines))
    options = [f"--{name}={tmp_path / name}" for name in ("train", "test")]
    result = CliRunner().invoke(evaluate, ["actions", *options])
    assert isinstance(result.exception, DataError)
    assert str(result.exception).startswith(f"{tmp_path}/test: every action is {word}")


def test_the_name_alone_is_shrunk_and_unknown_names_get_the_mean() -> None:
    train = [line(1, True), line(2, False), line(3, True)]
    train[1]["actions"][0]["name"] = "refund"
    test = [line(4, True), line(4, False), line(5, False)]
    test[1]["actions"][0]["name"] = "refund"
    test[2]["actions"][0]["name"] = "never_seen"
    p = [(2 + 4 * 2 / 3) / 6, (0 + 4 * 2 / 3) / 5, 2 / 3]
    expected = ((p[0] - 1) ** 2 + p[1] ** 2 + p[2] ** 2) / 3
    found = scored(rows(*train), rows(*test)).baselines["action_name"]
    assert found["brier"] == pytest.approx(expected)


@settings(max_examples=30, deadline=None)
@given(
    at=st.integers(0, 7),
    texts=st.lists(st.text(max_size=30), max_size=4),
    failed=st.booleans(),
    bad=st.booleans(),
)
def test_nothing_at_or_after_the_action_changes_its_score(
    at: int, texts: list[str], failed: bool, bad: bool
) -> None:
    plain = line(1, bad=False)
    plain["actions"][0]["at"] = at
    later = json.loads(json.dumps(plain))
    later["messages"][at:] = [user(text) for text in texts] + [tool("Error"), call("pay", x=1)]
    later["actions"].append({**plain["actions"][0], "at": at, "name": "other", "bad": True})
    later["actions"][0]["bad"] = bad
    later["failed"] = failed
    before, after = rows(plain, later)
    assert read_facts(after)[0] == read_facts(before)[0]


def test_facts_stay_with_their_action_whatever_the_order_in_the_file() -> None:
    both = line(1, bad=True)
    early = {"at": 1, "name": "pay", "arguments": {}, "effect": "irreversible", "bad": False}
    both["actions"].append(early)
    turned = {**both, "actions": both["actions"][::-1]}
    forward, backward = rows(both, turned)
    assert read_facts(forward) == read_facts(backward)[::-1]


def test_an_earlier_failure_is_seen_and_the_own_result_is_not() -> None:
    failing = line(1, bad=True)
    again = {**failing["actions"][0], "at": 7}
    failing["actions"].append(again)
    first, second = read_facts(rows(failing)[0])
    assert first[CODES.index("failed_before")] == 0
    assert second[CODES.index("failed_before")] == 0.5


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"role": "user"}],
        [{"role": "assistant", "content": None, "tool_calls": None}],
        [{"role": "assistant", "tool_calls": [{"name": "x"}, {"arguments": None}]}],
        [{"role": "tool", "content": None}],
        [{"role": "system", "content": "be kind"}],
    ],
)
def test_missing_fields_are_no_error(messages: list[dict[str, Any]]) -> None:
    odd = {"conversation_id": "c", "messages": messages}
    odd["actions"] = [{"at": len(messages), "name": "unheard_of", "bad": True}]
    report = scored(TRAIN, rows(odd))
    assert report.actions == 1
    assert np.isnan(report.auc)
    assert group_of(rows(odd)[0]) == "c"


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"actions": [{"at": 99, "name": "x", "bad": True}]}, "beyond the messages"),
        ({"actions": [{"at": 0, "name": "x"}]}, "actions.0.bad"),
        ({"messages": "none"}, "messages"),
    ],
)
def test_a_bad_line_is_one_clear_error(tmp_path: Path, broken: dict[str, Any], says: str) -> None:
    file = tmp_path / "bad.jsonl"
    good = json.dumps(line(1, True))
    file.write_text(f"{good}\n{json.dumps({**line(2, True), **broken})}\n", encoding="utf-8")
    with pytest.raises(DataError, match=rf"line 2: .*{says}"):
        read_rows([file], Conversation)


def test_a_training_part_of_one_kind_is_refused() -> None:
    with pytest.raises(DataError, match="good and bad"):
        evaluate_actions(rows(line(1, True)), TRAIN)
    with pytest.raises(DataError, match="no action"):
        evaluate_actions(TRAIN, rows({**line(1, True), "actions": []}))


def test_the_command_prints_a_table_and_writes_the_report(tmp_path: Path) -> None:
    file, report = tmp_path / "rows.jsonl", tmp_path / "out" / "report.json"
    lines = [json.dumps(line(task, bad)) for task in range(2) for bad in (False, True)]
    file.write_text("\n".join(lines), encoding="utf-8")
    arguments = ["actions", "--train", str(file), "--test", str(file), "--report", str(report)]
    result = CliRunner().invoke(evaluate, arguments)
    assert result.exit_code == 0, result.output
    assert json.loads(report.read_text(encoding="utf-8"))["auc"] == 1.0
    missing = CliRunner().invoke(evaluate, [*arguments[:4], str(tmp_path / "none.jsonl")])
    assert isinstance(missing.exception, VoiceHitlError)


needs_taubench = pytest.mark.skipif(
    not TAUBENCH.exists(), reason=f"needs {TAUBENCH}: set VOICE_HITL_DATA to the shared data"
)


@needs_taubench
def test_the_shipped_weights_are_those_of_the_shared_data() -> None:
    known = read_rows([TAUBENCH], Conversation)
    facts = [found for row in known for found in read_facts(row)]
    bad = [action.bad for row in known for action in row.actions]
    again = fit_action(facts, bad, source="again")
    assert again.weights == pytest.approx(SHIPPED_ACTION.weights, abs=2e-3)
    assert again.intercept == pytest.approx(SHIPPED_ACTION.intercept, abs=5e-3)
    assert again.base_rate == pytest.approx(SHIPPED_ACTION.base_rate, abs=1e-4)


@needs_taubench
def test_on_tasks_held_out_conduct_beats_the_name_of_the_action() -> None:
    known = read_rows([TAUBENCH], Conversation)
    tasks = np.array([group_of(row) for row in known])
    ours, theirs = [], []
    for seed in range(3):
        shuffled = np.random.default_rng(seed).permutation(np.unique(tasks))
        for half in np.array_split(shuffled, 2):
            held = np.isin(tasks, half)
            report = scored(
                [row for row, out in zip(known, held, strict=True) if not out],
                [row for row, out in zip(known, held, strict=True) if out],
            )
            ours.append(report.auc)
            theirs.append(report.baselines["action_name"]["auc"])
    assert np.mean(ours) > 0.78
    assert np.mean(ours) > np.mean(theirs) + 0.03
