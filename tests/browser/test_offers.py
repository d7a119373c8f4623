"""A call rings: how it is noticed, answered, lost to others."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser import scenes
from tests.browser.fake_floor import FakeFloor
from tests.browser.loudspeaker import heard
from tests.browser.steps import call_bar, go_available, offer_dialog, sign_in
from voice_hitl.server import wire

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def ring(floor: FakeFloor, operator_id: str, call_id: str = "c-1") -> wire.OfferView:
    """Let a call ring at the operator."""
    call = scenes.call(call_id, f"+1555010{call_id[-1]}", 30, state="waiting")
    await floor.set_call(call)
    offer = scenes.offer(call_id, call.caller, call.started_at)
    await floor.ring(operator_id, offer)
    return offer


async def test_is_seen_heard_and_in_the_title(page: Page, floor: FakeFloor) -> None:
    me = await sign_in(page, floor)
    await go_available(page, floor)
    offer = await ring(floor, me)
    dialog = offer_dialog(page)
    await expect(dialog.get_by_role("alert")).to_contain_text(f"{offer.caller} is calling.")
    await expect(page).to_have_title(f"☎ {offer.caller} is calling")
    assert (await heard(page, 1.0)).max() > 0.01

    await floor.stop_ringing(offer.offer_id, "lapsed", "It went to the next operator.")
    await expect(dialog).to_have_count(0)
    await expect(page).to_have_title("Voice handoff console")
    await expect(page.get_by_text("It went to the next operator.")).to_be_visible()
    await page.wait_for_function("() => window.heard.length > 100 && window.heard.at(-1)[1] === 0")


async def test_enter_takes_it(page: Page, floor: FakeFloor) -> None:
    me = await sign_in(page, floor)
    await go_available(page, floor)
    await ring(floor, me)
    await expect(offer_dialog(page)).to_be_visible()
    while not floor.bridges:  # keys pressed in the first instant are not meant for it
        await page.keyboard.press("Enter")
    await expect(call_bar(page)).to_be_visible()
    assert [c.type for c in floor.commands].count("accept") == 1


async def test_escape_declines_it(page: Page, floor: FakeFloor) -> None:
    me = await sign_in(page, floor)
    await go_available(page, floor)
    offer = await ring(floor, me)
    dialog = offer_dialog(page)
    await expect(dialog).to_be_visible()
    while wire.Decline(offer_id=offer.offer_id) not in floor.commands:
        await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    assert "accept" not in [c.type for c in floor.commands]


async def test_a_key_that_was_already_coming_does_not_take_it(page: Page, floor: FakeFloor) -> None:
    me = await sign_in(page, floor)
    await go_available(page, floor)
    offer = await ring(floor, me)
    # Dispatched in the page in the very frame that shows the dialog: what a person typing elsewhere does.
    await page.evaluate(
        """() => new Promise((done) => {
          const look = () => {
            const button = document.querySelector('[role=dialog] [data-autofocus]');
            if (button === null) { requestAnimationFrame(look); return; }
            const enter = { key: 'Enter', bubbles: true, cancelable: true };
            if (button.dispatchEvent(new KeyboardEvent('keydown', enter))) button.click();
            done();
          };
          look();
        })"""
    )
    while wire.Decline(offer_id=offer.offer_id) not in floor.commands:
        await page.keyboard.press("Escape")
    assert "accept" not in [c.type for c in floor.commands]


async def test_somebody_else_was_quicker(page: Page, floor: FakeFloor) -> None:
    me = await sign_in(page, floor)
    await go_available(page, floor)
    offer = await ring(floor, me)
    await expect(offer_dialog(page)).to_be_visible()
    await floor.stop_ringing(offer.offer_id, "taken", "Ravi took this call a moment before you.")
    await expect(offer_dialog(page)).to_have_count(0)
    news = page.get_by_role("status").filter(has_text="Taken by a colleague")
    await expect(news).to_contain_text("Ravi took this call a moment before you.")
    await expect(call_bar(page)).to_have_count(0)


async def test_the_caller_hung_up_meanwhile(page: Page, floor: FakeFloor) -> None:
    me = await sign_in(page, floor)
    await go_available(page, floor)
    offer = await ring(floor, me)
    await expect(offer_dialog(page)).to_be_visible()
    await floor.stop_ringing(offer.offer_id, "caller_gone", "The caller hung up.")
    await floor.end_call(offer.call_id, "abandoned")
    await expect(offer_dialog(page)).to_have_count(0)
    await expect(page.get_by_text("Caller gave up").first).to_be_visible()


async def test_several_ring_one_by_one(page: Page, floor: FakeFloor) -> None:
    me = await sign_in(page, floor)
    await go_available(page, floor)
    first = await ring(floor, me, "c-1")
    second = await ring(floor, me, "c-2")
    dialog = offer_dialog(page)
    await expect(dialog).to_contain_text("and 1 more waiting")
    await expect(dialog).to_contain_text(first.caller)
    await floor.stop_ringing(first.offer_id, "withdrawn", "No longer needed.")
    await expect(dialog).to_contain_text(second.caller)
    await expect(dialog).not_to_contain_text("more waiting")


async def test_a_page_opened_while_it_rings_shows_it(page: Page, floor: FakeFloor) -> None:
    me = await sign_in(page, floor)
    await go_available(page, floor)
    offer = await ring(floor, me)
    await page.reload()
    await expect(offer_dialog(page)).to_contain_text(offer.caller)
