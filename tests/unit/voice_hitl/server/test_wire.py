from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from handoff import commands as core
from handoff.session import State
from voice_hitl.server import wire
from voice_hitl.server.screens.floor import OFFER_OVER_WORDS

COMMANDS: tuple[type[wire.WireModel], ...] = get_args(get_args(wire.ConsoleMessage)[0])
MESSAGES: tuple[type[wire.WireModel], ...] = get_args(get_args(wire.ServerMessage)[0])

plain = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
commands: st.SearchStrategy[wire.ConsoleMessage] = st.one_of(
    st.builds(wire.SetPresence, presence=st.sampled_from(["available", "away"])),
    st.builds(wire.Accept, offer_id=plain),
    st.builds(wire.Decline, offer_id=plain),
    st.builds(wire.Take, call_id=plain),
    st.builds(wire.HandBack, call_id=plain, epoch=st.integers(), note=plain),
    st.builds(wire.EndCall, call_id=plain, epoch=st.integers()),
    st.builds(wire.Watch, call_id=st.none() | plain),
)
anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | plain,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain, inner, max_size=4),
    max_leaves=8,
)


@given(commands)
def test_a_command_survives_the_wire(command: wire.ConsoleMessage) -> None:
    assert wire.console_message.validate_json(command.model_dump_json()) == command


def understood(data: str | bytes) -> wire.ConsoleMessage | None:
    """What a console's message is read as; anything but our own types or a refusal is an error."""
    try:
        return wire.console_message.validate_json(data)
    except ValidationError as error:
        assert error.errors()
        return None


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    found = understood(data)
    assert found is None or isinstance(found, COMMANDS)


@given(anything)
def test_no_json_breaks_the_reader(data: Any) -> None:
    found = understood(json.dumps(data))
    assert found is None or isinstance(found, COMMANDS)


names = st.sampled_from([model.model_fields["type"].default for model in COMMANDS] + ["fire"])


@given(
    names,
    st.dictionaries(
        st.sampled_from(["presence", "offer_id", "call_id", "epoch", "note", "more"]),
        st.sampled_from([None, "", "available", 7, -1, 10**30, 1.5, True, [], {}, "7"]),
    ),
)
def test_a_message_is_taken_only_with_what_its_type_has(name: str, fields: dict[str, Any]) -> None:
    found = understood(json.dumps({"type": name, **fields}))
    if found is not None:
        assert found.type == name
        assert set(fields) <= set(type(found).model_fields)


@pytest.mark.parametrize("digits", [100, 5000])
def test_a_number_without_end_is_no_trouble(digits: int) -> None:
    found = understood(f'{{"type": "end_call", "call_id": "CA1", "epoch": {"9" * digits}}}')
    assert found is None or isinstance(found, wire.EndCall)


@pytest.mark.parametrize("depth", [100, 20_000])
def test_a_bottomless_message_is_refused(depth: int) -> None:
    assert understood("[" * depth + "]" * depth) is None


@pytest.mark.parametrize("model", COMMANDS + MESSAGES)
def test_every_message_is_told_by_its_own_type(model: type[wire.WireModel]) -> None:
    names = [other.model_fields["type"].default for other in COMMANDS + MESSAGES]
    assert names.count(model.model_fields["type"].default) == 1


@pytest.mark.parametrize("model", COMMANDS + MESSAGES)
def test_messages_are_closed_and_frozen(model: type[wire.WireModel]) -> None:
    assert model.model_config.get("extra") == "forbid"
    assert model.model_config.get("frozen") is True


def test_the_console_knows_every_state_of_a_call() -> None:
    assert set(get_args(wire.CallState)) == {state.value for state in State}


def test_the_console_knows_every_urgency() -> None:
    urgencies = get_args(wire.BriefView.model_fields["urgency"].annotation)
    assert set(urgencies) == {urgency.value for urgency in core.Urgency}


def test_every_way_an_offer_ends_has_its_words() -> None:
    reasons = get_args(wire.OfferOver.model_fields["reason"].annotation)
    assert set(reasons) == set(OFFER_OVER_WORDS)


@pytest.mark.parametrize(
    ("name", "password", "good"),
    [
        ("ana", "long enough", True),
        ("", "long enough", False),
        ("a" * 65, "long enough", False),
        ("ana", "too short", False),
        ("ana", "x" * 257, False),
    ],
)
def test_a_first_account_needs_a_name_and_a_real_password(
    name: str, password: str, good: bool
) -> None:
    body = json.dumps({"token": "t", "name": name, "password": password})
    if good:
        assert wire.SetUp.model_validate_json(body).name == name
    else:
        with pytest.raises(ValidationError):
            wire.SetUp.model_validate_json(body)
