from __future__ import annotations

import json
import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from handoff.ports import DecisionRecord, json_ready
from handoff.testing import a_decision

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner),
)


@given(values)
def test_anything_becomes_json_that_any_database_holds(value: Any) -> None:
    ready = json_ready(value)
    text = json.dumps(ready, allow_nan=False, ensure_ascii=False)
    text.encode("utf-8")
    assert "\\u0000" not in text
    assert json_ready(ready) == ready


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_good_text_is_left_alone(text: str) -> None:
    assert json_ready(text) == text
    assert json_ready({text: (text, 1.5, True)}) == {text: [text, 1.5, True]}


def test_lone_surrogates_pairs_and_nul() -> None:
    assert json_ready("a\ud800b") == "a\ufffdb"
    assert json_ready("\ud83d\ude00") == "😀"
    assert json_ready("a\0b") == "a\ufffdb"
    assert json_ready([math.nan, -math.inf]) == [None, None]


def test_a_decisions_record_says_what_the_decision_said() -> None:
    decision = a_decision("c9")
    record = DecisionRecord.of(decision, seq=4, at=12.5, policy_version="abc")
    assert (record.call_id, record.seq, record.at, record.policy_version) == ("c9", 4, 12.5, "abc")
    for name in (
        "turn",
        "hand_off",
        "kind",
        "confidence",
        "risk",
        "breakdown",
        "error",
        "value",
        "reasons",
    ):
        assert getattr(record, name) == getattr(decision, name)
    assert record.urgency == "medium"
