from __future__ import annotations

from typing import Any

import pytest

from handoff.errors import PolicyError
from handoff.policy import Policy


@pytest.mark.parametrize(
    ("rungs", "words"),
    [
        ([{"name": "flow"}, {"name": "flow"}], "must have different names"),
        ([{"name": "flow", "share": 0}], "'ladder.rungs.0.share'"),
        ([{"name": "flow", "slope": -1}], "'ladder.rungs.0.slope'"),
    ],
)
def test_what_cannot_be_is_refused(rungs: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.from_mapping({"ladder": {"rungs": rungs}}, "test")
    assert words in str(caught.value)


def test_without_a_calibration_a_confidence_counts_as_it_is() -> None:
    (rung,) = Policy().ladder.rungs
    assert (rung.name, rung.share, rung.slope, rung.offset) == ("flow", 1.0, 1.0, 0.0)
