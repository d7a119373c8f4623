from __future__ import annotations

import re
from pathlib import Path

import pytest

from handoff.errors import PolicyError
from handoff.policy import Policy

PAGE = Path(__file__).parents[4] / "docs" / "patterns" / "approval-gate.md"


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


def test_the_page_lists_every_field_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\d.,]+)(?: s)? \|", PAGE.read_text("utf-8"), re.MULTILINE)
    listed = {name: float(default.replace(",", "")) for name, default in rows}
    assert listed == Policy().approvals.model_dump()
