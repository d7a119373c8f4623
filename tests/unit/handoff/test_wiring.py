from __future__ import annotations

from typing import get_args

import pytest

from handoff.brief import Memory
from handoff.commands import (
    Assign,
    CallCommand,
    DeskCommand,
    DisconnectOperator,
    GiveUp,
    Notice,
    RequestOperator,
    RequestTakeover,
    Tell,
    WithdrawRequest,
)
from handoff.events import (
    CallReleased,
    HandoffRequested,
    NobodyAvailable,
    OperatorAssigned,
    RequestWithdrawn,
    TakeoverRequested,
)
from handoff.testing import a_call, a_decision
from handoff.wiring import call_event, desk_event

DECISION = a_decision()
BRIEF = Memory(a_call(), 1, 1).brief(DECISION)


@pytest.mark.parametrize(
    ("command", "event"),
    [
        (
            RequestOperator("c", BRIEF, DECISION, ("ann",), "claims", "de", 3, 7),
            HandoffRequested("c", BRIEF, DECISION, ("ann",), "claims", "de", 3, 7),
        ),
        (RequestTakeover("c", "ann"), TakeoverRequested("ann", "c")),
        (WithdrawRequest("c", "caller_gone", 3), RequestWithdrawn("c", "caller_gone", 3)),
        (DisconnectOperator("c", "ann", "lost", 7), CallReleased("c", "ann", 7)),
        (Tell("c", Notice.NOBODY), None),
    ],
)
def test_what_a_call_wants_is_what_the_desk_hears(command: CallCommand, event: object) -> None:
    assert desk_event(command) == event


@pytest.mark.parametrize(
    ("command", "event"),
    [
        (Assign("c", "ann", "Ann", "c.1", 8), OperatorAssigned("ann", "Ann", 8)),
        (GiveUp("c", 2, 3), NobodyAvailable(2, 3)),
    ],
)
def test_what_the_desk_wants_is_what_the_call_hears(command: DeskCommand, event: object) -> None:
    assert call_event(command) == event


def test_every_command_about_an_operator_and_a_call_passes() -> None:
    passing = {RequestOperator, RequestTakeover, WithdrawRequest, DisconnectOperator}
    assert passing <= set(get_args(CallCommand))
    assert {Assign, GiveUp} <= set(get_args(DeskCommand))
