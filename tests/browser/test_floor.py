"""The floor: calls, what is said, who else is there, the keys."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser import scenes
from tests.browser.fake_floor import FakeFloor
from tests.browser.steps import call_bar, row, sign_in
from voice_hitl.server import wire

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def callers(page: Page) -> list[str]:
    """The live calls' numbers, top down."""
    rows = page.get_by_role("list", name="Live calls").get_by_role("button")
    return [text.split("\n")[0] for text in await rows.all_inner_texts()]


async def test_calls_are_listed_by_risk(page: Page, floor: FakeFloor) -> None:
    await sign_in(page, floor)
    await scenes.working_day(floor)
    await expect(page.get_by_role("list", name="Live calls").get_by_role("button")).to_have_count(5)
    assert await callers(page) == [
        "+1 555 0142",
        "+1 555 0107",
        "+44 20 7946 0958",
        "+1 555 0188",
        "+1 555 0123",
    ]
    await expect(row(page, "+44 20 7946 0958")).to_contain_text("Safe mode")
    await expect(row(page, "+1 555 0107")).to_contain_text("With Lena Fischer")


async def test_rows_hold_still_under_the_pointer(page: Page, floor: FakeFloor) -> None:
    await sign_in(page, floor)
    await floor.set_call(scenes.call("a", "+1 A", 9, points=scenes.points(0, (0.5, 0.5))))
    await floor.set_call(scenes.call("b", "+1 B", 9, points=scenes.points(0, (0.8, 0.2))))
    await row(page, "+1 B").hover()
    await floor.change_call("b", points=scenes.points(0, (0.8, 0.2), (0.1, 0.9)))
    await expect(row(page, "+1 B")).to_contain_text("90")
    assert await callers(page) == ["+1 A", "+1 B"]
    await page.mouse.move(700, 700)
    await expect(
        page.get_by_role("list", name="Live calls").get_by_role("button").first
    ).to_contain_text("+1 B")
    assert await callers(page) == ["+1 B", "+1 A"]


async def test_the_transcript_shows_what_was_heard(page: Page, floor: FakeFloor) -> None:
    await sign_in(page, floor)
    call = await scenes.working_day(floor)
    await row(page, call.caller).click()
    log = page.get_by_role("log", name="Transcript")
    await expect(log.locator("s")).to_have_count(1)
    await expect(log.locator("s")).to_contain_text("it up for you. Which shop was it")
    await expect(log).to_contain_text("heard with 41 % certainty")
    await expect(log.locator("[data-final=false]")).to_contain_text("i have never even been to")

    final = scenes.line(9, "caller", "i have never even been to denver", call.started_at + 31)
    await floor.say(call.call_id, final)
    await expect(log.locator("[data-final=false]")).to_have_count(0)
    await expect(log).to_contain_text("i have never even been to denver")


async def test_the_transcript_stays_where_the_reader_is(page: Page, floor: FakeFloor) -> None:
    await sign_in(page, floor)
    call = scenes.call("c", "+15550101", 300)
    floor.lines["c"] = [
        scenes.line(n, "caller", f"sentence {n}", call.started_at + n) for n in range(60)
    ]
    await floor.set_call(call)
    log = page.get_by_role("log", name="Transcript")
    await expect(log.get_by_text("sentence 59")).to_be_in_viewport()
    await log.hover()
    await page.mouse.wheel(0, -2000)
    await expect(log.get_by_text("sentence 0", exact=True)).to_be_in_viewport()
    await floor.say("c", scenes.line(60, "caller", "the newest", call.started_at + 60))
    await expect(log.get_by_text("the newest")).to_be_attached()
    await expect(log.get_by_text("sentence 0", exact=True)).to_be_in_viewport()
    await page.get_by_role("button", name="Latest").click()
    await expect(log.get_by_text("the newest")).to_be_in_viewport()


async def test_a_call_that_ends_stays_readable(page: Page, floor: FakeFloor) -> None:
    await sign_in(page, floor)
    call = await scenes.working_day(floor)
    await row(page, call.caller).click()
    await expect(page.get_by_role("log")).to_contain_text("charge on my card")
    await floor.end_call(call.call_id, "handed_off")
    await expect(page.get_by_role("list", name="Ended").get_by_role("button")).to_contain_text(
        "Done with a person"
    )
    await expect(page.get_by_role("log")).to_contain_text("charge on my card")
    await expect(page.get_by_role("button", name="Take call")).to_have_count(0)


