from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voice_hitl.errors import ScenarioError
from voice_hitl.simulate.loading import load_scenario, load_scenarios
from voice_hitl.simulate.scenario import Say, Scenario

Make = Callable[..., Any]

WHOLE = """\
name: balance
description: asks for the balance and thanks
tags: [routine]
caller: "+15550100"
noise: {wav: noise.wav, snr_db: 10}
steps:
  - wait: agent_done
    timeout: 12
  - say: hello.wav
    text: "what is the balance of my checking account"
    interrupt: false
  - dtmf: "0"
  - hangup: {after: 0.7}
  - wait: {seconds: 1.5}
  - if_agent_says: {contains: limit, then: [{dtmf: "1"}], else: [{say: long.wav, text: b}]}
operator: {accept: true, after: 1.0, say: hello.wav, then: hand_back, note: "done"}
expect:
  outcome: handed_off
  reasons_any: [explicit_request]
  bank: {balance: 100}
"""


@pytest.fixture
def folder(scenario: Make, tmp_path: Path) -> Path:
    """A folder with the recordings that the scenario needs."""
    scenario({"wait": 1})
    return tmp_path


def refused(folder: Path, before: str, after: str) -> str:
    path = folder / "x.yaml"
    text = WHOLE.replace(before, after)
    assert text != WHOLE
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    return str(caught.value).replace(str(folder) + "/", "")


def test_a_whole_scenario_is_read(folder: Path) -> None:
    (folder / "x.yaml").write_text(WHOLE, encoding="utf-8")
    made = load_scenario(folder / "x.yaml")
    assert isinstance(made, Scenario)
    assert (made.name, made.source, len(made.steps)) == ("balance", folder / "x.yaml", 6)
    assert isinstance(made.steps[1], Say)
    assert made.operator is not None
    assert (made.operator.accept, made.operator.then) == (True, "hand_back")
    assert made.expect.bank == {"balance": 100}


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("interrupt:", "interupt:", r"x\.yaml:11: steps\.1\.interupt: there is no such field"),
        ("interrupt: false", "interrupt: 5", r"x\.yaml:11: steps\.1\.interrupt: .* \(got 5\)"),
        (
            '    text: "what is the balance of my checking account"\n',
            "",
            r"x\.yaml:9: steps\.1\.text: is missing",
        ),
        ('dtmf: "0"', "dtmf: 0", r'x\.yaml:12: steps\.2\.dtmf: .* write dtmf: "0"'),
        ('dtmf: "0"', "ring: 0", r"x\.yaml:12: steps\.2: a step has one of these keys: say, wait"),
        ('dtmf: "0"', "dtmf", r"x\.yaml:12: steps\.2: a step has one of these keys.*got 'dtmf'"),
        ("{seconds: 1.5}", "two", r"x\.yaml:14: steps\.4\.wait: wait for agent_done, .* number"),
        (
            'then: [{dtmf: "1"}]',
            'then: [{dtmf: "x"}]',
            r"x\.yaml:15: steps\.5\.if_agent_says\.then\.0\.dtmf: .*got 'x'",
        ),
        ('then: [{dtmf: "1"}],', "", r"x\.yaml:15: steps\.5\.if_agent_says: give either"),
        ("name: balance", "name: My Balance", r"x\.yaml:1: name: .* \(got 'My Balance'\)"),
        ("outcome:", "outcom:", r"x\.yaml:18: expect\.outcom: there is no such field"),
        ("  outcome: handed_off\n", "", r"x\.yaml:17: expect\.outcome: is missing"),
        ("accept: true", "accept: maybe", r"x\.yaml:16: operator\.accept: .*'never' \(got 'maybe'"),
        ("steps:", "steppes:", r"x\.yaml:6: steppes: there is no such field"),
        ("tags: [routine]", "name: twice", r"x\.yaml:3: name: is given twice"),
        ("tags: [routine]", "tags: [routine", r"x\.yaml:\d+: is no valid YAML"),
        ("say: hello.wav\n", "say: gone.wav\n", r"x\.yaml:9: gone\.wav: cannot be read"),
        ("say: hello.wav, then", "say: x.yaml, then", r"x\.yaml:16: x\.yaml: is no WAV file"),
        ("wav: noise.wav", "wav: none.wav", r"x\.yaml:5: none\.wav: cannot be read"),
        (WHOLE, "- a list\n", r"x\.yaml: must hold the fields of one scenario"),
        (WHOLE, "", r"x\.yaml: must hold the fields of one scenario"),
        ("name: balance", "name: balance\nsource: /etc/passwd", r"must hold the fields"),
    ],
)
def test_what_is_wrong_is_named_with_line_field_and_mend(
    folder: Path, before: str, after: str, complaint: str
) -> None:
    message = refused(folder, before, after)
    assert re.search("^" + complaint if complaint.startswith("x") else complaint, message), message
    assert "\n" not in message


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\xff")
    for name in ("x.yaml", "gone.yaml"):
        with pytest.raises(ScenarioError, match=f"{name}: cannot be read"):
            load_scenario(tmp_path / name)


def test_folders_are_read_in_order_and_names_are_unique(scenario: Make, tmp_path: Path) -> None:
    scenario({"wait": 1}, name="beta")
    scenario({"wait": 1}, name="alpha")
    assert [s.name for s in load_scenarios([tmp_path])] == ["alpha", "beta"]
    again = load_scenarios([tmp_path / "beta.yaml", tmp_path / "beta.yaml"])
    assert [s.name for s in again] == ["beta", "beta"]
    (tmp_path / "twin.yaml").write_text((tmp_path / "beta.yaml").read_text())
    with pytest.raises(ScenarioError, match=r"twin\.yaml: name: 'beta' is already taken by"):
        load_scenarios([tmp_path])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ScenarioError, match="holds no scenario"):
        load_scenarios([tmp_path / "empty"])


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(["agent_done", "hello.wav", "0", "automated", "never", "x"])
)
KEYS = st.sampled_from(
    [
        *("name", "steps", "expect", "noise", "operator", "linger", "say", "text", "wait", "dtmf"),
        *("hangup", "if_agent_says", "contains", "then", "else", "after", "outcome", "accept"),
    ]
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60
)
@given(st.dictionaries(KEYS, TREES, max_size=6), st.booleans())
def test_any_tree_is_a_scenario_or_one_clear_line(
    folder: Path, tree: dict[str, Any], complete: bool
) -> None:
    if complete:
        tree = {"name": "t", "steps": [], "expect": {"outcome": "automated"}} | tree
    path = folder / "fuzz.yaml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    try:
        load_scenario(path)
    except ScenarioError as error:
        assert str(error).startswith(str(path))
        assert "\n" not in str(error)
