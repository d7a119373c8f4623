"""How calls and the floor talk to each other: the commands of one machine as events of the other.

Whoever runs both passes every command through these; what comes back None is to be carried out in the world
(audio, prompts, consoles, storage).
"""

from __future__ import annotations

from typing import overload

from handoff.commands import (
    Assign,
    CallCommand,
    DeskCommand,
    DisconnectOperator,
    GiveUp,
    RequestOperator,
    RequestTakeover,
    WithdrawRequest,
)
from handoff.events import (
    CallEvent,
    CallReleased,
    DeskEvent,
    HandoffRequested,
    NobodyAvailable,
    OperatorAssigned,
    RequestWithdrawn,
    TakeoverRequested,
)


def desk_event(command: CallCommand) -> DeskEvent | None:
    """What the desk must be told of a call's command; None for the others."""
    match command:
        case RequestOperator():
            return HandoffRequested(
                call_id=command.call_id,
                brief=command.brief,
                decision=command.decision,
                skip=command.skip,
                skill=command.skill,
                language=command.language,
                request=command.request,
                epoch=command.epoch,
                category=command.category,
            )
        case RequestTakeover():
            return TakeoverRequested(command.operator_id, command.call_id)
        case WithdrawRequest():
            return RequestWithdrawn(command.call_id, command.reason, command.request)
        case DisconnectOperator():
            return CallReleased(command.call_id, command.operator_id, command.epoch)
        case _:
            return None


@overload
def call_event(command: Assign) -> OperatorAssigned: ...
@overload
def call_event(command: GiveUp) -> NobodyAvailable: ...
@overload
def call_event(command: DeskCommand) -> CallEvent | None: ...
def call_event(command: DeskCommand) -> CallEvent | None:
    """What the call named in a desk's command must be told; None for the others."""
    match command:
        case Assign():
            return OperatorAssigned(command.operator_id, command.operator_name, command.epoch)
        case GiveUp():
            return NobodyAvailable(command.tried, command.request, command.reason)
        case _:
            return None
