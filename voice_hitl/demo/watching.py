"""Follows live calls through console windows of their own, as a supervisor would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from voice_hitl.demo.console_client import ConsoleClient, ConsoleSocket
from voice_hitl.server import wire
from voice_hitl.simulate.script import Spoken


@dataclass(slots=True)
class Watched:
    """What the console shows of one call now."""

    call_id: str
    state: wire.CallState = "ai"
    outcome: str | None = None
    safe_mode: bool = False
    points: list[wire.Point] = field(default_factory=list)
    reasons: list[wire.ReasonView] = field(default_factory=list)
    entries: dict[int, wire.TranscriptEntry] = field(default_factory=dict)


News = wire.TranscriptEntry | wire.Point | wire.CallState
OnNews = Callable[[Watched, News], None]


class Monitor:
    """A `ServerView` made of console windows; `on_news` is told whatever is new, as it happens."""

    def __init__(self, client: ConsoleClient, on_news: OnNews) -> None:
        self._client = client
        self._on_news = on_news
        self._calls: dict[str, Watched] = {}

    @asynccontextmanager
    async def watching(self, call_id: str) -> AsyncIterator[Watched]:
        """Follow one call, which may not have begun yet, until the block ends."""
        watched = self._calls[call_id] = Watched(call_id)
        try:
            async with self._client.console() as window:
                await window.send(wire.Watch(call_id=call_id))
                async with asyncio.TaskGroup() as tasks:
                    reading = tasks.create_task(self._read(window, watched))
                    try:
                        yield watched
                    finally:
                        reading.cancel()
        finally:
            del self._calls[call_id]

    async def transcript(self, call_sid: str) -> Sequence[Spoken]:
        """All lines so far (see `ServerView`)."""
        entries = self._calls[call_sid].entries
        lines = (entries[seq] for seq in sorted(entries))
        return [Spoken(line.role, line.text, line.heard) for line in lines]

    async def state(self, call_sid: str) -> str:
        """Who has the call (see `ServerView`)."""
        return self._calls[call_sid].state

    async def _read(self, window: ConsoleSocket, watched: Watched) -> None:
        async for message in window.messages():
            for news in take_in(watched, message):
                self._on_news(watched, news)


def take_in(watched: Watched, message: wire.ServerMessage) -> list[News]:
    """Bring what is known of a call up to date; returns what is new in it."""
    match message:
        case wire.TranscriptChanged(call_id=watched.call_id, entry=entry):
            watched.entries[entry.seq] = entry
            return [entry]
        case wire.Transcript(call_id=watched.call_id, entries=entries):
            watched.entries = {entry.seq: entry for entry in entries}
            return list(entries)
        case wire.CallChanged(call=call) if (
            call.call_id == watched.call_id and call.state != "ended"
        ):
            return _changed(watched, call)
        case wire.CallGone(call_id=watched.call_id, outcome=outcome):
            watched.state, watched.outcome = "ended", outcome
            return ["ended"]
        case _:
            return []


def _changed(watched: Watched, call: wire.CallView) -> list[News]:
    news: list[News] = []
    known = {point.at for point in watched.points}
    news += [point for point in call.points if point.at not in known]
    if call.state != watched.state:
        news.append(call.state)
    watched.state, watched.safe_mode = call.state, call.safe_mode
    watched.points, watched.reasons = list(call.points), list(call.reasons)
    return news
