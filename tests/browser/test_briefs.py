"""The brief of a call, to whoever has it, and the curve of the call that is looked at."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser import scenes
from tests.browser.fake_floor import FakeFloor
from tests.browser.real_live import a_real_server
from tests.browser.steps import brief_panel, call_bar, row, set_up, sign_in
from voice_hitl.server import wire

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def test_whoever_takes_a_call_unasked_reads_its_brief_and_again_after_a_reload(
    page: Page, tmp_path: Path
) -> None:
    async with a_real_server(tmp_path) as live:
        await set_up(page, live)
        caller = await live.caller_asks_for_a_person()  # in vain: nobody is available
        await row(page, caller).click()
        await expect(brief_panel(page)).to_contain_text("No brief yet.")
        await page.get_by_role("button", name="Take call").click()
        await expect(call_bar(page)).to_contain_text("You are talking with the caller.")
        for part in ("Suggested next step", "Why now", "Last exchanges", caller):
            await expect(brief_panel(page)).to_contain_text(part)
        await page.reload()
        await expect(call_bar(page)).to_contain_text("You are talking with the caller.")
        await expect(brief_panel(page)).to_contain_text("Suggested next step")


async def test_the_whole_curve_is_drawn_though_the_list_has_its_end_alone(
    page: Page, floor: FakeFloor
) -> None:
    start = time.time() - 400
    curve = scenes.points(start, *[(0.9, 0.1 + 0.01 * n) for n in range(30)])
    long = scenes.call("long", "+1 555 0142", 400, turns=30, points=curve[-24:])
    await floor.set_call(long)
    floor.curves["long"] = curve
    await sign_in(page, floor)
    chart = page.get_by_role("img", name="After turn 30")
    await expect(chart).to_have_attribute("data-turns", "30")
    later = scenes.points(start, *[(0.9, 0.1 + 0.01 * n) for n in range(31)])
    more = long.model_copy(update={"turns": 31, "points": later[-24:]})
    await floor.tell(wire.CallChanged(call=more))
    chart = page.get_by_role("img", name="After turn 31")
    await expect(chart).to_have_attribute("data-turns", "31")


async def test_a_long_call_is_read_from_its_end_and_further_back(
    page: Page, floor: FakeFloor
) -> None:
    start = time.time() - 900
    floor.lines_at_once = 40
    await floor.set_call(scenes.call("long", "+1 555 0142", 900))
    floor.lines["long"] = [
        scenes.line(seq, "caller", f"this is line {seq}", start + seq) for seq in range(100)
    ]
    await sign_in(page, floor)
    log = page.get_by_role("log", name="Transcript")
    await expect(log.get_by_role("listitem")).to_have_count(40)
    await expect(log.get_by_role("listitem").filter(has_text="this is line 99")).to_be_in_viewport()
    earlier = log.get_by_role("button", name="Earlier lines")
    await earlier.click()
    await expect(log.get_by_role("listitem")).to_have_count(80)
    await expect(log.get_by_role("listitem").filter(has_text="this is line 60")).to_be_in_viewport()
    await earlier.click()
    await expect(log.get_by_role("listitem")).to_have_count(100)
    await expect(earlier).to_have_count(0)
    await floor.say("long", scenes.line(100, "caller", "and one more", start + 100))
    await expect(log.get_by_role("listitem")).to_have_count(101)
    await page.get_by_role("button", name="Latest").click()
    await expect(log.get_by_role("listitem").filter(has_text="and one more")).to_be_in_viewport()


async def test_the_marks_of_the_call_are_named_beside_its_chart(
    page: Page, floor: FakeFloor
) -> None:
    start = time.time() - 60
    await floor.set_call(scenes.call("a", "+1 A", 60, points=scenes.points(start, (0.7, 0.25))))
    await sign_in(page, floor)
    await expect(page.get_by_text("Person called above 33")).to_be_visible()
    await expect(page.get_by_text("above 19 twice in a row")).to_be_visible()
    free = [p.model_copy(update={"low": None, "high": None}) for p in floor.curves["a"]]
    await floor.change_call("a", points=free)
    await expect(page.get_by_text("Risk alone brings no person here")).to_be_visible()
    await expect(page.get_by_text("Person called above 33")).to_have_count(0)
