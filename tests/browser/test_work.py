"""The work beside the calls: second looks at the AI, what was left undone, how it all goes."""

from __future__ import annotations

import re
import time

import pytest
from playwright.async_api import Page, expect

from tests.browser import scenes, work_scenes
from tests.browser.fake_floor import FakeFloor
from tests.browser.steps import call_bar, row, sign_in
from voice_hitl.server import wire

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def at_work(page: Page, floor: FakeFloor, tab: str, *, supervisor: bool = False) -> str:
    """Sign in and open a part of the work; return the operator's id."""
    me = await sign_in(page, floor, supervisor=supervisor)
    await page.get_by_role("navigation").get_by_role("button", name="Work").click()
    await page.get_by_role("tab", name=tab).click()
    return me


async def test_a_review_is_blind_until_one_has_chosen(page: Page, floor: FakeFloor) -> None:
    me = await at_work(page, floor, "Reviews")
    await floor.work.review(me, work_scenes.review())
    review = page.get_by_role("article", name="A caller's turn")
    await expect(review).to_contain_text("there is something wrong with my card")
    send = review.get_by_role("button", name="This is my choice")
    await expect(send).to_be_disabled()
    await review.get_by_label("What does the caller come for?").select_option("lost_card")
    await expect(review.get_by_text("The AI", exact=True)).to_have_count(0)
    await send.click()
    await expect(review.get_by_role("definition")).to_have_text(
        ["Lost or stolen card", "Dispute a charge"]
    )
    await review.get_by_role("button", name="Different").click()
    await expect(review).to_have_count(0)
    assert wire.ReviewVerdict(review_id="r-1", equal=False) in floor.commands


async def test_something_else_needs_words(page: Page, floor: FakeFloor) -> None:
    me = await at_work(page, floor, "Reviews")
    await floor.work.review(me, work_scenes.review())
    await page.get_by_label("What would you say or do?").fill("Ask which card it is.")
    await page.get_by_role("button", name="This is my choice").click()
    await expect(page.get_by_text("Ask which card it is.")).to_be_visible()
    choice = wire.ReviewChoice(review_id="r-1", intent=None, text="Ask which card it is.")
    assert choice in floor.commands


async def test_an_audit_is_asked_for_and_judged(page: Page, floor: FakeFloor) -> None:
    floor.work.audits = [work_scenes.audit()]
    await at_work(page, floor, "Audits")
    await page.get_by_role("button", name="Show me one").click()
    item = page.get_by_role("article", name="What the AI did")
    await expect(item).to_contain_text("Moved $50.00 from checking to savings")
    await item.get_by_text("Wrong").click()
    await item.get_by_label("Note").fill("The caller had said no.")
    await item.get_by_role("button", name="Send").click()
    await expect(item).to_have_count(0)
    verdict = wire.AuditVerdict(audit_id="au-1", verdict="wrong", note="The caller had said no.")
    assert verdict in floor.commands
    await page.get_by_role("button", name="Show me one").click()
    await expect(page.get_by_text("There is nothing for you to judge now.")).to_be_visible()


async def test_a_follow_up_is_marked_done(page: Page, floor: FakeFloor) -> None:
    floor.work.follow_ups = [work_scenes.follow_up(), work_scenes.follow_up("f-2", summary="Other")]
    await at_work(page, floor, "Follow-ups")
    first = page.get_by_role("article").first
    await expect(first).to_contain_text("Nobody answered in time")
    await first.get_by_role("button", name="Done").click()
    await expect(page.get_by_role("article")).to_have_count(1)
    assert [item.approval_id for item in floor.work.follow_ups] == ["f-2"]


async def test_the_board_says_who_moved_what_where(page: Page, floor: FakeFloor) -> None:
    floor.work.board = work_scenes.board()
    await at_work(page, floor, "Board")
    for column, words in (
        ("Queued", "Queued 0"),
        ("Human review", "Transfer $400.00 to Electronics Depot"),
        ("Rejected", "Ravi Menon"),
        ("Expired", "the deadline"),
    ):
        await expect(page.get_by_role("region", name=column)).to_contain_text(words)


async def test_figures_and_what_a_warning_asks_for(page: Page, floor: FakeFloor) -> None:
    floor.work.figures = work_scenes.figures()
    me = await at_work(page, floor, "Figures", supervisor=True)
    await expect(page.get_by_role("row", name="Calls done by the AI alone")).to_contain_text(
        "81.0 %"
    )
    await expect(page.get_by_role("row", name="Breakdowns")).to_contain_text("not enough data")
    warning = page.get_by_role("article", name="Warning")
    await expect(warning).to_have_count(0)
    await floor.tell(wire.WarningRaised(warning=work_scenes.warning()), me)
    await expect(warning).to_contain_text("Look at the last refused approvals")
    await floor.tell(wire.WarningOver(code="overrides"), me)
    await expect(warning).to_have_count(0)


