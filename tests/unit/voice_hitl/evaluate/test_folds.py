from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from typer.testing import CliRunner

from voice_hitl.evaluate import folds
from voice_hitl.evaluate.reports import Report


class Row(BaseModel):
    group: int
    value: int


class Figures(Report):
    auc: float
    precision_at: dict[str, float]
    baselines: dict[str, dict[str, float]]
    intervals: dict[str, tuple[float, float]]
    rows: int


def figures(auc: float) -> Figures:
    return Figures(
        auc=auc,
        precision_at={"0.10": auc / 2},
        baselines={"turn_index": {"auc": 0.5}},
        intervals={"auc": (0.1, 0.9)},
        rows=7,
    )


@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.integers(2, 6))
def test_every_group_is_tested_once_and_whole(groups: list[int], count: int) -> None:
    rows = [Row(group=group, value=at) for at, group in enumerate(groups)]
    tested: list[int] = []
    for train, test in folds.folds(rows, lambda row: row.group, count):
        assert not {row.group for row in train} & {row.group for row in test}
        assert len(train) + len(test) == len(rows)
        tested += [row.value for row in test]
    assert sorted(tested) == list(range(len(rows)))


def test_a_summary_holds_the_numbers_and_leaves_intervals_and_counts_out() -> None:
    found = folds.Summary.of([figures(0.8), figures(0.6)])
    assert found.mean == pytest.approx(
        {"auc": 0.7, "precision_at.0.10": 0.35, "baselines.turn_index.auc": 0.5}
    )
    assert found.spread["auc"] == pytest.approx(0.1)
    assert found.table("x").row_count == 2


def test_a_set_that_is_absent_is_left_out_and_named(tmp_path: Path) -> None:
    from typer import Typer

    app = Typer()
    app.command()(folds.main)
    report = tmp_path / "out.json"
    result = CliRunner().invoke(app, ["--data", str(tmp_path), "--report", str(report)])
    assert result.exit_code == 0, result.output
    assert result.output.count("left out") == len(folds.STUDIES)
    assert json.loads(report.read_text()) == {}
