from __future__ import annotations

from typing import Any

import pytest

from handoff.errors import PolicyError
from handoff.policy import Policy


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"block": 0.5, "hold": 0.6}, "must not rise: lower 'flag' or 'hold'"),
        ({"share": 0}, "'moderation.share'"),
        ({"share": 1}, "'moderation.share'"),
        ({"safe_line": ""}, "'moderation.safe_line'"),
    ],
)
def test_what_cannot_be_is_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.from_mapping({"moderation": values}, "test")
    assert words in str(caught.value)


def test_the_share_is_the_examples_own_unless_it_is_said() -> None:
    assert Policy().moderation.share is None
    said = Policy.from_mapping({"moderation": {"share": 0.01}}, "test")
    assert said.moderation.share == 0.01
