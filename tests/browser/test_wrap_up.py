"""After a call: was it right to hand it to a person?"""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser import scenes
from tests.browser.fake_floor import FakeFloor
from tests.browser.steps import call_bar, go_available, offer_dialog, sign_in
from voice_hitl.server import wire

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


def wrap_up(page: Page) -> Locator:
    """The question."""
    return page.get_by_role("region", name="Was this handoff needed?")


async def after_a_call(page: Page, floor: FakeFloor) -> str:
    """Sign in, have a call and hand it back; return the operator's id."""
    me = await sign_in(page, floor)
    await go_available(page, floor)
    await floor.set_call(scenes.call("c-1", "+15550101", 30, state="waiting"))
    await floor.bridge(me, "c-1")
    await expect(call_bar(page)).to_be_visible()
    await expect(wrap_up(page)).to_have_count(0)
    await floor.hang_up_operator("c-1")
    await expect(wrap_up(page)).to_contain_text("+15550101")
    return me


async def test_one_answer_is_sent(page: Page, floor: FakeFloor) -> None:
    await after_a_call(page, floor)
    send = wrap_up(page).get_by_role("button", name="Send")
    await expect(send).to_be_disabled()
    await wrap_up(page).get_by_text("Too late").click()
    await wrap_up(page).get_by_label("Note").fill("The caller had asked twice.")
    await send.click()
    await expect(wrap_up(page)).to_have_count(0)
    body = wire.DispositionBody(verdict="too_late", note="The caller had asked twice.")
    assert floor.dispositions == [("c-1", body)]


async def test_can_be_skipped(page: Page, floor: FakeFloor) -> None:
    await after_a_call(page, floor)
    await wrap_up(page).get_by_role("button", name="Skip").click()
    await expect(wrap_up(page)).to_have_count(0)
    assert floor.dispositions == []


async def test_waits_while_the_next_call_comes(page: Page, floor: FakeFloor) -> None:
    me = await after_a_call(page, floor)
    call = scenes.call("c-2", "+15550102", 30, state="waiting")
    await floor.set_call(call)
    await floor.ring(me, scenes.offer("c-2", call.caller, call.started_at))
    await offer_dialog(page).get_by_role("button", name="Take call").click()
    await expect(call_bar(page)).to_contain_text("+15550102")
    await expect(wrap_up(page)).to_have_count(0)
    await floor.end_call("c-2", "handed_off")
    await expect(wrap_up(page)).to_contain_text("+15550102")
    await wrap_up(page).get_by_role("button", name="Skip").click()
    await expect(wrap_up(page)).to_contain_text("+15550101")


async def test_a_server_that_is_away_leaves_it_to_be_sent_again(
    page: Page, floor: FakeFloor
) -> None:
    await after_a_call(page, floor)
    await wrap_up(page).get_by_text("Needed", exact=True).click()
    floor.reachable = False
    await wrap_up(page).get_by_role("button", name="Send").click()
    await expect(page.get_by_role("alert").filter(has_text="Not noted")).to_be_visible()
    floor.reachable = True
    await wrap_up(page).get_by_role("button", name="Send").click()
    await expect(wrap_up(page)).to_have_count(0)
    assert floor.dispositions == [("c-1", wire.DispositionBody(verdict="needed"))]
