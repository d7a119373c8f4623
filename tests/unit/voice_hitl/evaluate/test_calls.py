from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from handoff.acts import training
from voice_hitl.errors import VoiceHitlError
from voice_hitl.evaluate import calls as module
from voice_hitl.evaluate.calls import (
    BASELINES,
    Call,
    CallsReport,
    _Calls,
    _figures,
    evaluate_calls,
    group_of,
    routed,
)
from voice_hitl.evaluate.commands import evaluate
from voice_hitl.evaluate.files import DataError, read_rows

KEYS = {"auc", "ap", "brier", "ece", "precision_at", "recall_at", "median_lead_turns", "baselines"}


def line(name: str, length: int, outcome: str, *, act: str = "tell") -> dict[str, Any]:
    """A call in which both speak in turn, the agent first."""
    turns = [
        {"speaker": "caller", "acts": [{"act": act, "entities": ["thing"]}]}
        if at % 2
        else {"speaker": "agent", "acts": [{"act": f"ask_{min(at, 8)}", "entities": []}]}
        for at in range(length)
    ]
    return {"call_id": name, "turns": turns, "outcome": outcome}


def call(name: str, length: int, outcome: str, *, act: str = "tell") -> Call:
    return Call.model_validate(line(name, length, outcome, act=act))


def some(count: int, start: int = 0) -> list[Call]:
    """Calls of which those that complain are handed off."""
    return [
        call(f"c{at}", 11 + at % 5, "handed_off", act="complain")
        if at % 3 == 0
        else call(f"c{at}", 11 + at % 4, "completed")
        for at in range(start, start + count)
    ]


TRAIN, TEST = some(60), some(30, 100)


