"""The floor without phones in the role of a live server."""

from __future__ import annotations

from tests.browser import scenes
from tests.browser.fake_floor import FakeFloor
from tests.browser.sound import Samples


class FakeLive:
    """See `tests.browser.live.LiveServer`."""

    def __init__(self, floor: FakeFloor) -> None:
        self._floor = floor
        self._calls = 0

    @property
    def url(self) -> str:
        return self._floor.url

    @property
    def setup_url(self) -> str:
        return self._floor.setup_url

    @property
    def caller_voice(self) -> Samples:
        return self._floor.caller_voice

    async def caller_asks_for_a_person(self) -> str:
        floor = self._floor
        await floor.until(
            "somebody is available",
            lambda: any(p.view.presence == "available" for p in floor.people.values()),
        )
        self._calls += 1
        call = scenes.call(f"c-{self._calls}", f"+1555010{self._calls}", 30, state="waiting")
        await floor.set_call(call)
        for line in scenes.conversation(call.started_at):
            await floor.say(call.call_id, line)
        operator_id = next(
            key for key, person in floor.people.items() if person.view.presence == "available"
        )
        await floor.ring(operator_id, scenes.offer(call.call_id, call.caller, call.started_at))
        return call.caller

    async def caller_hears(self, seconds: float) -> Samples:
        return await self._floor.hear_operator(f"c-{self._calls}", seconds)
