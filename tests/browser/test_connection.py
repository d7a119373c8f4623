"""The connection is lost, the session ends, the server is replaced."""

from __future__ import annotations

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.browser import scenes
from tests.browser.fake_floor import FakeFloor
from tests.browser.steps import call_bar, row, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def talk(page: Page, floor: FakeFloor) -> None:
    """Take a live call and be heard on it."""
    await floor.set_call(scenes.call("c-1", "+15550101", 20))
    await page.get_by_role("button", name="Take call").click()
    await expect(call_bar(page)).to_contain_text("You are talking with the caller.")
    await floor.until("the operator is heard", lambda: len(floor.bridges["c-1"].sequences) > 10)


async def test_a_lost_connection_is_told_and_mended(page: Page, floor: FakeFloor) -> None:
    await sign_in(page, floor)
    await floor.set_call(scenes.call("c-1", "+15550101", 20))
    await expect(row(page, "+15550101")).to_be_visible()

    floor.reachable = False
    await floor.sever()
    banner = page.get_by_role("alert").filter(has_text="Connection lost.")
    await expect(banner).to_be_visible()
    await expect(page.get_by_role("button", name="Take call")).to_be_disabled()
    await floor.end_call("c-1")
    await floor.set_call(scenes.call("c-2", "+15550102", 5))

    floor.reachable = True
    await banner.get_by_role("button", name="Try now").click()
    await expect(banner).to_have_count(0)
    await expect(row(page, "+15550102")).to_be_visible()
    await expect(row(page, "+15550101")).to_have_count(0)


async def test_it_comes_back_by_itself(page: Page, floor: FakeFloor) -> None:
    await sign_in(page, floor)
    await floor.set_call(scenes.call("c-1", "+15550101", 20))
    await floor.sever()
    await floor.say("c-1", scenes.line(1, "caller", "said while nobody listened", 0))
    await expect(page.get_by_role("log")).to_contain_text("said while nobody listened")


async def test_the_conversation_survives(page: Page, floor: FakeFloor) -> None:
    await sign_in(page, floor)
    await talk(page, floor)
    bridge = floor.bridges["c-1"]
    before = bridge.sequences[-1]
    await floor.sever()
    await floor.until(
        "the operator is heard again", lambda: bridge.sequences[-1] > before + 50, seconds=8
    )
    await expect(call_bar(page)).to_contain_text("You are talking with the caller.")
    assert all(b > a for a, b in zip(bridge.sequences, bridge.sequences[1:], strict=False))


async def test_a_call_that_moved_on_meanwhile_is_let_go(page: Page, floor: FakeFloor) -> None:
    me = await sign_in(page, floor)
    await talk(page, floor)
    floor.reachable = False
    del floor.bridges["c-1"]
    await floor.sever()
    await floor.set_presence(me, "available")
    floor.reachable = True
    await expect(call_bar(page)).to_have_count(0)
    await expect(
        page.get_by_text("The call moved on while the connection was lost.")
    ).to_be_visible()


async def test_a_reloaded_page_goes_on_talking(page: Page, floor: FakeFloor) -> None:
    await sign_in(page, floor)
    await talk(page, floor)
    bridge = floor.bridges["c-1"]
    await page.reload()
    await expect(call_bar(page)).to_contain_text("You are talking with the caller.")
    heard = len(bridge.sequences)
    await floor.until("the operator is heard again", lambda: len(bridge.sequences) > heard + 10)


async def test_only_one_window_talks(context: BrowserContext, page: Page, floor: FakeFloor) -> None:
    await sign_in(page, floor)
    second = await context.new_page()
    await second.goto(floor.url)
    await expect(second.get_by_role("heading", name="Live calls")).to_be_visible()
    await talk(page, floor)
    await expect(call_bar(second)).to_contain_text("You are talking in another window.")
    assert len(floor.bridges["c-1"].sockets) == 1
    await page.close()
    await expect(call_bar(second)).to_contain_text("You are talking with the caller.")


async def test_an_ended_session_leads_to_signing_in(page: Page, floor: FakeFloor) -> None:
    await sign_in(page, floor)
    floor.forget_sessions()
    await floor.sever()
    await expect(
        page.get_by_text("Your session has ended. Sign in again to go on.")
    ).to_be_visible()


async def test_signing_out(page: Page, floor: FakeFloor) -> None:
    await sign_in(page, floor)
    await page.get_by_role("button", name="Dana Okafor").click()
    await page.get_by_role("button", name="Sign out", exact=True).click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_a_newer_server_asks_for_a_reload(page: Page, floor: FakeFloor) -> None:
    await sign_in(page, floor)
    floor.version = "2"
    await floor.sever()
    await page.get_by_role("button", name="Reload").click()
    await expect(page.get_by_role("heading", name="Live calls")).to_be_visible()
    await expect(page.get_by_text("The server was updated.")).to_have_count(0)


async def test_an_unreachable_server_says_so(page: Page, floor: FakeFloor) -> None:
    await page.route("**/api/v1/session", lambda route: route.abort())
    await page.goto(floor.url)
    await expect(page.get_by_text("The server cannot be reached.")).to_be_visible()
    await page.unroute_all()
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_a_used_link_is_refused_in_words(page: Page, floor: FakeFloor) -> None:
    await page.goto(f"{floor.url}/setup?token=stale")
    await page.get_by_label("Name").fill("Eve")
    await page.get_by_role("textbox", name="Password").fill("a long enough password")
    await page.get_by_role("button", name="Create account").click()
    await expect(page.get_by_role("alert")).to_contain_text("This link was used already.")
