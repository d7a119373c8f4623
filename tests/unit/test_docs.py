"""Every Python example in docs/patterns/ runs alone and prints what its comments promise."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

PATTERNS = Path(__file__).parents[2] / "docs" / "patterns"
EXAMPLES = [
    pytest.param(code, id=f"{page.stem}-{number}")
    for page in sorted(PATTERNS.glob("*.md"))
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_prints_what_it_says(example: str) -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(example, "example", "exec"), {"__name__": "example"})
    promised = re.findall(r"print\(.*\)  # (.*)", example)
    assert promised
    assert printed.getvalue().splitlines() == promised
