from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.agent.spec import SlotSpec, Spec, Text
from voice_hitl.agent.yaml_source import YamlSource
from voice_hitl.errors import PackError


class Sample(Spec):
    title: Text
    slots: dict[str, SlotSpec] = {}


def source(tmp_path: Path, text: str) -> YamlSource:
    path = tmp_path / "sample.yaml"
    path.write_text(text, encoding="utf-8")
    return YamlSource(path)


def test_yes_no_on_and_off_are_words(tmp_path: Path) -> None:
    data = source(tmp_path, "a: [yes, no, on, off, true, 3]").data
    assert data == {"a": ["yes", "no", "on", "off", True, 3]}


def test_lines_of_keys_and_of_what_is_absent(tmp_path: Path) -> None:
    made = source(tmp_path, "title: x\nslots:\n  one:\n    ask:\n      - a\n      - b\n")
    assert made.line(("slots", "one", "ask", 1)) == 6
    assert made.line(("slots", "one", "type")) == 3
    assert made.line(("nothing",)) == 1


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("title: x\nslots: {\n", 3, "not valid YAML"),
        ("title: x\ntitle: y\n", 2, "'title' is written twice (first in line 1); keep one"),
        ("- a\n", 1, "must hold 'key: value' lines"),
        ("", 1, "must hold 'key: value' lines"),
        ("title: x\n\ttab: y", 2, "not valid YAML"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, text: str, line: int, words: str) -> None:
    with pytest.raises(PackError) as caught:
        source(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / 'sample.yaml'}:{line}: ")
    assert words in str(caught.value)


def test_an_absent_file(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"none\.yaml: there is no such file; add it"):
        YamlSource(tmp_path / "none.yaml")


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "bytes.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PackError, match="UTF-8"):
        YamlSource(path)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("slots: {}\n", 1, "title: field required; add it"),
        ("title: [1]\n", 1, "write text here"),
        ("title: x\nslot: {}\n", 2, "slot: unknown key; write 'slots'"),
        ("title: x\nzzz: 1\n", 2, "zzz: unknown key; remove it"),
        (
            "title: x\nslots:\n  day:\n    type: dat\n    title: t\n    ask: [a, b]\n",
            4,
            "slots.day.type: input should be 'choice'",
        ),
        (
            "title: x\nslots:\n  day:\n    type: date\n    title: t\n    ask: [a]\n",
            6,
            "slots.day.ask",
        ),
        (
            "title: x\nslots:\n  day:\n    type: choice\n    title: t\n    ask: [a, b]\n",
            3,
            "'values' belong to slots of type choice, and those need them",
        ),
    ],
)
def test_data_that_does_not_fit(tmp_path: Path, text: str, line: int, words: str) -> None:
    with pytest.raises(PackError) as caught:
        source(tmp_path, text).validate(Sample)
    assert f":{line}: " in str(caught.value)
    assert words in str(caught.value)


@given(text=st.text(max_size=60))
def test_any_text_is_data_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.mktemp("any") / "any.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        assert isinstance(YamlSource(path).data, dict)
    except PackError as error:
        assert "any.yaml" in str(error)
