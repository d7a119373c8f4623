from pathlib import Path

from voice_hitl.demo.operators import FRAME, Floor, Plan, canonical, cut
from voice_hitl.simulate.scenario import OperatorScript

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
