from pathlib import Path

import pytest
from pydantic import ValidationError

from voice_hitl.demo.operators import FRAME, Floor, Plan, answer_to, canonical, cut
from voice_hitl.server import wire
from voice_hitl.simulate.scenario import LONGEST_REASON, OperatorScript

SHIPPED = Path(__file__).parents[4] / "voice_hitl" / "packs" / "banking" / "scenarios"


def answers(script: OperatorScript | None, times: int = 3) -> list[str]:
    plan = Plan(script, SHIPPED)
    return [plan.answer() for _ in range(times)]


def test_a_willing_operator_accepts() -> None:
    assert answers(OperatorScript()) == ["accept"] * 3


def test_as_many_decline_as_the_scenario_says() -> None:
    assert answers(OperatorScript(declines=2)) == ["decline", "decline", "accept"]


def test_all_decline_when_nobody_wants_the_call() -> None:
    assert answers(OperatorScript(accept=False)) == ["decline"] * 3


def test_an_operator_who_never_answers() -> None:
    assert answers(OperatorScript(accept="never", declines=1)) == ["decline", "ignore", "ignore"]


def test_calls_that_nobody_planned_for_are_declined() -> None:
    assert answers(None) == ["decline"] * 3
    assert Floor().plan("CA-unknown").answer() == "decline"


ASK = wire.ApprovalView(
    approval_id="p1",
    call_id="CA1",
    caller="+15550100",
    action="transfer",
    summary="Move $450.00",
    arguments={"amount": "450.00", "source": "savings"},
    digest="d",
    effect="reversible",
    amount=450.0,
    risk=10,
    reasons=[],
    reasoning="",
    alternatives=[],
    doubts=[],
    veto=False,
    second=False,
    expires_at=45.0,
    seconds=45.0,
)


@pytest.mark.parametrize(
    ("script", "word", "answer"),
    [
        (
            OperatorScript(approve="as_proposed"),
            "approved",
            wire.Approve(approval_id="p1", digest="d"),
        ),
        (
            OperatorScript(approve={"amount": "400.00"}),
            "edited",
            wire.Approve(
                approval_id="p1", digest="d", arguments={"amount": "400.00", "source": "savings"}
            ),
        ),
        (
            OperatorScript(approve="reject", note="not now"),
            "rejected",
            wire.Reject(approval_id="p1", digest="d", reason="not now"),
        ),
    ],
)
def test_an_approval_is_answered_as_the_scenario_says(
    script: OperatorScript, word: str, answer: wire.WireModel
) -> None:
    assert answer_to(ASK, script) == (word, answer)


def test_without_a_word_in_the_scenario_an_approval_runs_out() -> None:
    assert answer_to(ASK, OperatorScript()) is None


def test_the_longest_reason_is_what_the_console_takes() -> None:
    wire.Reject(approval_id="p1", digest="d", reason="x" * LONGEST_REASON)
    with pytest.raises(ValidationError):
        wire.Reject(approval_id="p1", digest="d", reason="x" * (LONGEST_REASON + 1))


def test_frames_are_whole_and_lose_nothing() -> None:
    audio = bytes(range(256)) * 2
    frames = cut(audio)
    assert {len(frame) for frame in frames} == {FRAME}
    assert b"".join(frames)[: len(audio)] == audio
    assert set(b"".join(frames)[len(audio) :]) <= {0xFF}
    assert cut(b"") == []


def test_canonical_mu_law_has_one_zero() -> None:
    every = bytes(range(256))
    once = canonical(every)
    assert canonical(once) == once
    assert [n for n in range(256) if once[n] != n] == [0x7F]
