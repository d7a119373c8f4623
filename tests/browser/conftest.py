"""A real Chromium with a fake microphone, and the floor that it talks to."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

import hatch_build
from tests.browser.fake_floor import FakeFloor
from tests.browser.fake_live import FakeLive
from tests.browser.live import LiveServer
from tests.browser.loudspeaker import LISTEN
from tests.browser.real_live import a_real_server
from tests.browser.sound import Samples, babble, write_wav
from tests.browser.watch import Watch

ROOT = Path(hatch_build.__file__).parent
CHROMIUM = Path(os.environ.get("VOICE_HITL_CHROMIUM", "/usr/bin/chromium"))
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
]
LENIENT = [
    "--use-fake-ui-for-media-stream",  # answers every request for the microphone with yes
    "--autoplay-policy=no-user-gesture-required",
]
STRICT = "--autoplay-policy=document-user-activation-required"  # as on a person's desktop
MICROPHONE_RATE = 48000


@pytest.fixture(scope="session", autouse=True)
def _console_is_current() -> None:
    """Test the sources as they are, not what was built some time ago."""
    if not CHROMIUM.exists():
        pytest.skip(f"no Chromium at {CHROMIUM}: apt-get install chromium")
    if hatch_build.needs_build(ROOT, os.environ):
        hatch_build.build(ROOT)
    if not (ROOT / hatch_build.CONSOLE / "dist" / "index.html").is_file():
        pytest.skip(f"the console is not built, as {hatch_build.SKIP} asks for")


@pytest.fixture(scope="session")
def operator_voice() -> Samples:
    """What the fake microphone says, at `MICROPHONE_RATE`."""
    return babble(seed=7, rate=MICROPHONE_RATE)


@pytest.fixture(scope="session")
def microphone_wav(operator_voice: Samples, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fake microphone's file."""
    path = tmp_path_factory.mktemp("microphone") / "operator.wav"
    write_wav(path, operator_voice, MICROPHONE_RATE)
    return path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(microphone_wav: Path) -> AsyncIterator[Browser]:
    """A browser that grants the microphone."""
    flags = [*FLAGS, *LENIENT, f"--use-file-for-fake-audio-capture={microphone_wav}"]
    async with async_playwright() as playwright:
        yield await playwright.chromium.launch(executable_path=CHROMIUM, args=flags)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def strict_browser(microphone_wav: Path) -> AsyncIterator[Browser]:
    """A browser that grants nothing by itself: no microphone unasked, no sound before a click."""
    flags = [*FLAGS, STRICT, f"--use-file-for-fake-audio-capture={microphone_wav}"]
    async with async_playwright() as playwright:
        yield await playwright.chromium.launch(executable_path=CHROMIUM, args=flags)


@pytest_asyncio.fixture(loop_scope="module")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A fresh profile."""
    fresh = await browser.new_context(viewport={"width": 1440, "height": 900})
    await fresh.add_init_script(LISTEN)
    yield fresh
    await fresh.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(context: BrowserContext) -> AsyncIterator[Page]:
    """A window; the test fails if the page erred, broke its policy or asked another host for anything."""
    window = await context.new_page()
    watch = Watch(window)
    yield window
    watch.check()


@pytest_asyncio.fixture(loop_scope="module")
async def floor() -> AsyncIterator[FakeFloor]:
    """A floor under the test's control."""
    async with FakeFloor() as served:
        yield served


@pytest_asyncio.fixture(loop_scope="module", params=["fake", "real"])
async def live_server(
    request: pytest.FixtureRequest, floor: FakeFloor, tmp_path: Path
) -> AsyncIterator[LiveServer]:
    """The server that the whole job is done on: the fake floor, then the product itself."""
    if request.param == "fake":
        yield FakeLive(floor)
    else:
        async with a_real_server(tmp_path) as live:
            yield live
