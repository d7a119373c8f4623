from __future__ import annotations

import pytest

from handoff.errors import PolicyError
from handoff.policy import Policy


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("deadline", -1),
        ("escalate", 0),
        ("escalate", 1.5),
        ("validity", 0),
        ("execution", 0.5),
        ("remember", 0),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(field: str, value: float) -> None:
    with pytest.raises(PolicyError, match=f"approvals.{field}"):
        Policy.from_mapping({"approvals": {field: value}}, "here")


def test_the_numbers_of_the_page_are_the_defaults() -> None:
    section = Policy().approvals
    assert (section.deadline, section.escalate, section.validity) == (45, 0.5, 15)
    assert (section.execution, section.remember) == (60, 10_000)
