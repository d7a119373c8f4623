"""From what operators send to what the desk is told."""

from __future__ import annotations

from handoff import events as facts
from voice_hitl.server import wire
from voice_hitl.server.auth import Identity


def joined_event(identity: Identity) -> facts.OperatorJoined:
    """A console of an operator is open."""
    return facts.OperatorJoined(
        identity.operator_id,
        identity.name,
        skills=identity.skills,
        languages=identity.languages,
        seniority=identity.seniority,
    )


def presence_event(operator_id: str, message: wire.SetPresence) -> facts.OperatorPresence:
    """An operator sets their presence."""
    return facts.OperatorPresence(operator_id, facts.Presence(message.presence))


def override_event(by: str, message: wire.Override) -> facts.TriageOverridden:
    """A supervisor changes the place of a waiting call."""
    action = facts.Override(message.action)
    return facts.TriageOverridden(message.call_id, action, by, message.why, message.to)


def closing_event(
    by: str, message: wire.CloseCallback
) -> facts.CallbackDone | facts.CallbackFailed:
    """An operator says what became of a callback."""
    kind = facts.CallbackDone if message.reached else facts.CallbackFailed
    return kind(message.callback_id, by, message.epoch, message.note)
