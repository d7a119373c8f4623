"""What people do with the console, said once."""

from __future__ import annotations

from playwright.async_api import Locator, Page, expect

from tests.browser.fake_floor import FakeFloor
from tests.browser.live import LiveServer
from voice_hitl.server import wire


async def sign_in(
    page: Page, floor: FakeFloor, name: str = "Dana Okafor", *, supervisor: bool = False
) -> str:
    """Add an account, sign in with it and see the floor; return the operator's id."""
    operator_id = floor.add_person(name, supervisor=supervisor)
    await page.goto(floor.url)
    await page.get_by_label("Name").fill(name)
    await page.get_by_role("textbox", name="Password").fill("correct horse")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Live calls")).to_be_visible()
    return operator_id


async def go_available(page: Page, floor: FakeFloor) -> None:
    """Press Available and know that the server was told."""
    await page.get_by_text("Available", exact=True).first.click()
    await floor.until(
        "the presence was set", lambda: wire.SetPresence(presence="available") in floor.commands
    )


def row(page: Page, caller: str) -> Locator:
    """The call of that caller in the list."""
    return page.get_by_role("listitem").get_by_role("button").filter(has_text=caller)


def offer_dialog(page: Page) -> Locator:
    """The ringing call."""
    return page.get_by_role("dialog").filter(has=page.get_by_role("button", name="Take call"))


async def set_up(page: Page, server: LiveServer) -> None:
    """Make the first account with the one-time link, as one does at the first start."""
    await page.goto(server.setup_url)
    await page.get_by_label("Name").fill("Dana Okafor")
    await page.get_by_role("textbox", name="Password").fill("short")
    await page.get_by_role("button", name="Create account").click()
    await expect(page.get_by_role("alert")).to_contain_text("at least 10 characters")
    await page.get_by_role("textbox", name="Password").fill("a long enough password")
    await page.get_by_role("button", name="Create account").click()
    await expect(page.get_by_role("heading", name="Live calls")).to_be_visible()
    await expect(page).to_have_url(f"{server.url}/")


def brief_panel(page: Page) -> Locator:
    """The brief beside the conversation."""
    return page.get_by_role("tabpanel", name="Brief")


def call_bar(page: Page) -> Locator:
    """The bar of the conversation at hand."""
    return page.get_by_role("region", name="Your call")
