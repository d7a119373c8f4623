"""Every screen in both themes: the rules that axe can check, and nothing cut off."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

import hatch_build
from tests.browser import scenes, work_scenes
from tests.browser.fake_floor import FakeFloor
from tests.browser.steps import call_bar, offer_dialog, row, sign_in
from voice_hitl.server import wire

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

ROOT = Path(hatch_build.__file__).parent
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SIZES = ((1440, 900), (1024, 768))

# Elements that hide what does not fit, and hide something; scrolling boxes are meant to.
CUT_OFF = """() => [...document.querySelectorAll('body *')]
  .filter((e) => e.clientWidth > 1 && !e.closest('.visually-hidden, svg, .uplot'))
  .filter((e) => e.querySelector(':scope > .uplot') === null)
  .filter((e) => {
    const { overflowX } = getComputedStyle(e);
    const out = e.scrollWidth > e.clientWidth + 1;
    return out && (overflowX === 'hidden' || overflowX === 'clip' || overflowX === 'auto');
  })
  .map((e) => `${e.tagName}.${e.className}: ${e.textContent.slice(0, 60)}`)"""


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, from the console's own packages."""
    hatch_build.install_packages(ROOT)
    return (ROOT / hatch_build.CONSOLE / "node_modules/axe-core/axe.min.js").read_text("utf-8")


@pytest_asyncio.fixture(loop_scope="module", params=THEMES)
async def themed(browser: Browser, request: pytest.FixtureRequest) -> AsyncIterator[Page]:
    """A window in the light and in the dark theme, without animations that hide half of a thing."""
    context = await browser.new_context(color_scheme=request.param, reduced_motion="reduce")
    yield await context.new_page()
    await context.close()