@pytest.fixture(scope="module", autouse=True)
def _few_trees() -> Iterator[None]:
    """A small trade needs no large forest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "TREES", 30)
        yield


@pytest.fixture(scope="module")
def report() -> CallsReport:
    return evaluate_calls(TRAIN, TEST, replicates=20)


# Four calls: prefixes at 4, 6, 8 (of 9 turns) or 4, 6 (of 7).
HAND = _Calls(
    [
        call("a", 9, "handed_off"),
        call("b", 9, "completed"),
        call("c", 7, "handed_off"),
        call("d", 7, "completed"),
    ]
)
SCORES = np.array([0.1, 0.8, 0.7, 0.1, 0.2, 0.9, 0.3, 0.2, 0.1, 0.0])
EVERYONE = np.arange(4)


def test_prefixes_and_labels_are_as_defined() -> None:
    assert [(p.call_id, p.turns) for p in HAND.prefixes] == [
        *(("a", n) for n in (4, 6, 8)),
        *(("b", n) for n in (4, 6, 8)),
        *(("c", n) for n in (4, 6)),
        *(("d", n) for n in (4, 6)),
    ]
    assert HAND.labels.tolist() == [0, 1, 1, 0, 0, 0, 1, 1, 0, 0], "4 of 9 is five turns away"


def test_figures_of_prefixes_are_those_done_by_hand() -> None:
    found = _figures(HAND, SCORES, EVERYONE)
    # 4 positives (0.8 0.7 0.3 0.2), 6 others (0.9 0.2 0.1 0.1 0.1 0): 0.9 beats all, 0.2 ties once
    assert found.auc == pytest.approx((5 + 5 + 5 + 4.5) / 24)
    assert found.ap == pytest.approx((1 / 2 + 2 / 3 + 3 / 4 + 4 / 6) / 4)
    squares = [0.01, 0.04, 0.09, 0.01, 0.04, 0.81, 0.49, 0.64, 0.01, 0.0]
    assert found.brier == pytest.approx(sum(squares) / 10)
    errors = [abs(p - y) for p, y in zip(SCORES, HAND.labels, strict=True)]
    assert found.ece == pytest.approx(sum(errors) / 10), "ten prefixes, ten bins"


def test_calls_are_ranked_by_their_highest_prefix() -> None:
    assert HAND.highest(SCORES).tolist() == [0.8, 0.9, 0.3, 0.1]
    found = _figures(HAND, SCORES, EVERYONE)
    assert found.precision_at == {"0.05": 0.0, "0.10": 0.0, "0.15": 0.0}, "one call, b"
    assert found.recall_at["0.10"] == 0.0
    assert found.median_lead_turns is None


def test_budgets_and_lead_over_twenty_calls() -> None:
    """2 of 20 calls are the 10 %: the two with the highest scores; one of them was handed off."""
    rows = [call("x", 13, "handed_off"), call("y", 13, "completed")]
    rows += [call(f"z{n}", 13, "handed_off" if n < 3 else "completed") for n in range(18)]
    asked = _Calls(rows)
    scores = np.full(len(asked.prefixes), 0.1)
    scores[:5] = [0.2, 0.6, 0.3, 0.9, 0.2]  # x, after turns 4, 6, 8, 10, 12
    scores[5:10] = [0.2, 0.2, 0.6, 0.2, 0.2]  # y: the last that is routed, so the threshold is 0.6
    found = _figures(asked, scores, np.arange(20))
    assert found.precision_at["0.05"] == 1.0
    assert found.precision_at["0.10"] == 0.5
    assert found.recall_at["0.10"] == 0.25
    assert found.precision_at["0.15"] == pytest.approx((1 + 3 / 18) / 3), "a tie is shared"
    assert found.median_lead_turns == 7, "x crosses after turn 6 of 13"


def test_calls_that_tie_share_the_last_places() -> None:
    assert routed(np.array([0.9, 0.5, 0.5, 0.1]), 0.5).tolist() == [1.0, 0.5, 0.5, 0.0]
    assert routed(np.array([0.9, 0.5]), 0.01).tolist() == [1.0, 0.0], "one at least"
    assert routed(np.array([-np.inf, 0.5]), 1.0).tolist() == [0.0, 1.0]


highest = st.lists(
    st.sampled_from([-np.inf, 0.0, 0.25, 0.5, 1.0]) | st.floats(0, 1), min_size=1, max_size=40
)


@given(highest, st.floats(0.01, 1.0))
def test_no_more_is_routed_than_the_budget_allows(scores: list[float], share: float) -> None:
    found = routed(np.array(scores), share)
    wanted = max(1, round(share * len(scores)))
    assert found.sum() == pytest.approx(min(wanted, np.isfinite(scores).sum()))
    order = np.argsort(scores)
    assert (np.diff(found[order]) >= 0).all(), "a higher call is never routed less"


def test_what_is_learned_beats_the_turn_index(report: CallsReport) -> None:
    assert set(report.baselines) == set(BASELINES)
    assert report.auc > report.baselines["turn_index"].auc + 0.05
    assert report.precision_at["0.10"] == 1.0
    assert report.calls == 30
    assert report.handed_off == 10
    assert report.positives < report.prefixes
    for name, spread in report.intervals.items():
        assert spread.low <= spread.high, name


def test_the_report_has_the_promised_keys(report: CallsReport) -> None:
    written = json.loads(report.model_dump_json())
    assert set(written) >= KEYS | {"intervals", "calls", "prefixes"}
    assert set(written["precision_at"]) == set(written["recall_at"]) == {"0.05", "0.10", "0.15"}
    for baseline in written["baselines"].values():
        assert set(baseline) == KEYS - {"baselines"}


def test_the_order_of_calls_changes_nothing(report: CallsReport) -> None:
    again = evaluate_calls(TRAIN[::-1], TEST[::-1], replicates=2)
    for key in ("auc", "ap", "brier", "precision_at", "recall_at", "median_lead_turns"):
        assert getattr(again, key) == pytest.approx(getattr(report, key)), key


def test_unknown_acts_and_short_calls_are_scored() -> None:
    strange = [
        call("s1", 14, "handed_off", act="brand new"),
        call("s2", 12, "completed", act=""),
        call("s3", 1, "completed"),
        Call.model_validate({"call_id": "s4", "turns": [], "outcome": "completed"}),
    ]
    found = evaluate_calls(TRAIN, strange, replicates=5)
    assert found.calls == 4
    assert found.handed_off == 1
    assert 0 <= found.auc <= 1


def test_without_handed_off_calls_what_cannot_be_said_is_null() -> None:
    found = evaluate_calls(TRAIN, [call("only", 12, "completed")], replicates=5)
    written = json.loads(found.model_dump_json())
    assert written["auc"] is None
    assert written["recall_at"]["0.10"] is None
    assert written["median_lead_turns"] is None
    assert written["brier"] < 0.3
    assert len(found.table().columns) == 2 + len(BASELINES)


@pytest.mark.parametrize(
    ("train", "test", "words"),
    [
        ([row for row in TRAIN if row.outcome == "completed"], TEST, "both kinds"),
        (TRAIN, [call("short", 3, "handed_off")], "no call with a prefix"),
    ],
)
def test_parts_that_cannot_be_used_are_data_errors(
    train: list[Call], test: list[Call], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        evaluate_calls(train, test)


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ('{"call_id": "1", "turns": [], ', "invalid JSON"),
        ('{"call_id": "1", "turns": []}', "outcome"),
        (
            '{"call_id": "1", "outcome": "completed", "turns": [{"speaker": "robot", "acts": []}]}',
            "speaker",
        ),
        ('{"call_id": "1", "outcome": "completed", "turns": [{"speaker": "agent"}]}', "acts"),
        ('{"call_id": "1", "turns": [], "outcome": "handed-off"}', "'handed_off' or 'completed'"),
        (f'{{"call_id": "{TRAIN[0].call_id}", "turns": [], "outcome": "completed"}}', "in line 1"),
    ],
)
def test_a_bad_line_gives_one_clear_error(tmp_path: Path, broken: str, words: str) -> None:
    file = tmp_path / "calls.jsonl"
    file.write_text(f"{TRAIN[0].model_dump_json()}\n{broken}\n", encoding="utf-8")
    with pytest.raises(VoiceHitlError) as error:
        read_rows([file], Call, "call_id")
    message = str(error.value)
    assert f"{file}, line 2" in message
    assert words in message
    assert "\n" not in message


def test_the_group_is_the_call() -> None:
    assert group_of(TRAIN[3]) == "c3"


def files_of(folder: Path, train: list[Call], test: list[Call]) -> list[str]:
    """The options of the command for two files."""
    options = ["calls"]
    for name, rows in (("train", train), ("test", test)):
        file = folder / f"{name}.jsonl"
        file.write_text("".join(f"{row.model_dump_json()}\n" for row in rows), encoding="utf-8")
        options += [f"--{name}", str(file)]
    return options


def test_a_test_file_of_one_outcome_is_refused(tmp_path: Path) -> None:
    alike = [row for row in TEST if row.outcome == "completed"]
    result = CliRunner().invoke(evaluate, files_of(tmp_path, TRAIN, alike))
    assert isinstance(result.exception, DataError)
    assert str(result.exception).startswith(f"{tmp_path}/test.jsonl: every call is 'completed'")


def test_calls_in_both_files_are_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.evaluate_calls, "__kwdefaults__", {"replicates": 2})
    result = CliRunner().invoke(evaluate, files_of(tmp_path, TRAIN, [*TEST, *TRAIN[:2]]))
    assert result.exit_code == 0, result.output
    (warning,) = result.stderr.splitlines()
    assert warning.startswith("warning: 2 calls are in both train and test: the figures flatter")


def test_the_command_writes_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.evaluate_calls, "__kwdefaults__", {"replicates": 5})
    out = tmp_path / "out.json"
    options = [*files_of(tmp_path, TRAIN, TEST), "--report", str(out)]
    result = CliRunner().invoke(evaluate, options)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert "prec. at 10%" in result.output, "it fits a narrow terminal"
    assert set(json.loads(out.read_text(encoding="utf-8"))) >= KEYS
