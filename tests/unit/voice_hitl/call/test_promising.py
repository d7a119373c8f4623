from __future__ import annotations

from dataclasses import replace

import pytest

from handoff import events as facts
from handoff.callbacks import CallbackRecord, CallbackState
from handoff.commands import GiveUp, Urgency
from handoff.testing import a_decision
from tests.unit.voice_hitl.call.test_floor import BRIEF
from voice_hitl.call.promising import Promises, kept_callback, reopened_callbacks
from voice_hitl.clock import Clock

GIVEN_UP = GiveUp("CA1", 0, 1, "nobody", callback=True)
RECORD = CallbackRecord(
    "cb-1", "CA1", "+15550100", "why", Urgency.HIGH, BRIEF.as_dict(), 5.0, 5.0, 3605.0
)


class Desk:
    """What promises post."""

    def __init__(self) -> None:
        self.told: list[facts.DeskEvent] = []
        self.promises = Promises(self.told.append)

    def asks(self, who: str = "+15550100", category: str = "financial") -> None:
        brief = replace(BRIEF, who=who)
        decision = replace(a_decision("CA1"), urgency=Urgency.HIGH)
        self.promises.asked(
            facts.HandoffRequested("CA1", brief, decision, language="en", category=category)
        )


def test_what_is_promised_is_what_was_asked_for() -> None:
    desk = Desk()
    desk.asks()
    assert desk.promises.promise(GIVEN_UP)
    (event,) = desk.told
    assert isinstance(event, facts.CallbackPromised)
    assert (event.call_id, event.number, event.language) == ("CA1", "+15550100", "en")
    assert (event.urgency, event.category) == (Urgency.HIGH, "financial")
    assert event.brief == BRIEF.as_dict()
    assert desk.promises.answered(event.callback_id) is GIVEN_UP
    assert desk.promises.answered(event.callback_id) is None, "told once"


def test_a_call_that_asks_again_before_the_desk_has_answered_is_promised_one() -> None:
    desk = Desk()
    desk.asks()
    again = replace(GIVEN_UP, request=2)
    assert desk.promises.promise(GIVEN_UP)
    assert desk.promises.promise(again)
    (event,) = desk.told
    assert isinstance(event, facts.CallbackPromised)
    assert desk.promises.answered(event.callback_id) is again


@pytest.mark.parametrize(
    ("given_up", "who"),
    [
        (replace(GIVEN_UP, callback=False), "+15550100"),
        (replace(GIVEN_UP, reason="draining"), "+15550100"),
        (replace(GIVEN_UP, reason="cleared"), "+15550100"),
        (GIVEN_UP, "anonymous"),
        (GIVEN_UP, "+1"),
        (replace(GIVEN_UP, call_id="CA2"), "+15550100"),
    ],
)
def test_nothing_is_promised_that_cannot_be_kept(given_up: GiveUp, who: str) -> None:
    desk = Desk()
    desk.asks(who)
    assert not desk.promises.promise(given_up)
    assert desk.told == []


def test_a_call_that_is_over_asks_no_more() -> None:
    desk = Desk()
    desk.asks()
    assert desk.promises.category("CA1", []) == "financial"
    desk.promises.call_over("CA1")
    assert not desk.promises.promise(GIVEN_UP)
    assert desk.promises.category("CA1", []) == "general"
    assert desk.promises.category("cb-1", [replace(RECORD, category="abuse")]) == "abuse"


def test_whoever_is_served_needs_no_callback() -> None:
    desk = Desk()
    claimed = replace(RECORD, callback_id="cb-2", state=CallbackState.CLAIMED)
    other = replace(RECORD, callback_id="cb-3", call_id="CA2")
    desk.promises.taken("CA1", [RECORD, claimed, other])
    assert desk.told == [facts.CallbackWithdrawn("cb-1", "a person took the call")]


def test_a_takeover_that_comes_too_late_leaves_the_promise() -> None:
    desk = Desk()
    desk.promises.serve_instead(RECORD, "ana")
    withdrawn, takeover = desk.told
    assert isinstance(withdrawn, facts.CallbackWithdrawn)
    assert takeover == facts.TakeoverRequested("ana", "CA1")
    desk.promises.not_taken("CA1")
    again = desk.told[-1]
    assert isinstance(again, facts.CallbackPromised)
    assert (again.call_id, again.number, again.by) == ("CA1", "+15550100", RECORD.by)
    assert again.callback_id != RECORD.callback_id, "that one is over"
    desk.promises.not_taken("CA1")
    assert len(desk.told) == 3, "once"


def test_times_are_kept_by_the_wall_and_read_on_the_new_process_clock() -> None:
    clock = Clock(epoch=1_700_000_000.0)
    later = Clock(epoch=1_700_000_500.0)  # a process whose monotonic zero is 500 s later
    record = kept_callback(RECORD, clock, 7.0)
    assert (record.state, record.open, record.at) == ("waiting", True, clock.epoch + 7)
    assert record.detail["by"] == pytest.approx(clock.epoch + RECORD.by)
    (back,) = reopened_callbacks([record], later)
    assert back.by == pytest.approx(RECORD.by - 500)
    bad = replace(record, detail={"callback_id": "cb-9"})
    assert reopened_callbacks([bad, record], clock) == [RECORD]
