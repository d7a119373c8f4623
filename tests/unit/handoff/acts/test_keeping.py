from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.acts import ActsModel, dump, fit, load, training


def call(number: int) -> dict[str, Any]:
    said = "no" if number % 3 == 0 else "yes"
    turns = [
        {"speaker": "caller", "acts": [{"act": said, "entities": ["day"]}]}
        if at % 2
        else {"speaker": "agent", "acts": [{"act": f"ask {at % 5}", "entities": []}]}
        for at in range(9 + number % 6)
    ]
    outcome = "handed_off" if number % 3 == 0 else "completed"
    return {"call_id": f"{number:03}", "turns": turns, "outcome": outcome}


@pytest.fixture(scope="module", autouse=True)
def _few_trees() -> Iterator[None]:
    """A small trade needs no large forest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "TREES", 10)
        yield


@pytest.fixture(scope="module")
def model() -> ActsModel:
    return fit([call(number) for number in range(40)])


def test_a_model_read_back_gives_the_same_numbers_and_reasons(model: ActsModel) -> None:
    again = load(dump(model))
    for number in range(50, 60):
        assert again.scores(call(number)) == model.scores(call(number))
    readers = [model.reader(), again.reader()]
    for reader in readers:
        reader.heard(call(3)["turns"][1]["acts"])
    assert readers[0].reasons() == readers[1].reasons()
    assert dump(again) == dump(model)


@given(st.binary(max_size=60))
def test_other_bytes_are_a_value_error(kept: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        load(kept)


def test_half_a_model_is_a_value_error(model: ActsModel) -> None:
    kept = dump(model)
    with pytest.raises(ValueError, match="no model"):
        load(kept[: len(kept) // 2])


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ({"format": 99}, "format 99"),
        ({"format": 1}, "no model"),
        ({}, "no model"),
        ([], "no model"),
    ],
)
def test_an_archive_of_another_kind_is_a_value_error(rest: object, words: str) -> None:
    kept = io.BytesIO()
    np.savez(kept, rest=np.array(json.dumps(rest)))
    with pytest.raises(ValueError, match=words):
        load(kept.getvalue())
