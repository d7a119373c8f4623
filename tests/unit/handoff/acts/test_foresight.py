from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff.acts import push, unseen
from handoff.acts.foresight import UNSEEN, WORDS
from handoff.risk import ACTS, SHIPPED, Foreseen
from handoff.signals import CODES
from tests.support.talks import acts_of_talks, talks

CALM = (0.0,) * len(CODES)
WORSE = st.lists(st.floats(0, 3), min_size=len(CODES), max_size=len(CODES)).map(tuple)
NAMES = st.sampled_from(["ask the card number", "address", "balance", "question", "??", ""])
TURN = st.builds(
    lambda speaker, names: {
        "speaker": speaker,
        "acts": [{"act": name, "entities": [name]} for name in names],
    },
    st.just("agent"),
    st.lists(NAMES, max_size=3),
)
TALK = st.lists(st.tuples(TURN, TURN.map(lambda turn: {**turn, "speaker": "caller"})), max_size=8)


def followed(said: list[tuple[Any, Any]], recent: tuple[float, ...] = CALM) -> list[Foreseen]:
    following = acts_of_talks().follow()
    return [following.turn(pair, recent) for pair in said]


@settings(max_examples=40)
@given(TALK, WORSE)
def test_what_acts_cannot_show_never_lowers_it(
    said: list[tuple[Any, Any]], recent: tuple[float, ...]
) -> None:
    for calm, worse in zip(followed(said), followed(said, recent), strict=True):
        assert 0 < calm.probability <= worse.probability < 1
        assert all(value >= 0 for value in worse.pushes.values())
        assert set(worse.pushes) <= {*UNSEEN, ACTS}


def test_what_acts_show_themselves_is_not_counted_twice() -> None:
    weights = unseen(SHIPPED.breakdown)
    shown = tuple(float(code not in UNSEEN) for code in CODES)
    assert push(weights, shown) == 0.0
    assert push(weights, [1.0] * len(CODES)) == pytest.approx(sum(weights))


def test_an_operator_reads_which_acts_foretell_it() -> None:
    broken = next(call for call in talks(80, foretold=True) if call.broke)
    following, said, seen = acts_of_talks().follow(), [], []
    for turn in broken.turns[:-1]:
        said.append(turn)
        if turn["speaker"] == "caller":
            seen.append(following.turn(said, CALM))
            said = []
    assert seen[0].probability < 0.5 < seen[-1].probability
    assert seen[-1].words.startswith(f"{WORDS}: ")
    assert "card number" in seen[-1].words or "address" in seen[-1].words
    assert seen[-1].pushes[ACTS] > 0


def test_the_base_rate_before_anything_is_known() -> None:
    acts = acts_of_talks()
    (first,) = followed([({"speaker": "agent", "acts": []}, {"speaker": "caller", "acts": []})])
    assert first.probability == acts.calm == acts.model.base_rate
    assert first.words == ""
