"""No microphone: listening goes on, and the way out is told."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser import scenes
from tests.browser.fake_floor import FakeFloor
from tests.browser.loudspeaker import LISTEN, heard
from tests.browser.sound import levels, likeness
from tests.browser.steps import call_bar, sign_in
from tests.browser.watch import Watch

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module")
async def blocked(strict_browser: Browser) -> AsyncIterator[Page]:
    """A window whose microphone is refused."""
    context = await strict_browser.new_context(permissions=[])
    await context.add_init_script(LISTEN)
    window = await context.new_page()
    watch = Watch(window)
    yield window
    watch.check()
    await context.close()


async def test_the_caller_is_heard_all_the_same(blocked: Page, floor: FakeFloor) -> None:
    page = blocked
    await sign_in(page, floor)
    await floor.set_call(scenes.call("c-1", "+15550101", 20))
    await page.get_by_role("button", name="Take call").click()
    trouble = call_bar(page).get_by_role("alert")
    await expect(trouble).to_contain_text("The microphone is blocked.")
    await expect(trouble).to_contain_text("allow the microphone, then try again")
    await expect(page.get_by_role("button", name="Mute")).to_be_disabled()
    assert likeness(await heard(page, 3.0), levels(floor.caller_voice)) > 0.7
    assert "c-1" not in floor.operator_audio

    await page.context.grant_permissions(["microphone"])
    await trouble.get_by_role("button", name="Try again").click()
    await expect(trouble).to_have_count(0)
    await floor.hear_operator("c-1", 0.5)


async def test_going_available_tells_it_before_the_first_call(
    blocked: Page, floor: FakeFloor
) -> None:
    await sign_in(blocked, floor)
    await blocked.get_by_text("Available", exact=True).first.click()
    await expect(blocked.get_by_role("alert")).to_contain_text("The microphone is blocked")


async def test_the_sound_settings_tell_it_too(blocked: Page, floor: FakeFloor) -> None:
    await sign_in(blocked, floor)
    await blocked.get_by_role("button", name="Sound", exact=True).click()
    settings = blocked.get_by_role("dialog", name="Sound")
    await expect(settings.get_by_role("alert")).to_contain_text("The microphone is blocked")


async def test_a_page_that_may_not_sound_says_so(blocked: Page, floor: FakeFloor) -> None:
    me = await sign_in(blocked, floor)
    await floor.set_presence(me, "available")
    untouched = await blocked.context.new_page()
    await untouched.goto(floor.url)
    # Playwright's own looks at a page count as touching it, so none before the page has tried to sound.
    await floor.until("the page is open", lambda: floor.windows == 2)
    silent = untouched.get_by_text("The browser keeps this page silent")
    await expect(silent).to_be_visible()
    await untouched.mouse.click(700, 500)
    await expect(silent).to_have_count(0)


async def test_muting_sends_silence(page: Page, floor: FakeFloor) -> None:
    await sign_in(page, floor)
    await floor.set_call(scenes.call("c-1", "+15550101", 20))
    await page.get_by_role("button", name="Take call").click()
    await expect(call_bar(page)).to_contain_text("You are talking with the caller.")
    assert abs(await floor.hear_operator("c-1", 1.0)).max() > 500
    await page.keyboard.press("m")
    await expect(page.get_by_role("button", name="Unmute")).to_be_visible()
    await expect(call_bar(page)).to_contain_text("The caller cannot hear you.")
    await floor.hear_operator("c-1", 0.3)  # what was on its way
    assert abs(await floor.hear_operator("c-1", 1.0)).max() == 0
    await page.keyboard.press("m")
    await floor.hear_operator("c-1", 0.3)
    assert abs(await floor.hear_operator("c-1", 1.0)).max() > 500
