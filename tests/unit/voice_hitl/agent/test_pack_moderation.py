from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handoff.moderation import KnownTexts, fingerprint
from voice_hitl.agent.pack import SHIPPED, load_pack
from voice_hitl.agent.pack_moderation import (
    BAR,
    FEWEST,
    ModerationData,
    load_moderation,
    train_scorer,
)
from voice_hitl.errors import PackError

ARSON = fingerprint("I will burn your shop down")
THINGS = ("shop", "car", "office", "garden", "house", "desk", "van", "roof", "shed", "boat")
BAD = [f"i will burn your {thing} {when}" for thing in THINGS for when in "abcdef"]
GOOD = [f"please insure my {thing} {when}" for thing in THINGS for when in "abcdef"]


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    (tmp_path / "moderation").mkdir()
    return tmp_path


def write(pack: Path, examples: list[tuple[str, bool]]) -> Path:
    file = pack / "moderation" / "examples.jsonl"
    lines = [json.dumps({"text": text, "violation": violation}) for text, violation in examples]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def mixed() -> list[tuple[str, bool]]:
    return [*((text, True) for text in BAD), *((text, False) for text in GOOD)]


def test_a_pack_without_the_folder_has_nothing(tmp_path: Path) -> None:
    data = load_moderation(tmp_path)
    assert (dict(data.known), data.examples) == ({}, ())
    assert train_scorer(data) is None
    assert train_scorer(ModerationData()) is None


def test_known_texts_have_names(pack: Path) -> None:
    other = fingerprint("your money or your life")
    (pack / "moderation" / "known.txt").write_text(
        f"# threats\n\n{ARSON} a threat of arson\n  {other}   robbery  \n", encoding="utf-8"
    )
    data = load_moderation(pack)
    assert dict(data.known) == {ARSON: "a threat of arson", other: "robbery"}
    assert KnownTexts(data.known).find("i will b-u-r-n your shop down") == ARSON


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("17:abc arson", "is no fingerprint: make it with fingerprint"),
        ("burn the shop down", "is no fingerprint"),
        (ARSON, "has no name; write 'fingerprint name'"),
        (f"{ARSON} again", "is in the list already, as 'arson'; remove one"),
    ],
)
def test_a_bad_line_of_known_texts_is_named(pack: Path, line: str, words: str) -> None:
    file = pack / "moderation" / "known.txt"
    file.write_text(f"# threats\n{ARSON} arson\n{line}\n", encoding="utf-8")
    with pytest.raises(PackError) as caught:
        load_moderation(pack)
    assert str(caught.value).startswith(f"{file}:3: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{'text': 'x'}", "is not JSON"),
        ('["x", true]', "the line: "),
        ('{"text": "x"}', "violation: field required"),
        ('{"text": "", "violation": true}', "text: "),
        ('{"text": "x", "violation": 1}', "violation: "),
        ('{"text": "x", "violation": true, "theme": "y"}', "theme: "),
        (
            '{"text": "I WILL  burn your shop, a!", "violation": false}',
            "sentence of line 1 again",
        ),
    ],
)
def test_a_bad_example_is_named_with_its_mend(pack: Path, line: str, words: str) -> None:
    file = write(pack, [(BAD[0], True)])
    file.write_text(file.read_text() + line + "\n")
    with pytest.raises(PackError) as caught:
        load_moderation(pack)
    assert str(caught.value).startswith(f"{file}:2: ")
    assert words in str(caught.value)
    assert "; " in str(caught.value)


def test_too_few_examples_are_refused(pack: Path) -> None:
    file = write(pack, mixed()[: len(BAD) + FEWEST - 1])
    with pytest.raises(
        PackError, match=rf"at least {FEWEST} of each, or remove the file"
    ) as caught:
        load_moderation(pack)
    assert str(caught.value).startswith(f"{file}:{len(BAD) + FEWEST - 1}: ")


def test_files_that_are_no_text_are_refused(pack: Path) -> None:
    (pack / "moderation" / "known.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PackError, match="cannot be read as UTF-8 text"):
        load_moderation(pack)


def test_examples_that_can_be_told_apart_make_a_scorer(pack: Path) -> None:
    write(pack, mixed())
    trained = train_scorer(load_moderation(pack))
    assert trained is not None
    assert trained.auc > 0.95
    assert trained.scorer("i will burn your barn") > 0.7 > 0.3 > trained.scorer("insure my barn")


def test_the_share_moves_the_probabilities(pack: Path) -> None:
    write(pack, mixed())
    data = load_moderation(pack)
    even, rare = train_scorer(data), train_scorer(data, share=0.01)
    assert even is not None
    assert rare is not None
    assert rare.scorer(BAD[0]) < even.scorer(BAD[0])


def test_examples_that_teach_nothing_are_refused(pack: Path) -> None:
    texts = [text for text, _ in mixed()]
    np.random.default_rng(0).shuffle(texts)
    file = write(pack, [(text, at % 2 == 0) for at, text in enumerate(texts)])
    with pytest.raises(PackError) as caught:
        train_scorer(load_moderation(pack))
    assert str(file) in str(caught.value)
    assert f"{BAR:.0%} are needed" in str(caught.value)
    assert "or remove the file" in str(caught.value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_whatever_is_in_the_files_is_read_or_refused(
    pack: Path, known: bytes, examples: bytes
) -> None:
    (pack / "moderation" / "known.txt").write_bytes(known)
    (pack / "moderation" / "examples.jsonl").write_bytes(examples)
    try:
        load_moderation(pack)
    except PackError as error:
        assert "moderation" in str(error)


def test_a_pack_brings_its_own(tmp_path: Path) -> None:
    copy = tmp_path / "mine"
    shutil.copytree(SHIPPED / "banking", copy, ignore=shutil.ignore_patterns("scenarios"))
    (copy / "moderation").mkdir(exist_ok=True)
    (copy / "moderation" / "known.txt").write_text(f"{ARSON} arson\n")
    assert dict(load_pack(copy).moderation.known) == {ARSON: "arson"}
    (copy / "moderation" / "known.txt").write_text("nonsense\n")
    with pytest.raises(PackError, match=r"known\.txt:1: "):
        load_pack(copy)
