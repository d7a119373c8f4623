from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.approvals import ENDINGS, ApprovalRecord, Outcome, State, digest
from handoff.errors import StorageError
from handoff.events import Effect
from handoff.oversight import Mode, Proposal

arguments = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=4)


def a_record(given: dict[str, str]) -> ApprovalRecord:
    proposal = Proposal("a1", "c1", "refund", given, Effect.REVERSIBLE, "refund", amount=3.0)
    return ApprovalRecord(
        approval_id="p1",
        proposal=proposal,
        mode=Mode.ON,
        risk=40,
        reasons=("rule",),
        arguments=given,
        digest=digest("refund", given),
        asked_at=1.0,
        escalate_at=3.0,
        deadline=5.0,
        due_at=None,
        silence_consents=False,
        state=State.CLOSED,
        outcome=Outcome.EXPIRED,
        decided_at=5.0,
        closed_at=5.0,
        follow_up=True,
    )


def test_the_digest_is_the_documented_one() -> None:
    canonical = b'["refund",{"amount":"40","card":"7788"}]'
    expected = hashlib.sha256(canonical).hexdigest()
    assert digest("refund", {"card": "7788", "amount": "40"}) == expected


@given(arguments, arguments)
def test_digests_are_equal_only_for_equal_arguments(
    one: dict[str, str], other: dict[str, str]
) -> None:
    assert (digest("x", one) == digest("x", other)) is (one == other)
    assert digest("x", one) == digest("x", dict(reversed(one.items())))
    assert digest("x", one) != digest("y", one)


@given(arguments, st.floats(-1e6, 1e6))
def test_a_record_survives_a_store_and_another_clock(given: dict[str, str], shift: float) -> None:
    record = a_record(given)
    back = ApprovalRecord.from_dict(json.loads(json.dumps(record.as_dict())))
    assert back == record
    assert back.is_intact
    moved = record.shifted(shift)
    assert (moved.asked_at, moved.escalate_at, moved.deadline) == (1 + shift, 3 + shift, 5 + shift)
    assert (moved.due_at, moved.decided_at, moved.closed_at) == (None, 5 + shift, 5 + shift)


@pytest.mark.parametrize(
    "values", [{}, {"approval_id": "p1"}, a_record({}).as_dict() | {"state": "x"}]
)
def test_what_is_no_record_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(StorageError, match="cannot be read back"):
        ApprovalRecord.from_dict(values)


def test_other_arguments_than_the_digest_is_of_are_noticed() -> None:
    values = a_record({"amount": "4"}).as_dict() | {"arguments": {"amount": "4000"}}
    assert not ApprovalRecord.from_dict(values).is_intact


def test_every_outcome_says_what_it_brings_with_it() -> None:
    assert set(ENDINGS) == set(Outcome)
    undone = {"expired", "lapsed", "caller_gone", "draining", "interrupted", "unknown"}
    assert {outcome.value for outcome, ending in ENDINGS.items() if ending.follow_up} == undone
