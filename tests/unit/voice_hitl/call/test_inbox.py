from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import virtual
from voice_hitl.call.inbox import INBOX_SIZE, DigitCame, Inbox, InboxOverflow, Wake


@pytest.fixture
async def inbox() -> Inbox:
    return Inbox()


@given(st.lists(st.one_of(st.none(), st.text("0123456789*#", min_size=1, max_size=1)), max_size=60))
def test_events_come_out_in_the_order_they_went_in(steps: list[str | None]) -> None:
    """None takes an event out, a digit puts one in."""

    async def main() -> None:
        inbox = Inbox()
        put: list[str] = []
        got: list[str] = []
        for step in steps:
            if step is not None:
                inbox.post(DigitCame(step))
                put.append(step)
            elif len(got) < len(put):
                event = await inbox.get()
                assert isinstance(event, DigitCame)
                got.append(event.digit)
        assert got == put[: len(got)]

    virtual.run(main())


async def test_whoever_waits_is_given_the_event_that_comes(inbox: Inbox) -> None:
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(inbox.get())
        tasks.create_task(_later(inbox))
    assert waiting.result() == DigitCame("1")


async def _later(inbox: Inbox) -> None:
    inbox.post(DigitCame("1"))


async def test_it_holds_exactly_its_size(inbox: Inbox) -> None:
    for _ in range(INBOX_SIZE):
        inbox.post(Wake())
    for _ in range(INBOX_SIZE):
        assert await inbox.get() == Wake()


async def test_an_event_too_many_fails_the_call_at_its_next_step(inbox: Inbox) -> None:
    for _ in range(INBOX_SIZE + 1):
        inbox.post(Wake())
    with pytest.raises(InboxOverflow, match="1024 events wait"):
        await inbox.get()


async def test_a_failure_from_outside_is_raised_before_what_was_queued(inbox: Inbox) -> None:
    inbox.post(DigitCame("1"))
    inbox.fail(ZeroDivisionError("in a tick"))
    with pytest.raises(ZeroDivisionError, match="in a tick"):
        await inbox.get()


async def test_a_failure_from_outside_wakes_who_waits(inbox: Inbox) -> None:
    async def break_it() -> None:
        inbox.fail(ZeroDivisionError("in a tick"))

    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(inbox.get())
            tasks.create_task(break_it())
    assert caught.group_contains(ZeroDivisionError)


async def test_a_failure_reaches_the_owner_even_of_a_full_inbox(inbox: Inbox) -> None:
    for _ in range(INBOX_SIZE):
        inbox.post(Wake())
    inbox.fail(ZeroDivisionError("in a tick"))
    with pytest.raises((ZeroDivisionError, InboxOverflow)):
        await inbox.get()


async def test_what_nobody_waited_for_is_handed_out_in_order_once(inbox: Inbox) -> None:
    inbox.post(DigitCame("1"))
    inbox.post(Wake())
    assert inbox.rest() == [DigitCame("1"), Wake()]
    assert inbox.rest() == []