async def check(page: Page, axe: str, screen: str) -> None:
    """Fail with every rule that the screen breaks, and with what is cut off at any size."""
    await page.evaluate(axe)
    found: dict[str, Any] = await page.evaluate("axe.run({ resultTypes: ['violations'] })")
    broken = [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
    assert not broken, f"{screen}:\n" + "\n".join(broken)
    for width, height in SIZES:
        await page.set_viewport_size({"width": width, "height": height})
        assert await page.evaluate(CUT_OFF) == [], f"{screen} at {width} pixels"
        # A popover finds its new place a moment after the window has changed.
        await page.wait_for_function(
            "() => document.documentElement.scrollWidth <= innerWidth", timeout=3000
        )


async def test_screens_before_the_floor(themed: Page, floor: FakeFloor, axe: str) -> None:
    await themed.goto(floor.setup_url)
    await themed.get_by_role("button", name="Create account").click()
    await expect(themed.get_by_role("alert")).to_be_visible()
    await check(themed, axe, "set-up")
    await themed.goto(floor.url)
    await expect(themed.get_by_role("heading", name="Sign in")).to_be_visible()
    await check(themed, axe, "sign-in")


async def test_the_floor(themed: Page, floor: FakeFloor, axe: str) -> None:
    floor.guidelines = scenes.GUIDELINES
    await sign_in(themed, floor)
    await check(themed, axe, "an empty floor")
    call = await scenes.working_day(floor)
    await floor.end_call("c-balance")
    await row(themed, call.caller).click()
    await expect(themed.get_by_role("log")).to_contain_text("charge on my card")
    await check(themed, axe, "a busy floor")
    for name in ("Sound", "Keyboard shortcuts"):
        await themed.get_by_role("button", name=name, exact=True).click()
        await expect(themed.get_by_role("dialog", name=name)).to_be_visible()
        await check(themed, axe, name)
        await themed.keyboard.press("Escape")
    await themed.get_by_role("button", name="Dana Okafor").click()
    await expect(themed.get_by_role("button", name="Sign out", exact=True)).to_be_visible()
    await check(themed, axe, "the menu")


async def test_a_call(themed: Page, floor: FakeFloor, axe: str) -> None:
    floor.guidelines = scenes.GUIDELINES
    me = await sign_in(themed, floor)
    call = await scenes.working_day(floor)
    offer = scenes.offer(call.call_id, call.caller, call.started_at, seconds=60)
    await floor.ring(me, offer)
    dialog = offer_dialog(themed)
    await expect(dialog).to_be_visible()
    await check(themed, axe, "an offer")
    await dialog.get_by_role("button", name="Take call").click()
    await expect(call_bar(themed)).to_contain_text("You are talking with the caller.")
    await check(themed, axe, "a call")
    for tab in ("Brief", "Guidelines"):
        await themed.get_by_role("tab", name=tab).click()
        await check(themed, axe, tab)
    await call_bar(themed).get_by_role("button", name="Hand back to AI").click()
    await expect(themed.get_by_label("Note for the AI")).to_be_visible()
    await check(themed, axe, "handing back")
    await themed.keyboard.press("Escape")
    floor.reachable = False
    await floor.sever()
    await expect(themed.get_by_text("Connection lost.")).to_be_visible()
    await check(themed, axe, "a lost connection")


async def test_what_the_ai_asks(themed: Page, floor: FakeFloor, axe: str) -> None:
    me = await sign_in(themed, floor)
    call = await scenes.working_day(floor)
    await floor.ask(me, scenes.approval(call.call_id, call.caller, 90.0, second=True))
    await floor.ask(me, scenes.approval("c-card", "+44 20 7946 0958", 120.0, veto=True))
    card = themed.get_by_role("article")
    await expect(card.get_by_role("button", name="Approve")).to_be_enabled()
    await check(themed, axe, "an approval")
    await card.get_by_label("Amount").fill("40.00")
    await card.get_by_role("button", name="Approve with changes").click()
    await expect(card.get_by_role("button", name="Yes, with these changes")).to_be_enabled()
    await check(themed, axe, "an approval with changes")
    await themed.keyboard.press("Escape")
    await card.get_by_role("button", name="Reject").click()
    await check(themed, axe, "a rejection")
    await themed.get_by_role("region", name="Also waiting").get_by_role("button").click()
    await expect(card.get_by_role("button", name="Approve now")).to_be_enabled()
    await check(themed, axe, "a veto window")


async def test_wrap_up(themed: Page, floor: FakeFloor, axe: str) -> None:
    me = await sign_in(themed, floor)
    call = await scenes.working_day(floor)
    await floor.bridge(me, call.call_id)
    await expect(call_bar(themed)).to_be_visible()
    await floor.hang_up_operator(call.call_id)
    await expect(themed.get_by_role("region", name="Was this handoff needed?")).to_be_visible()
    await check(themed, axe, "wrap-up")


async def test_the_work(themed: Page, floor: FakeFloor, axe: str) -> None:
    me = await sign_in(themed, floor, supervisor=True)
    await scenes.working_day(floor)
    await work_scenes.working_day(floor, me)
    await themed.get_by_role("navigation").get_by_role("button", name="Work").click()
    for tab in ("Reviews", "Audits", "Follow-ups", "Callbacks", "Queue", "Board", "Figures"):
        await themed.get_by_role("tab", name=tab).click()
        if tab == "Audits":
            await themed.get_by_role("button", name="Show me one").click()
        if tab not in ("Figures", "Board"):
            await expect(themed.get_by_role("article").first).to_be_visible()
        await check(themed, axe, tab)
    await themed.get_by_role("tab", name="Reviews").click()
    await themed.get_by_label("What would you say or do?").fill("Ask which card it is.")
    await themed.get_by_role("button", name="This is my choice").click()
    await expect(themed.get_by_role("button", name="The same")).to_be_visible()
    await check(themed, axe, "a revealed review")


async def test_duties(themed: Page, floor: FakeFloor, axe: str) -> None:
    me = await sign_in(themed, floor)
    call = await scenes.working_day(floor)
    await floor.tell(wire.Alerted(alert=work_scenes.alert(call.call_id, call.caller)), me)
    mine = work_scenes.callback(state="claimed", operator_id=me, epoch=1)
    await floor.tell(wire.CallbackChanged(callback=mine))
    await floor.tell(wire.RestChanged(resting=True, worked_minutes=90, message="Rest."), me)
    await expect(themed.get_by_role("region", name="Your callback")).to_be_visible()
    await check(themed, axe, "duties")
    offer = wire.CallbackOfferView(
        offer_id="o", callback=work_scenes.callback(), expires_at=time.time() + 90, seconds=90
    )
    await floor.tell(wire.CallbackOffered(offer=offer), me)
    await expect(themed.get_by_role("button", name="I will call")).to_be_enabled()
    await check(themed, axe, "a callback")
