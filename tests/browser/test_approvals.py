"""The AI asks before it acts: seen, read, answered with care, or no longer to be answered."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser import scenes
from tests.browser.fake_floor import FakeFloor
from tests.browser.loudspeaker import heard
from tests.browser.steps import go_available, sign_in
from voice_hitl.server import wire

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


def card(page: Page) -> Locator:
    """The question that is open."""
    return page.get_by_role("region", name="The AI asks you").get_by_role("article")


def button(page: Page, name: str) -> Locator:
    """A button of the open question."""
    return card(page).get_by_role("button", name=name, exact=True)


async def asked(page: Page, floor: FakeFloor, **change: Any) -> wire.ApprovalView:
    """Sign in, go available, and be asked about a transfer."""
    me = await sign_in(page, floor)
    await go_available(page, floor)
    call = scenes.call("c-1", "+15550101", 30)
    await floor.set_call(call)
    approval = scenes.approval("c-1", call.caller, **change)
    await floor.ask(me, approval)
    await expect(card(page)).to_be_visible()
    return approval


async def answers(floor: FakeFloor) -> list[wire.ConsoleMessage]:
    """What was answered so far, once there is something."""
    kinds = (wire.Approve, wire.Reject, wire.Respond)
    await floor.until("an answer", lambda: any(isinstance(c, kinds) for c in floor.commands))
    return [command for command in floor.commands if isinstance(command, kinds)]


async def test_is_seen_heard_and_says_all_that_matters(page: Page, floor: FakeFloor) -> None:
    approval = await asked(page, floor, second=True)
    assert (await heard(page, 1.0)).max() > 0.01
    await expect(page).to_have_title(re.compile("The AI asks you|Voice handoff console"))
    open_card = card(page)
    await expect(open_card.get_by_role("heading", level=2)).to_have_text(approval.summary)
    for words in (
        "Cannot be undone",
        "Second asked",
        "Not done unless you approve",
        "62 of 100",
        "The amount is large",
        approval.reasoning,
        approval.doubts[0],
        approval.alternatives[1],
    ):
        await expect(open_card.get_by_text(re.compile(re.escape(words), re.I))).to_be_visible()
    await expect(open_card.get_by_label("Amount")).to_have_value("400.00")
    await expect(open_card.get_by_role("timer")).to_have_attribute(
        "aria-label", re.compile(r"^\d+ seconds left$")
    )


async def test_what_cannot_be_undone_takes_two_steps(page: Page, floor: FakeFloor) -> None:
    approval = await asked(page, floor)
    await button(page, "Approve").click()
    await expect(card(page)).to_contain_text("This cannot be undone:")
    assert not any(isinstance(command, wire.Approve) for command in floor.commands)
    await button(page, "Yes, do it").click()
    assert await answers(floor) == [
        wire.Approve(approval_id=approval.approval_id, digest=approval.digest)
    ]
    await expect(card(page)).to_have_count(0)
    await expect(page.get_by_text("Approved; the AI goes on.")).to_be_visible()


async def test_approving_what_can_be_undone_takes_one(page: Page, floor: FakeFloor) -> None:
    await asked(page, floor, effect="reversible")
    await button(page, "Approve").click()
    await expect(card(page)).to_have_count(0)
    assert [command.type for command in await answers(floor)] == ["approve"]


async def test_a_change_is_shown_and_is_what_is_approved(page: Page, floor: FakeFloor) -> None:
    approval = await asked(page, floor)
    await card(page).get_by_label("Amount").fill("40.00")
    await expect(card(page)).to_contain_text("The AI wanted 400.00")
    await card(page).get_by_label("Payee").fill("Somebody else")
    await card(page).get_by_role("button", name="Undo the change of Payee").click()
    await expect(card(page).get_by_label("Payee")).to_have_value("Electronics Depot")
    await button(page, "Approve with changes").click()
    confirm = card(page).get_by_role("group", name="This cannot be undone")
    await expect(confirm.get_by_role("definition")).to_have_text("400.00 40.00")
    await button(page, "Yes, with these changes").click()
    (answer,) = await answers(floor)
    assert isinstance(answer, wire.Approve)
    assert answer.arguments == {**approval.arguments, "amount": "40.00"}


async def test_rejecting_needs_a_reason(page: Page, floor: FakeFloor) -> None:
    approval = await asked(page, floor)
    await button(page, "Reject").click()
    await expect(button(page, "Reject")).to_be_disabled()
    await card(page).get_by_label("Why is this rejected?").fill("  ")
    await expect(button(page, "Reject")).to_be_disabled()
    await card(page).get_by_label("Why is this rejected?").fill("The account is frozen.")
    await button(page, "Reject").click()
    assert await answers(floor) == [
        wire.Reject(
            approval_id=approval.approval_id,
            digest=approval.digest,
            reason="The account is frozen.",
        )
    ]
    await expect(card(page)).to_have_count(0)
    await expect(page.get_by_text("Rejected; the AI tells the caller.")).to_be_visible()


async def test_another_answer_by_keyboard_alone(page: Page, floor: FakeFloor) -> None:
    await asked(page, floor)
    await page.keyboard.press("r")
    await expect(card(page)).to_be_focused()
    await expect(button(page, "Answer instead")).to_be_enabled()
    while not await button(page, "Answer instead").evaluate("b => b === document.activeElement"):
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(card(page).get_by_label("What should the AI tell")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(button(page, "Answer instead")).to_be_enabled()
    while not await button(page, "Answer instead").evaluate("b => b === document.activeElement"):
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.keyboard.type("Please come to the branch.")
    await page.keyboard.press("Control+Enter")
    (answer,) = await answers(floor)
    assert isinstance(answer, wire.Respond)
    assert answer.text == "Please come to the branch."
    await expect(page.get_by_text("The AI passes your answer on.")).to_be_visible()


async def test_silence_consents_to_what_may_be_vetoed(page: Page, floor: FakeFloor) -> None:
    await asked(page, floor, veto=True, effect="reversible", seconds=12.0)
    await expect(card(page)).to_contain_text(re.compile(r"Will be done in \d+ s unless you object"))
    await button(page, "Object").click()
    await card(page).get_by_label("Why not?").fill("Wrong card.")
    await button(page, "Object").click()
    assert [command.type for command in await answers(floor)] == ["reject"]


async def test_nobody_answered(page: Page, floor: FakeFloor) -> None:
    approval = await asked(page, floor)
    await floor.stop_asking(approval.approval_id, "expired", "It was not done.")
    await expect(card(page)).to_have_count(0)
    news = page.get_by_role("alert").filter(has_text="Nobody answered in time")
    await expect(news).to_contain_text(f"{approval.summary}: It was not done.")


async def test_a_reload_keeps_it(page: Page, floor: FakeFloor) -> None:
    approval = await asked(page, floor)
    await page.reload()
    await expect(card(page)).to_contain_text(approval.summary)


async def test_an_answer_to_what_has_changed_does_not_count(page: Page, floor: FakeFloor) -> None:
    approval = await asked(page, floor, effect="reversible")
    changed = approval.model_copy(update={"digest": "0" * 64})
    floor.approvals[approval.approval_id] = ("op-1", changed)
    await button(page, "Approve").click()
    await expect(page.get_by_text("what the AI wants has changed")).to_be_visible()
    await floor.ask("op-1", changed)
    await button(page, "Approve").click()
    await expect(card(page)).to_have_count(0)


async def test_a_more_urgent_one_does_not_slip_under_the_hand(page: Page, floor: FakeFloor) -> None:
    first = await asked(page, floor)
    urgent = scenes.approval(
        "c-2", "+15550102", 8.0, summary="Block the card", arguments={}, effect="reversible"
    )
    later = scenes.approval("c-3", "+15550103", 60.0, summary="Close the account")
    await floor.ask("op-1", later)
    await floor.ask("op-1", urgent)
    waiting = page.get_by_role("region", name="Also waiting for you").get_by_role("listitem")
    await expect(waiting).to_contain_text(["Block the card", "Close the account"])
    await expect(card(page)).to_contain_text(first.summary)
    await waiting.first.get_by_role("button").click()
    await expect(card(page)).to_contain_text("Block the card")
    await button(page, "Approve").click()
    # The most urgent of the others opens, and a second press in the same place is not for it.
    await expect(card(page)).to_contain_text(first.summary)
    await expect(button(page, "Approve")).to_be_disabled()
    await expect(button(page, "Approve")).to_be_enabled()
    assert len(await answers(floor)) == 1


async def test_shows_the_conversation_it_is_about(page: Page, floor: FakeFloor) -> None:
    await asked(page, floor)
    await floor.set_call(scenes.call("c-2", "+15550102", 20))
    page_pane = page.get_by_role("region", name="Call from")
    await page.get_by_role("listitem").get_by_role("button").filter(has_text="+15550102").click()
    await expect(page_pane).to_contain_text("+15550102")
    await button(page, "Show the conversation").click()
    await expect(page_pane).to_contain_text("+15550101")
    await page.get_by_role("navigation").get_by_role("button", name="Work").click()
    await button(page, "Show the conversation").click()
    await expect(page_pane).to_contain_text("+15550101")
