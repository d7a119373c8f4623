"""What the test of the whole job needs of a server, whatever stands behind it."""

from __future__ import annotations

from typing import Protocol

from tests.browser.sound import Samples


class LiveServer(Protocol):
    """A server with a console and callers."""

    @property
    def url(self) -> str:
        """Where the console is, without a slash at the end."""

    @property
    def setup_url(self) -> str:
        """The one-time link of the first start."""

    @property
    def caller_voice(self) -> Samples:
        """What callers say once a person is there, over and over (int16, 8 kHz)."""

    async def caller_asks_for_a_person(self) -> str:
        """Somebody calls and asks for a person; returns the caller's number as the console shows it."""

    async def caller_hears(self, seconds: float) -> Samples:
        """The next seconds of what that caller hears (int16, 8 kHz)."""