async def test_a_call_that_was_not_offered_can_be_taken(page: Page, floor: FakeFloor) -> None:
    await sign_in(page, floor)
    await floor.set_call(scenes.call("c-1", "+15550101", 20))
    await page.get_by_role("button", name="Take call").click()
    await expect(call_bar(page)).to_contain_text("+15550101")
    await expect(page.get_by_text("With you").first).to_be_visible()
    await expect(page.get_by_role("status").filter(has_text="In a call")).to_be_visible()


async def test_a_call_that_somebody_else_just_took_is_told(page: Page, floor: FakeFloor) -> None:
    await sign_in(page, floor)
    await floor.set_call(scenes.call("c-1", "+15550101", 20))
    colleague = floor.add_person("Ravi Menon")
    take = page.get_by_role("button", name="Take call")
    await expect(take).to_be_visible()
    del floor.calls["c-1"]  # the server knows more than the page
    await take.click()
    await expect(page.get_by_role("alert")).to_contain_text("A colleague has this call.")
    await expect(take).to_be_enabled()
    assert colleague in floor.people


async def test_colleagues_come_and_go(page: Page, floor: FakeFloor) -> None:
    await sign_in(page, floor)
    await scenes.working_day(floor)
    people = page.get_by_role("region", name="Colleagues").get_by_role("listitem")
    await expect(people).to_have_count(3)
    await expect(people.first).to_contain_text("Ravi Menon")
    await expect(people.nth(1)).to_contain_text("In a call with +1 555 0107")
    await floor.tell(wire.OperatorGone(operator_id="op-2"))
    await expect(people).to_have_count(2)


async def test_guidelines_are_text_never_markup(page: Page, floor: FakeFloor) -> None:
    floor.guidelines = scenes.GUIDELINES + "\n<img src=x onerror=alert(1)> R&D\n"
    await sign_in(page, floor)
    await page.get_by_role("tab", name="Guidelines").click()
    panel = page.get_by_role("tabpanel", name="Guidelines")
    await expect(panel.get_by_role("heading")).to_have_text("Harbor Bank: when you take a call")
    await expect(panel.get_by_role("cell")).to_have_count(6)
    await expect(panel).to_contain_text("<img src=x onerror=alert(1)> R&D")
    await expect(panel).to_contain_text("Read amounts back & wait for a clear yes.")
    assert await panel.locator("img").count() == 0


async def test_keys_choose_and_take(page: Page, floor: FakeFloor) -> None:
    await sign_in(page, floor)
    await scenes.working_day(floor)
    await row(page, "+1 555 0142").click()
    for key, caller in (("j", "+1 555 0107"), ("j", "+44 20 7946 0958"), ("k", "+1 555 0107")):
        await page.keyboard.press(key)
        await expect(page.get_by_role("heading", level=2, name=caller)).to_be_visible()
    await page.keyboard.press("a")
    await floor.until("available", lambda: wire.SetPresence(presence="available") in floor.commands)
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_contain_text(
        "Decline it"
    )
    await page.keyboard.press("Escape")
    await page.keyboard.press("j")
    await page.keyboard.press("t")
    await expect(call_bar(page)).to_contain_text("+44 20 7946 0958")


async def test_keys_are_only_letters_in_a_note(page: Page, floor: FakeFloor) -> None:
    await sign_in(page, floor)
    await floor.set_call(scenes.call("c-1", "+15550101", 20))
    await page.get_by_role("button", name="Take call").click()
    await expect(call_bar(page)).to_contain_text("You are talking with the caller.")
    await page.keyboard.press("h")
    note = page.get_by_label("Note for the AI")
    await expect(note).to_be_focused()
    await page.keyboard.type("meet them at home")
    await expect(note).to_have_value("meet them at home")
    await page.keyboard.press("Control+Enter")
    await floor.until(
        "handed back with the note",
        lambda: wire.HandBack(call_id="c-1", epoch=1, note="meet them at home") in floor.commands,
    )


async def test_the_theme_is_kept(page: Page, floor: FakeFloor) -> None:
    await sign_in(page, floor)
    await page.get_by_role("button", name="Dana Okafor").click()
    await page.get_by_text("Dark", exact=True).click()
    await expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
