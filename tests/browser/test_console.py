"""The operator's job from the first link to the end of a call, on whatever `live_server` is."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.live import LiveServer
from tests.browser.loudspeaker import heard
from tests.browser.sound import Samples, levels, likeness
from tests.browser.steps import brief_panel, call_bar, offer_dialog, set_up

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

ALIKE = 0.7
MICROPHONE_RATE = 48000


async def test_the_whole_job(page: Page, live_server: LiveServer, operator_voice: Samples) -> None:
    await set_up(page, live_server)
    await page.get_by_text("Available", exact=True).first.click()

    caller = await live_server.caller_asks_for_a_person()
    await see_the_offer(page, caller)
    await offer_dialog(page).get_by_role("button", name="Take call").click()
    await expect(call_bar(page)).to_contain_text("You are talking with the caller.")

    caller_heard = levels(await live_server.caller_hears(3.0))
    assert likeness(caller_heard, levels(operator_voice, MICROPHONE_RATE)) > ALIKE
    assert likeness(await heard(page, 3.0), levels(live_server.caller_voice)) > ALIKE
    await expect(
        page.get_by_role("log", name="Transcript").get_by_role("listitem")
    ).not_to_have_count(0)

    await page.reload()
    await expect(call_bar(page)).to_contain_text("You are talking with the caller.")
    await expect(brief_panel(page)).to_contain_text("Suggested next step")

    await hand_back(page, "Card is blocked; go on with the dispute.")
    await expect(page.get_by_text("With the AI").first).to_be_visible()
    await judge_the_handoff(page)

    caller = await live_server.caller_asks_for_a_person()
    await see_the_offer(page, caller)
    await page.keyboard.press("Tab")  # the reader looks around before answering
    await offer_dialog(page).get_by_role("button", name="Take call").click()
    await expect(call_bar(page)).to_contain_text(caller)
    await end_the_call(page)


async def see_the_offer(page: Page, caller: str) -> None:
    dialog = offer_dialog(page)
    await expect(dialog).to_contain_text(caller)
    for part in (
        "Suggested next step",
        "Why now",
        "Who and what",
        "Last exchanges",
        "Tried so far",
    ):
        await expect(dialog.get_by_text(part, exact=True)).to_be_visible()
    await expect(dialog.get_by_role("timer")).to_have_attribute(
        "aria-label", re.compile(r"^\d+ seconds left$")
    )


async def hand_back(page: Page, note: str) -> None:
    await page.get_by_role("button", name="Hand back to AI").click()
    await page.get_by_label("Note for the AI").fill(note)
    await page.get_by_role("button", name="Hand back", exact=True).click()
    await expect(call_bar(page)).to_have_count(0)
    await expect(page.get_by_text("You handed the call back to the AI.")).to_be_visible()


async def judge_the_handoff(page: Page) -> None:
    card = page.get_by_role("region", name="Was this handoff needed?")
    await card.get_by_text("Needed", exact=True).click()
    await card.get_by_label("Note").fill("The caller asked for a person.")
    await card.get_by_role("button", name="Send").click()
    await expect(card).to_have_count(0)
    await expect(page.get_by_text("Thank you.")).to_be_visible()


async def end_the_call(page: Page) -> None:
    await call_bar(page).get_by_role("button", name="End call").click()
    dialog = page.get_by_role("dialog", name="End the call?")
    await dialog.get_by_role("button", name="Keep talking").click()
    await expect(call_bar(page)).to_be_visible()
    await call_bar(page).get_by_role("button", name="End call").click()
    await dialog.get_by_role("button", name="End call").click()
    await expect(call_bar(page)).to_have_count(0)
    await expect(page.get_by_role("heading", name="Ended")).to_be_visible()
