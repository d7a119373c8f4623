from __future__ import annotations

import json
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from handoff.labels import HeadName
from handoff.learning import (
    ActsTrial,
    LearningError,
    Marks,
    Scores,
    Trial,
    active,
    approve,
    models_of,
    policy_of,
    propose,
    rollback,
)
from handoff.learning.values import models_to_json
from handoff.policy import Policy
from handoff.ports import ModelRecord
from handoff.risk import SHIPPED, Head, Models, head
from tests.support.talks import acts_of_talks

MARKS = Marks(3.5, 1.5, 200, 0.4, 0.15, 0.01)
Records = tuple[ModelRecord, ...]


def a_trial(fitted: Head, *, high: float = -0.01, ece: float = 0.02) -> Trial:
    champion, challenger = Scores(0.5, 0.2, 0.05), Scores(0.4, 0.15, ece)
    return Trial(300, 150, 90, champion, challenger, -0.1, -0.2, high, fitted)


def a_head(intercept: float) -> Head:
    return head(intercept, {"repeats": 1.0})


def after(records: Records, changed: Records) -> Records:
    """The records once these are saved over them, as a store gives them back."""
    kept = {record.version: record for record in (*records, *changed)}
    return tuple(
        replace(
            r, values=json.loads(json.dumps(r.values)), evidence=json.loads(json.dumps(r.evidence))
        )
        for r in kept.values()
    )


def proposed(records: Records, intercept: float, at: float = 1.0) -> Records:
    models = replace(models_of(active(records)), error=a_head(intercept))
    trials: dict[HeadName, Trial] = {"error": a_trial(a_head(intercept))}
    return after(records, propose(records, models, trials, None, at))


def states(records: Records) -> dict[str, str]:
    return {record.version: record.state for record in records}


def test_a_proposal_changes_nothing_until_a_person_approves_it() -> None:
    records = proposed((), -1.0)
    assert states(records) == {"m1": "proposed"}
    assert active(records) is None
    assert models_of(active(records)) is SHIPPED
    records = after(records, approve(records, "m1", "ann", 5.0))
    present = active(records)
    assert present is not None
    assert (present.approved_by, present.approved_at, present.parent) == ("ann", 5.0, None)
    assert models_of(present) == replace(SHIPPED, error=a_head(-1.0), source="m1")


def test_one_step_takes_it_back_to_its_parent() -> None:
    records = proposed((), -1.0)
    records = after(records, approve(records, "m1", "ann", 2.0))
    records = proposed(records, -2.0)
    records = after(records, approve(records, "m2", "bob", 3.0))
    assert states(records) == {"m1": "retired", "m2": "active"}
    records = after(records, rollback(records, 4.0))
    assert states(records) == {"m1": "active", "m2": "retired"}
    assert models_of(active(records)).error == a_head(-1.0)
    records = after(records, rollback(records, 5.0))
    assert active(records) is None
    with pytest.raises(LearningError, match="nothing to roll back"):
        rollback(records, 6.0)


def test_a_newer_proposal_takes_the_place_of_an_older_one() -> None:
    records = proposed(proposed((), -1.0), -2.0)
    assert states(records) == {"m1": "retired", "m2": "proposed"}
    with pytest.raises(LearningError, match="m1 is retired"):
        approve(records, "m1", "ann", 2.0)


def test_what_was_tried_against_another_version_is_not_approved() -> None:
    records = proposed((), -1.0)
    records = after(records, approve(records, "m1", "ann", 2.0))
    records = proposed(records, -2.0)
    records = after(records, rollback(records, 3.0))
    with pytest.raises(LearningError, match="m2 was tried against m1, which is not active"):
        approve(records, "m2", "ann", 4.0)


@pytest.mark.parametrize("name", ["", "  "])
def test_nobody_cannot_approve(name: str) -> None:
    with pytest.raises(LearningError, match="say who"):
        approve(proposed((), -1.0), "m1", name, 2.0)


def test_an_unknown_version_is_said() -> None:
    with pytest.raises(LearningError, match="no version 'm9'; known: m1"):
        approve(proposed((), -1.0), "m9", "ann", 2.0)


@pytest.mark.parametrize(
    "trial", [a_trial(a_head(-1.0), high=0.0), a_trial(a_head(-1.0), ece=0.0501)]
)
def test_a_head_that_did_not_win_is_not_approved(trial: Trial) -> None:
    models = replace(SHIPPED, error=trial.head)
    records = propose((), models, {"error": trial}, None, 1.0)
    with pytest.raises(LearningError, match="changes error without evidence"):
        approve(records, "m1", "ann", 2.0)


def test_a_head_cannot_come_along_with_another_that_won() -> None:
    models = Models(a_head(-3.0), a_head(-1.0), "")
    records = propose((), models, {"error": a_trial(a_head(-1.0))}, None, 1.0)
    with pytest.raises(LearningError, match="changes breakdown without evidence"):
        approve(records, "m1", "ann", 2.0)


