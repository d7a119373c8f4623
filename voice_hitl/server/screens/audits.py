"""Audits on the consoles of those who judge: what they are given, and why it is over."""

from __future__ import annotations

from collections.abc import Callable

from handoff.audit import AuditItem
from voice_hitl.clock import Clock
from voice_hitl.server import wire
from voice_hitl.server.views import audit_view

OVER_WORDS = {
    "answered": "Thank you; your judgement is kept.",
    "lapsed": "Time is up; it is for others now.",
    "own": "You have a part in this call now, so others judge it.",
    "over": "This has been judged already.",
    "not_yours": "Somebody else judges this.",
}


class AuditScreens:
    """What is judged at all consoles (`AuditConsole`); nothing of it outlives a window."""

    def __init__(self, clock: Clock, tell: Callable[[str, wire.WireModel], None]) -> None:
        self._clock = clock
        self._tell = tell

    def audit_shown(self, operator_id: str, item: AuditItem | None, seconds: float) -> None:
        """What to judge next; None: there is nothing for them."""
        audit = audit_view(item, seconds, self._clock.wall()) if item is not None else None
        self._tell(operator_id, wire.AuditShown(audit=audit))

    def audit_over(self, operator_id: str, audit_id: str, reason: str) -> None:
        """It needs nothing from them any more."""
        words = OVER_WORDS.get(reason, reason.replace("_", " ").capitalize() + ".")
        self._tell(operator_id, wire.AuditOver(audit_id=audit_id, reason=reason, message=words))
