import pytest

from voice_hitl.agent.pack import load_pack
from voice_hitl.demo.play import as_it_should, choose
from voice_hitl.errors import ScenarioError

BANKING = load_pack("banking")


def test_all_scenarios_are_played_when_none_is_named() -> None:
    names = [scenario.name for scenario in choose(BANKING, [])]
    assert len(names) >= 12
    assert names == sorted(names)


def test_named_scenarios_are_played_once_in_the_order_given() -> None:
    chosen = choose(BANKING, ["transfer", "balance", "transfer"])
    assert [scenario.name for scenario in chosen] == ["transfer", "balance"]


def test_an_unknown_name_is_told_with_those_there_are() -> None:
    with pytest.raises(ScenarioError, match=r"no scenario 'balanse' in pack banking; .*balance"):
        choose(BANKING, ["balanse"])


def test_no_call_at_all_is_no_success() -> None:
    assert not as_it_should([])
