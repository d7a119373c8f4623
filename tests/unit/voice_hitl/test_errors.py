from __future__ import annotations

import re

import pytest

from voice_hitl import errors
from voice_hitl.errors import VoiceHitlError

FOUND = {
    name: value
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, Exception)
}


def drawn() -> dict[str, str | None]:
    """The tree in the module's docstring: each class with the one it hangs under."""
    parents: dict[str, str | None] = {}
    branch: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^    ([│ ├└─]*)(\w+)", line)
        if found is None:
            continue
        depth, name = len(found[1]), found[2]
        while branch and branch[-1][0] >= depth:
            branch.pop()
        parents[name] = branch[-1][1] if branch else None
        branch.append((depth, name))
    return parents


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    real = {
        name: None if kind is VoiceHitlError else kind.__bases__[0].__name__
        for name, kind in FOUND.items()
    }
    assert drawn() == real


@pytest.mark.parametrize("kind", FOUND.values())
def test_every_error_of_ours_is_caught_by_one_name(kind: type[Exception]) -> None:
    with pytest.raises(VoiceHitlError, match="what went wrong"):
        raise kind("what went wrong")
