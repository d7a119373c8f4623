"""A caller's transfer approved in the real console: the product from sound to the bank's books."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from voice_hitl.agent.pack import load_pack
from voice_hitl.demo.host import account
from voice_hitl.demo.interactive import patient
from voice_hitl.demo.play import choose
from voice_hitl.demo.report import report_call
from voice_hitl.demo.session import Session, opened

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("real-time"),
    pytest.mark.asyncio(loop_scope="module"),
]

DANA = account("Dana")


async def test_a_person_approves_less_than_the_caller_asked_for(page: Page, tmp_path: Path) -> None:
    pack = load_pack("banking")
    (scenario,) = choose(pack, ["approval"])
    async with opened(
        pack,
        tmp_path,
        operators=[DANA],
        scripted=False,
        on_news=lambda watched, news: None,
        on_call=lambda call_id, scenario: None,
    ) as session:
        await go_available(page, session)
        async with asyncio.TaskGroup() as tasks:
            calling = tasks.create_task(session.play(patient(scenario), judged=False))
            await approve_less(page)
        played = calling.result()
    report = report_call(played)
    assert report.outcome == "automated"
    assert played.record.problems == []
    assert played.facts["savings"] == "5900.00"
    assert played.facts["transfers"] == "1"
    said = " ".join(turn["text"] for turn in report.turns if turn["role"] == "agent")
    assert "Done, I've moved three hundred dollars." in said


async def go_available(page: Page, session: Session) -> None:
    await page.goto(session.server.url)
    await page.get_by_label("Name").fill(DANA.name)
    await page.get_by_role("textbox", name="Password").fill(DANA.password)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_text("Available", exact=True).first.click()


async def approve_less(page: Page) -> None:
    question = page.get_by_role("region", name="The AI asks you").get_by_role("article")
    await expect(question).to_be_visible(timeout=60_000)
    await expect(question).to_contain_text("Move $450.00 from savings to checking")
    await expect(question).to_contain_text("The caller said:")
    await expect(question).to_contain_text("with another amount")
    await question.get_by_label("Amount").fill("300.00")
    await question.get_by_role("button", name="Approve with changes").click()
    await expect(page.get_by_text("Approved; the AI goes on.")).to_be_visible()
