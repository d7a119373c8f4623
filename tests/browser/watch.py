"""What a page must never do, watched while a test uses it."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.async_api import ConsoleMessage, Error, Page, Request

# A refused or lost request is told on the console by the browser itself, and so is the age of the tests' own
# loudspeaker meter; tests provoke those.
PROVOKED = ("Failed to load resource", "WebSocket connection to", "The ScriptProcessorNode")


class Watch:
    """Collects script errors, policy violations and requests to other hosts."""

    def __init__(self, page: Page) -> None:
        self._wrong: list[str] = []
        page.on("pageerror", self._erred)
        page.on("console", self._said)
        page.on("request", self._asked)

    def check(self) -> None:
        """Fail with all that went wrong."""
        assert not self._wrong, "\n".join(self._wrong)

    def _erred(self, error: Error) -> None:
        self._wrong.append(f"script error: {error}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(PROVOKED):
            self._wrong.append(f"console {message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).hostname not in ("127.0.0.1", "localhost"):
            self._wrong.append(f"request to another host: {request.url}")
