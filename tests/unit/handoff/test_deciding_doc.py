"""docs/deciding.md says what the code does: drawn parts are current, examples run and print what they say."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from handoff.events import CallerHungUp, DeadlinePassed, OperatorLost, ServerDraining
from handoff.oversight import REASONS
from handoff.policy import Policy
from handoff.session import TABLE, diagram
from handoff.signals import WORDS as SOFT
from handoff.states import markdown
from handoff.triggers import URGENCY
from handoff.triggers import WORDS as HARD

DOC = Path(__file__).parents[3] / "docs" / "deciding.md"
TEXT = DOC.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def test_the_diagram_is_drawn_from_the_table() -> None:
    assert f"```mermaid\n{diagram()}\n```" in TEXT, "paste the output of handoff.session.diagram()"


def test_the_four_events_are_listed_from_the_table() -> None:
    four = markdown(TABLE, [CallerHungUp, OperatorLost, DeadlinePassed, ServerDraining])
    assert four in TEXT, f"paste:\n{four}"


@pytest.mark.parametrize("words", [SOFT, HARD, REASONS])
def test_every_code_is_listed_with_its_words(words: dict[str, str]) -> None:
    for code, word in words.items():
        urgency = f" {URGENCY[code].value} |" if words is HARD and code in URGENCY else ""
        assert f"| `{code}` | {word} |{urgency}" in TEXT


POLICY = Policy()
LIMITS, WAITS, MARKS = POLICY.thresholds, POLICY.waiting, POLICY.hysteresis
IN_WORDS = {2: "two", 3: "three", 4: "four"}
PROMISES = [
    f"when V is above the high mark ({MARKS.high}) once",
    f"above the low mark ({MARKS.low:g}) on {IN_WORDS[MARKS.low_turns]} turns in a row",
    f"the rule waits for {IN_WORDS[MARKS.calm_turns]} calm turns",
    f"asks again after {WAITS.backoff:g} s, then {2 * WAITS.backoff:g} s",
    f"After {IN_WORDS[WAITS.max_requests]} that nobody came for only an emergency asks",
    f"probability is below {LIMITS.confidence:.2f} ({LIMITS.high_risk_confidence:.2f} in a category",
    f"intents are closer than {LIMITS.margin:.2f}",
    f"told every {WAITS.notice_every:g} s that we go on, for {WAITS.limit:g} s at most",
    f"is asked and has {POLICY.floor.offer_seconds:g} s",
    f"a second round {POLICY.floor.round_pause:g} s later",
    f"after {WAITS.for_busy:g} s (`waiting.for_busy`)",
    f"between {100 * POLICY.budget.low:g} and {100 * POLICY.budget.high:g} %",
]


@pytest.mark.parametrize("promise", PROMISES)
def test_the_numbers_of_the_page_are_the_policys_defaults(promise: str) -> None:
    assert promise in " ".join(TEXT.split())


def test_at_once_is_no_wait() -> None:
    assert "gives up at once (`waiting.for_absent`)" in " ".join(TEXT.split())
    assert WAITS.for_absent == 0
    assert POLICY.floor.rounds == 2  # "a second round"


def test_the_triggers_without_a_count_are_named() -> None:
    fields = Policy().triggers.model_dump()
    without = sorted(code for code, fields in fields.items() if "count" not in fields)
    assert without == ["digit_zero", "emergency", "over_limit", "regulated"]
    (sentence,) = re.findall(r"unless it is ([^:]*): once is enough", TEXT)
    assert sorted(re.findall(r"`(\w+)`", sentence)) == without


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_run_and_print_what_their_comments_say(example: str) -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(example, str(DOC), "exec"), {"__name__": "example"})
    promised = re.findall(r"print\(.*\)  # (.*)", example)
    assert promised
    assert printed.getvalue().splitlines() == promised


def test_there_are_examples_of_both_machines() -> None:
    assert len(EXAMPLES) == 2
