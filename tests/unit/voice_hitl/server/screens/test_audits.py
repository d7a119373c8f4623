from __future__ import annotations

from typing import Any

import pytest

from handoff.audit import AuditItem
from voice_hitl.clock import Clock
from voice_hitl.server.screens.audits import OVER_WORDS, AuditScreens

ITEM = AuditItem("CA1:3", "decision", "CA1", 3, "automatic", "general", 0.2, "It said: yes.")
Told = list[tuple[str, Any]]


@pytest.fixture
def told() -> Told:
    return []


@pytest.fixture
async def clock() -> Clock:
    return Clock.of_running_loop()


@pytest.fixture
async def screens(told: Told, clock: Clock) -> AuditScreens:
    return AuditScreens(clock, lambda *each: told.append(each))


async def test_an_item_is_shown_with_its_deadline_and_nothing_when_there_is_none(
    screens: AuditScreens, told: Told, clock: Clock
) -> None:
    screens.audit_shown("ana", ITEM, 60.0)
    screens.audit_shown("bob", None, 0.0)
    (ana, item), (bob, nothing) = told
    assert (ana, bob) == ("ana", "bob")
    assert (item.audit.audit_id, item.audit.summary) == ("CA1:3", "It said: yes.")
    assert item.audit.expires_at == pytest.approx(clock.wall() + 60.0, abs=5.0)
    assert nothing.audit is None


@pytest.mark.parametrize("reason", [*OVER_WORDS, "given_up"])
async def test_why_an_audit_is_over_is_said_in_words(
    screens: AuditScreens, told: Told, reason: str
) -> None:
    screens.audit_over("ana", "CA1:3", reason)
    ((who, over),) = told
    assert (who, over.audit_id, over.reason) == ("ana", "CA1:3", reason)
    assert over.message == OVER_WORDS.get(reason, "Given up.")
