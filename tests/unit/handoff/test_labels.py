from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.commands import DecisionKind
from handoff.labels import (
    ApprovalAnswer,
    AuditAnswer,
    Comparison,
    Disposition,
    Ending,
    Label,
    Verdict,
    broke_down,
    inverse,
    of_approval,
    of_audit,
    of_comparison,
    of_disposition,
)
from handoff.policy.audit import CLIP
from handoff.triggers import WORDS

Said = list[tuple[int, bool, float]]


def said(labels: tuple[Label, ...]) -> Said:
    """Turn, value and weight of the labels that count."""
    return [(label.turn, label.value, label.weight) for label in labels if label.weight > 0]


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        ("needed", [(7, True, 1.0)]),
        ("not_needed", [(7, False, 1.0)]),
        ("premature", [(7, False, 0.5)]),
        ("too_late", [(7, True, 1.0), (6, True, 0.5), (5, True, 0.5)]),
    ],
)
def test_a_disposition_speaks_of_breakdown(verdict: Any, expected: Said) -> None:
    labels = of_disposition(Disposition("c1", 0, 7, verdict, "ann", 100.0))
    assert said(labels) == expected
    assert {(label.head, label.source, label.by, label.at) for label in labels} == {
        ("breakdown", "disposition", "ann", 100.0)
    }


def test_a_late_handoff_has_no_turns_before_the_first() -> None:
    labels = of_disposition(Disposition("c1", 0, 2, "too_late", "ann", 1.0))
    assert said(labels) == [(2, True, 1.0), (1, True, 0.5)]
    assert of_disposition(Disposition("c1", 0, 0, "needed", "ann", 1.0)) == ()


def test_a_hard_trigger_halves_what_a_disposition_says() -> None:
    labels = of_disposition(Disposition("c1", 0, 2, "too_late", "ann", 1.0, hard=True))
    assert said(labels) == [(2, True, 0.5), (1, True, 0.25)]


@given(st.permutations(["needed", "premature", "too_late", "not_needed"]), st.integers(1, 9))
def test_a_changed_mind_replaces_all_that_was_said_before(verdicts: list[Any], turn: int) -> None:
    kept: dict[str, Label] = {}
    for verdict in verdicts:
        fresh = of_disposition(Disposition("c1", 0, turn, verdict, "ann", 1.0))
        kept |= {label.label_id: label for label in fresh}
    assert said(tuple(kept.values())) == said(fresh)


def test_requests_of_one_call_keep_their_own_labels() -> None:
    first = of_disposition(Disposition("c1", 0, 7, "too_late", "ann", 1.0))
    second = of_disposition(Disposition("c1", 1, 9, "too_late", "ann", 1.0))
    assert not {label.label_id for label in first} & {label.label_id for label in second}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("approve", [(3, False, 1.0)]),
        ("approve_with_edits", [(3, True, 1.0)]),
        ("reject", [(3, True, 1.0)]),
        ("respond", [(3, True, 0.5)]),
        ("expired", []),
    ],
)
def test_an_approval_speaks_of_error(answer: Any, expected: Said) -> None:
    labels = of_approval(ApprovalAnswer("a1", "c1", 3, answer, "ann", 1.0))
    assert said(labels) == expected
    assert all((label.head, label.source) == ("error", "approval") for label in labels)


@pytest.mark.parametrize(
    ("agreed", "propensity", "expected"),
    [(True, 1.0, [(3, False, 0.5)]), (False, 0.1, [(3, True, 5.0)])],
)
def test_a_review_speaks_of_error(agreed: bool, propensity: float, expected: Said) -> None:
    labels = of_comparison(Comparison("r1", "c1", 3, agreed, "ann", 1.0, propensity))
    assert said(labels) == expected


