"""The README's example runs, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
TEXT = README.read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", TEXT, re.DOTALL | re.MULTILINE)
    return [
        "\n".join(line.removeprefix(indent) for line in code.splitlines()) for indent, code in found
    ]


def test_the_python_example_decides_something(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = blocks("python")
    exec(compile(example, str(README), "exec"), {})
    first, second = capsys.readouterr().out.splitlines()
    assert first == "the AI goes on, confidence 0.26"
    assert second.startswith("because the AI is not sure what the caller wants; ")


def test_the_configuration_example_is_valid(tmp_path: Path) -> None:
    from voice_hitl.config import load_config

    (example,) = blocks("toml")
    file = tmp_path / "voice-hitl.toml"
    file.write_text(example, encoding="utf-8")
    assert load_config(file).server.public_url == "https://voice.example.com"


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#]+)", TEXT))
def test_links_lead_to_files(target: str) -> None:
    assert target.startswith("http") or (README.parent / target).exists()