def test_marks_go_with_a_version_and_go_back_with_it() -> None:
    base = Policy()
    records = after((), propose((), SHIPPED, {}, MARKS, 1.0))
    assert records[0].kind == "marks"
    assert policy_of(active(records), base) == base
    records = after(records, approve(records, "m1", "ann", 2.0))
    moved = policy_of(active(records), base)
    assert (moved.hysteresis.high, moved.hysteresis.low) == (3.5, 1.5)
    assert moved.model_copy(update={"hysteresis": base.hysteresis}) == base
    assert models_of(active(records)) == SHIPPED
    records = proposed(records, -1.0)
    assert policy_of(records[-1], base) == moved, "new heads keep the marks that are in force"
    records = after(records, rollback(records, 3.0))
    assert policy_of(active(records), base) == base


def an_acts_trial(high: float = -0.01) -> ActsTrial:
    champion, challenger = Scores(0.5, 0.2, 0.05), Scores(0.4, 0.15, 0.02)
    return ActsTrial(300, 150, 90, champion, challenger, -0.1, -0.2, high, acts_of_talks())


def test_learned_acts_are_approved_kept_by_later_versions_and_taken_back() -> None:
    trial = an_acts_trial()
    models = replace(SHIPPED, acts=trial.acts)
    records = after((), propose((), models, {}, None, 1.0, trial))
    assert records[0].kind == "heads"
    assert records[0].evidence["heads"]["acts"] == trial.evidence()
    records = after(records, approve(records, "m1", "ann", 2.0))
    acts = models_to_json(models)["acts"]
    assert models_to_json(models_of(active(records)))["acts"] == acts
    records = proposed(records, -1.0)
    records = after(records, approve(records, "m2", "ann", 3.0))
    assert models_to_json(models_of(active(records)))["acts"] == acts
    records = after(records, rollback(records, 4.0))
    records = after(records, rollback(records, 5.0))
    assert models_of(active(records)).acts is None


def test_acts_that_did_not_win_are_not_approved() -> None:
    trial = an_acts_trial(high=0.0)
    records = propose((), replace(SHIPPED, acts=trial.acts), {}, None, 1.0, trial)
    with pytest.raises(LearningError, match="changes acts without evidence"):
        approve(records, "m1", "ann", 2.0)


def test_acts_cannot_come_along_with_a_head_that_won() -> None:
    models = replace(SHIPPED, error=a_head(-1.0), acts=acts_of_talks())
    records = propose((), models, {"error": a_trial(a_head(-1.0))}, None, 1.0)
    with pytest.raises(LearningError, match="changes acts without evidence"):
        approve(records, "m1", "ann", 2.0)


def test_nothing_new_is_no_proposal() -> None:
    with pytest.raises(LearningError, match="nothing to propose"):
        propose((), SHIPPED, {}, None, 1.0)


def test_models_that_cannot_be_read_are_said() -> None:
    (record,) = proposed((), -1.0)
    with pytest.raises(LearningError, match="models of m1 cannot be read"):
        models_of(replace(record, values={"models": {}}))


class Life(RuleBasedStateMachine):
    """Anything people may do, in any order."""

    @initialize()
    def begin(self) -> None:
        self.records: Records = ()
        self.approved: set[str] = set()
        self.clock = count(1)

    def at(self) -> float:
        return float(next(self.clock))

    @rule(wins=st.booleans(), with_marks=st.booleans())
    def learn(self, wins: bool, with_marks: bool) -> None:
        made = a_head(-float(next(self.clock)))
        models = replace(models_of(active(self.records)), error=made)
        trial = a_trial(made, high=-0.01 if wins else 0.01)
        marks = MARKS if with_marks else None
        before = models_of(active(self.records))
        changed = propose(self.records, models, {"error": trial}, marks, self.at())
        self.records = after(self.records, changed)
        assert models_of(active(self.records)) == before

    @rule(number=st.integers(1, 12), by=st.sampled_from(["ann", "bob", ""]))
    def person_approves(self, number: int, by: str) -> None:
        version = f"m{number}"
        there = [r for r in self.records if r.version == version]
        try:
            changed = approve(self.records, version, by, self.at())
        except LearningError:
            return
        assert there[0].state == "proposed"
        assert by
        assert there[0].evidence["heads"]["error"]["high"] < 0
        self.records = after(self.records, changed)
        self.approved.add(version)

    @rule()
    def person_takes_back(self) -> None:
        present = active(self.records)
        if present is None:
            return
        self.records = after(self.records, rollback(self.records, self.at()))
        now = active(self.records)
        assert (None if now is None else now.version) == present.parent

    @invariant()
    def one_at_most_is_active_and_a_person_made_it_so(self) -> None:
        there = [record for record in self.records if record.state == "active"]
        assert len(there) <= 1
        for record in there:
            assert record.version in self.approved
            assert record.approved_by

    @invariant()
    def one_proposal_at_most(self) -> None:
        assert [r.state for r in self.records].count("proposed") <= 1


TestLife = Life.TestCase
TestLife.settings = settings(deadline=None, max_examples=40)
