from pathlib import Path

from voice_hitl.demo.interactive import LINGER, TAKE_LIMIT, must_stay, patient
from voice_hitl.simulate.loading import load_scenarios
from voice_hitl.simulate.scenario import Scenario, Wait

SHIPPED = Path(__file__).parents[4] / "voice_hitl" / "packs" / "banking" / "scenarios"
SCENARIOS = {scenario.name: scenario for scenario in load_scenarios([SHIPPED])}


def waits_for_operator(scenario: Scenario) -> list[float]:
    return [
        step.timeout
        for step in scenario.every_step()
        if isinstance(step, Wait) and step.wait == "operator"
    ]


def test_callers_wait_longer_for_a_person_than_for_a_script() -> None:
    for name in ("person", "angry", "silent"):
        before, after = SCENARIOS[name], patient(SCENARIOS[name])
        assert waits_for_operator(before)
        assert waits_for_operator(after) == [max(t, TAKE_LIMIT) for t in waits_for_operator(before)]
        assert after.linger == LINGER
        assert len(list(after.every_step())) == len(list(before.every_step()))


def test_only_calls_without_an_operator_are_the_ai_s_own() -> None:
    assert must_stay(SCENARIOS["balance"])
    assert must_stay(SCENARIOS["hangup_mid_sentence"])
    assert not must_stay(SCENARIOS["person"])
    assert not must_stay(SCENARIOS["nobody_free"])