@pytest.mark.parametrize(
    ("answer", "propensity", "expected"),
    [
        ("right", 0.05, [(3, False, 20.0)]),
        ("wrong", 0.05, [(3, True, 20.0)]),
        ("wrong", 0.001, [(3, True, CLIP)]),
        ("expired", 0.05, []),
    ],
)
def test_an_audit_speaks_for_what_was_not_sampled(
    answer: Any, propensity: float, expected: Said
) -> None:
    labels = of_audit(AuditAnswer("u1", "c1", 3, answer, "ann", 1.0, propensity))
    assert said(labels) == expected


@given(st.integers(0, 50), st.floats(1e-6, 1.0))
def test_time_outs_never_become_labels(turn: int, propensity: float) -> None:
    assert of_approval(ApprovalAnswer("a1", "c1", turn, "expired", "", 1.0)) == ()
    assert of_audit(AuditAnswer("u1", "c1", turn, "expired", "", 1.0, propensity)) == ()


def test_a_proposal_before_the_first_turn_gives_none() -> None:
    assert of_approval(ApprovalAnswer("a1", "c1", 0, "reject", "ann", 1.0)) == ()


def test_the_mean_of_audited_labels_is_that_of_everything() -> None:
    """Of 1,000 items 100 are wrong, which are sampled eight times as often: the weights undo it."""
    wrong = of_audit(AuditAnswer("u1", "c1", 1, "wrong", "ann", 1.0, propensity=0.4)) * 40
    right = of_audit(AuditAnswer("u2", "c2", 1, "right", "ann", 1.0, propensity=0.05)) * 45
    weights = [(label.weight, label.value) for label in wrong + right]
    share = sum(w for w, value in weights if value) / sum(w for w, _ in weights)
    assert share == pytest.approx(0.1)


@pytest.mark.parametrize("propensity", [0.0, -0.1, 1.01, float("nan")])
def test_an_impossible_propensity_is_refused(propensity: float) -> None:
    with pytest.raises(ValueError, match="propensity"):
        inverse(propensity)


def test_words_that_nobody_knows_are_refused() -> None:
    odd: Any = "whatever"
    with pytest.raises(ValueError, match="verdict 'whatever'"):
        of_disposition(Disposition("c1", 0, 1, odd, "ann", 1.0))
    with pytest.raises(ValueError, match="answer 'whatever'"):
        of_approval(ApprovalAnswer("a1", "c1", 1, odd, "ann", 1.0))
    with pytest.raises(ValueError, match="answer 'whatever'"):
        of_audit(AuditAnswer("u1", "c1", 1, odd, "ann", 1.0))
    with pytest.raises(ValueError, match="turn"):
        of_approval(ApprovalAnswer("a1", "c1", -1, "reject", "ann", 1.0))


@pytest.mark.parametrize("ending", [*DecisionKind, "abandoned", "automated", "failed"])
def test_what_a_person_says_of_a_handoff_is_the_same_for_labels_and_for_all_who_ask(
    ending: Ending,
) -> None:
    for verdict in get_args(Verdict):
        label, *_ = of_disposition(Disposition("c", 0, 4, verdict, "ann", 0.0))
        assert broke_down(ending, verdict) is label.value


def test_without_a_word_what_h_itself_did_proves_nothing() -> None:
    said: dict[Ending, bool | None] = {
        DecisionKind.SOFT: None,
        DecisionKind.HARD: None,
        DecisionKind.TAKEN_OVER: True,
        "abandoned": True,
        "automated": False,
        "handed_off": None,
        "failed": None,
    }
    assert {ending: broke_down(ending) for ending in said} == said


@pytest.mark.parametrize("code", WORDS)
def test_without_a_word_only_triggers_that_speak_of_the_conversation_tell(code: str) -> None:
    told = code in ("explicit_request", "digit_zero", "no_matches", "silences")
    assert broke_down(DecisionKind.HARD, codes=[code, "repeats"]) is (True if told else None)
    assert broke_down(DecisionKind.HARD, "needed", [code]) is True
    assert broke_down(DecisionKind.SOFT, codes=["silences"]) is None