async def test_who_is_no_supervisor_reads_the_warnings_as_well(
    page: Page, floor: FakeFloor
) -> None:
    standing = work_scenes.figures().model_copy(update={"warnings": [work_scenes.warning()]})
    floor.work.figures = standing
    await at_work(page, floor, "Figures")
    warning = page.get_by_role("article", name="Warning")
    await expect(warning).to_contain_text("Look at the last refused approvals")


async def test_a_supervisor_says_why_a_call_moves_up(page: Page, floor: FakeFloor) -> None:
    await at_work(page, floor, "Queue", supervisor=True)
    await floor.set_call(scenes.call("c-1", "+15550101", 30, state="waiting"))
    await floor.tell(wire.QueueChanged(queue=[work_scenes.waiting("c-1")]))
    place = page.get_by_role("article", name="+15550101")
    await expect(place.get_by_role("button", name="Raise")).to_be_disabled()
    await place.get_by_label("Why change its place?").fill("A journalist is on the line.")
    await place.get_by_role("button", name="Raise").click()
    override = wire.Override(call_id="c-1", action="raise", why="A journalist is on the line.")
    await floor.until("the override", lambda: override in floor.commands)


async def test_a_call_comes_before_the_work(page: Page, floor: FakeFloor) -> None:
    me = await at_work(page, floor, "Board")
    await floor.set_call(scenes.call("c-1", "+15550101", 30, state="waiting"))
    await row(page, "+15550101").click()
    await expect(page.get_by_role("region", name="Call from +15550101")).to_be_visible()
    await page.get_by_role("navigation").get_by_role("button", name="Work").click()
    await expect(page.get_by_role("region", name="Call from +15550101")).to_have_count(0)
    await floor.bridge(me, "c-1")
    await expect(call_bar(page)).to_be_visible()
    await expect(page.get_by_role("region", name="Call from +15550101")).to_be_visible()


async def test_a_critical_call_can_be_taken_from_anywhere(page: Page, floor: FakeFloor) -> None:
    me = await at_work(page, floor, "Board")
    await floor.set_call(scenes.call("c-1", "+15550101", 30, state="waiting"))
    await floor.tell(wire.Alerted(alert=work_scenes.alert("c-1", "+15550101")), me)
    alert = page.get_by_role("alert").filter(has_text="Critical: +15550101")
    await expect(alert).to_contain_text("The caller says that somebody is in danger.")
    await alert.get_by_role("button", name="Take call").click()
    await expect(call_bar(page)).to_be_visible()
    over = wire.AlertOver(call_id="c-1", reason="taken", message="A colleague has the call.")
    await floor.tell(over, me)
    await floor.hang_up_operator("c-1")
    await expect(alert).to_have_count(0)


async def test_a_callback_rings_and_is_closed(page: Page, floor: FakeFloor) -> None:
    me = await sign_in(page, floor)
    callback = work_scenes.callback()
    offer = wire.CallbackOfferView(
        offer_id="cb-1.1", callback=callback, expires_at=time.time() + 20, seconds=20
    )
    await floor.tell(wire.CallbackChanged(callback=callback))
    await floor.tell(wire.CallbackOffered(offer=offer), me)
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text(callback.number)
    await dialog.get_by_role("button", name="Decline").click()
    await floor.until("the answer", lambda: wire.Decline(offer_id=offer.offer_id) in floor.commands)
    over = wire.OfferOver(
        offer_id=offer.offer_id, call_id=callback.callback_id, reason="declined", message=""
    )
    await floor.tell(over, me)
    await expect(dialog).to_have_count(0)

    claimed = work_scenes.callback(state="claimed", operator_id=me, epoch=3)
    await floor.tell(wire.CallbackChanged(callback=claimed))
    card = page.get_by_role("region", name="Your callback")
    await expect(card).to_contain_text(re.compile(r"due in \d+:\d\d"))
    await card.get_by_label("Note").fill("All is well.")
    await card.get_by_role("button", name="Reached", exact=True).click()
    closed = wire.CloseCallback(callback_id="cb-1", epoch=3, reached=True, note="All is well.")
    await floor.until("the callback is closed", lambda: closed in floor.commands)
    await floor.tell(wire.CallbackChanged(callback=work_scenes.callback(state="done")))
    await expect(card).to_have_count(0)


async def test_a_break_is_taken_and_asked_for(page: Page, floor: FakeFloor) -> None:
    me = await sign_in(page, floor)
    words = "You have worked 120 minutes: take a break; nothing rings."
    await floor.tell(wire.RestChanged(resting=True, worked_minutes=120, message=words), me)
    await expect(page.get_by_text(words)).to_be_visible()
    await page.get_by_role("button", name="Take a break").click()
    await floor.until("the break", lambda: wire.SetPresence(presence="break") in floor.commands)
    await expect(page.get_by_role("button", name="Take a break")).to_have_count(0)
    await floor.set_presence(me, "wrap_up")
    await page.get_by_role("button", name="Ready").click()
    await floor.until("ready", lambda: wire.WrapUpDone() in floor.commands)
