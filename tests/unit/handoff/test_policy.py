from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.errors import PolicyError
from handoff.policy import Policy


def test_the_default_policy_is_what_the_design_says() -> None:
    policy = Policy()
    assert policy.rule == "value"
    assert policy.thresholds.confidence == 0.90
    assert policy.thresholds.high_risk_confidence == 0.95
    assert policy.thresholds.margin == 0.15
    assert policy.floor.offer_seconds == 15
    assert policy.triggers.no_matches.count == policy.triggers.silences.count == 2
    assert policy.high_risk == {"medical", "financial", "legal"}


def test_values_are_read_from_a_mapping() -> None:
    policy = Policy.from_mapping(
        {
            "rule": "simple",
            "costs": {"operator": 7},
            "triggers": {"silences": {"count": 4}, "digit_zero": {"enabled": False}},
            "regulated": {"claim_denial": "denying a claim"},
        },
        "policy.yaml",
    )
    assert policy.rule == "simple"
    assert policy.costs.operator == 7.0
    assert policy.triggers.silences.count == 4
    assert not policy.triggers.digit_zero.enabled
    assert policy.regulated == {"claim_denial": "denying a claim"}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"tresholds": {}}, ["'tresholds' is unknown", "write 'thresholds'"]),
        ({"costs": {"operatr": 1}}, ["'costs.operatr' is unknown", "write 'operator'"]),
        ({"ladder": {"rungs": [{"name": "flow", "slop": 1}]}}, ["rungs.0.slop", "write 'slope'"]),
        ({"oversight": {"actions": {"pay": {"mod": "in"}}}}, ["actions.pay.mod", "write 'mode'"]),
        ({"oversight": {"packs": {"bank": {"reed": {}}}}}, ["packs.bank.reed", "write 'read'"]),
        ({"costs": {"zzz": 1}}, ["'costs.zzz' is unknown", "known here: ", "abandon"]),
        ({"costs": {"fail": -1}}, ["'costs.fail'", "greater than or equal to 0", "got -1"]),
        ({"costs": {"fail": float("nan")}}, ["'costs.fail'", "finite"]),
        ({"thresholds": {"margin": 1.5}}, ["'thresholds.margin'", "less than or equal to 1"]),
        ({"rule": "clever"}, ["'rule'", "'value' or 'simple'", "got 'clever'"]),
        ({"hysteresis": {"high": 1, "low": 2}}, ["'hysteresis'", "raise 'high' or lower 'low'"]),
        ({"triggers": {"silences": {"count": 0}}}, ["'triggers.silences.count'"]),
        ({"triggers": {"emergency": {"count": 2}}}, ["'triggers.emergency.count'", "unknown"]),
        ({"triggers": {"regulated": {"count": 2}}}, ["'triggers.regulated.count'"]),
        ({"triggers": {"over_limit": {"count": 2}}}, ["'triggers.over_limit.count'"]),
        ({"triggers": {"digit_zero": {"count": 2}}}, ["'triggers.digit_zero.count'"]),
        ({"floor": 3}, ["'floor'"]),
    ],
)
def test_a_bad_policy_names_file_field_and_mend(data: dict[str, object], words: list[str]) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.from_mapping(data, "packs/banking/policy.yaml")
    message = str(caught.value)
    assert message.startswith("packs/banking/policy.yaml: ")
    for word in words:
        assert word in message


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(PolicyError, match=r"costs\.fail.*; .*floor\.offer_seconds"):
        Policy.from_mapping({"costs": {"fail": -1}, "floor": {"offer_seconds": 0}}, "p")


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_the_mapping_holds_nothing_but_a_policy_error_comes_out(value: object) -> None:
    for name in ("costs", "triggers", "regulated", "high_risk", "rule", "anything"):
        try:
            Policy.from_mapping({name: value}, "p")
        except PolicyError as error:
            assert str(error).startswith("p: ")


def test_the_version_follows_the_values_only() -> None:
    plain = Policy()
    assert plain.version == Policy.from_mapping({}, "elsewhere").version
    assert plain.version != Policy.from_mapping({"costs": {"err": 5}}, "p").version
    one = Policy.from_mapping({"high_risk": ["a", "b", "c"]}, "p")
    other = Policy.from_mapping({"high_risk": ["c", "b", "a"]}, "p")
    assert one.version == other.version
    assert len(plain.version) == 12
