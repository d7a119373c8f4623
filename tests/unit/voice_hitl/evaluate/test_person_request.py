from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from typer.testing import CliRunner

from voice_hitl.evaluate.commands import evaluate
from voice_hitl.evaluate.files import DataError, read_rows
from voice_hitl.evaluate.person_request import (
    BASELINES,
    Line,
    PersonRequestReport,
    evaluate_person_request,
    group_of,
)

WANTS = ("let me speak to a person", "get me an agent now", "i want a human", "operator please")
NOT = ("what is my balance", "someone stole my card", "close my account", "yes", "my card is lost")
TRAIN = [Line(text=text, wants_person=True) for text in WANTS]
TRAIN += [Line(text=text, wants_person=False) for text in NOT]
TEST = [
    Line(text="could i speak to your manager about the room", wants_person=True),
    Line(text="put me through to someone at the hotel", wants_person=True),
    Line(text="is breakfast in the room", wants_person=False),
    Line(text="a room for one more person", wants_person=False),
    Line(text="", wants_person=False),
]


@pytest.fixture(scope="module")
def report() -> PersonRequestReport:
    return evaluate_person_request(TRAIN, TEST, replicates=5)


def test_a_wish_is_heard_in_another_trade(report: PersonRequestReport) -> None:
    assert (report.precision, report.recall, report.ap) == (1.0, 1.0, 1.0)
    assert (report.threshold, report.lines, report.wanting) == (0.5, 5, 2)


def test_keywords_find_and_miss_what_they_must(report: PersonRequestReport) -> None:
    # "manager" is right, "person" is wrong, "through to someone" is missed.
    assert BASELINES["keywords"](TRAIN, TEST).tolist() == [1.0, 0.0, 0.0, 1.0, 0.0]
    found = report.baselines["keywords"]
    assert (found["precision"], found["recall"]) == (0.5, 0.5)
    assert found["ap"] == pytest.approx(0.5 * 0.5 + 0.5 * 0.4)


def test_the_report_has_the_keys_that_are_promised(report: PersonRequestReport) -> None:
    found = json.loads(report.model_dump_json())
    assert {"precision", "recall", "ap", "baselines", "intervals"} <= set(found)
    assert set(found["baselines"]) == {"keywords", "tfidf_logistic"}
    assert found["intervals"] == {}, "five lines are too few"
    many = [row.model_copy(update={"text": f"{row.text} {n}"}) for row in TEST for n in range(4)]
    spread = evaluate_person_request(TRAIN, many, replicates=20).baseline_intervals["keywords"]
    assert spread["recall"].low < 0.5 < spread["recall"].high


@pytest.mark.parametrize(("wants", "words"), [(True, "every line wants"), (False, "no line wants")])
def test_a_test_file_of_one_kind_of_line_is_refused(
    tmp_path: Path, wants: bool, words: str
) -> None:
    alike = [row for row in TEST if row.wants_person is wants]
    for name, rows in (("train", TRAIN), ("test", alike)):
        (tmp_path / name).write_text("\n".join(row.model_dump_json() for row in rows))
    options = [f"--{name}={tmp_path / name}" for name in ("train", "test")]
    result = CliRunner().invoke(evaluate, ["person-request", *options])
    assert isinstance(result.exception, DataError)
    assert str(result.exception).startswith(f"{tmp_path}/test: {words} a person")


def test_nobody_wants_a_person() -> None:
    found = evaluate_person_request(TRAIN, TEST[2:3], replicates=2)
    assert math.isnan(found.recall)
    assert math.isnan(found.precision)


def test_what_cannot_be_evaluated_is_said() -> None:
    with pytest.raises(DataError, match="want a person"):
        evaluate_person_request(TRAIN[:2], TEST)
    with pytest.raises(DataError, match="no line"):
        evaluate_person_request(TRAIN, [])


def test_lines_of_the_same_words_stay_together() -> None:
    one, other = (Line(text=text, wants_person=True) for text in ("A person!", "a person"))
    assert group_of(one) == group_of(other)


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"text": "hi", "wants_person": "perhaps"}')
    with pytest.raises(DataError, match="line 1: field 'wants_person'"):
        read_rows([file], Line)


def test_the_command_writes_a_report(tmp_path: Path) -> None:
    for name, rows in (("train", TRAIN), ("test", TEST)):
        (tmp_path / name).write_text("\n".join(row.model_dump_json() for row in rows))
    arguments = [f"--{name}={tmp_path / name}" for name in ("train", "test")]
    command = ["person-request", *arguments, f"--report={tmp_path / 'r.json'}"]
    done = CliRunner().invoke(evaluate, command)
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "r.json").read_text())["recall"] == 1.0
