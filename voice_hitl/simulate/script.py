"""Plays a scenario's steps on an open line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from voice_hitl.errors import ScenarioError
from voice_hitl.simulate.line import Line, WaitedTooLong
from voice_hitl.simulate.record import CallRecord
from voice_hitl.simulate.scenario import (
    INTERRUPT_AFTER,
    Dtmf,
    Hangup,
    IfAgentSays,
    Say,
    Scenario,
    Step,
    Wait,
    said_any,
)
from voice_hitl.simulate.ticker import Ticker

_FOREVER = 3600.0
_PATIENCE = 12.0  # seconds until an interrupting caller gives up
_KEY_GAP = 0.25  # seconds between key presses: a quick human
_POLL = 0.1  # seconds between looks at what the server knows


@dataclass(frozen=True, slots=True)
class Spoken:
    """One line of the server's transcript."""

    role: str  # caller | agent | operator | system
    text: str
    heard: str | None = None  # an agent's line: what the caller heard of it, once that is known


class ServerView(Protocol):
    """What the server knows of a call, for steps that depend on it."""

    async def transcript(self, call_sid: str) -> Sequence[Spoken]:
        """All lines so far, oldest first."""

    async def state(self, call_sid: str) -> str:
        """ai | waiting | bridging | operator | ended (`CallState` of the console's protocol)."""


class Script:
    """One caller's part of one call."""

    def __init__(
        self,
        scenario: Scenario,
        line: Line,
        ticker: Ticker,
        record: CallRecord,
        view: ServerView | None,
    ) -> None:
        self._scenario = scenario
        self._line = line
        self._ticker = ticker
        self._record = record
        self._view = view

    async def play(self) -> None:
        """Do all steps, stay on the line until it is quiet for `linger` seconds, and hang up.

        Raises `LineOver` when the other side ends the call before.
        """
        try:
            await self._steps(self._scenario.steps)
            if not self._line.hung_up:
                linger = self._scenario.linger
                await self._line.until(
                    lambda now: self._line.quiet_for(now) >= linger, timeout=_FOREVER
                )
        except WaitedTooLong as lapse:
            self._record.problem(self._ticker.now(), str(lapse))
        await self._line.hang_up()

    async def _steps(self, steps: Sequence[Step]) -> None:
        for index, step in enumerate(steps):
            if self._line.hung_up:
                return
            following = steps[index + 1] if index + 1 < len(steps) else None
            match step:
                case Wait():
                    await self._wait(step)
                case Say():
                    await self._say(step, following)
                case Dtmf():
                    for digit in step.dtmf:
                        self._line.press(digit)
                        await self._pause(_KEY_GAP)
                case Hangup():
                    if not isinstance(steps[index - 1] if index else None, Say):
                        await self._pause(step.hangup.after or 0.0)
                    await self._line.hang_up()
                case IfAgentSays():
                    await self._steps(step.if_agent_says.branch(await self._agent_said()))

    async def _wait(self, step: Wait) -> None:
        if isinstance(step.wait, float):
            await self._pause(step.wait)
            return
        try:
            if step.wait == "agent_done":
                if step.hears is not None:
                    await self._hears(step.hears, step.timeout)
                await self._line.until(
                    lambda now: self._line.agent_done(now, step.quiet), timeout=step.timeout
                )
            elif step.wait == "agent_speaking":
                await self._line.until(
                    lambda now: self._line.agent_speaking_for(now) is not None,
                    timeout=step.timeout,
                )
            else:
                await self._operator(step.timeout)
        except WaitedTooLong as lapse:
            raise WaitedTooLong(
                str(lapse) or f"waited {step.timeout:g} s in vain for {step.wait}"
            ) from lapse

    async def _operator(self, timeout: float) -> None:
        view, until = self._seen(), self._ticker.now() + timeout
        while await view.state(self._record.call_sid) != "operator":
            if self._ticker.now() >= until:
                raise WaitedTooLong
            await self._pause(_POLL)

    async def _hears(self, wanted: Sequence[str], timeout: float) -> None:
        until = self._ticker.now() + timeout
        while not said_any(wanted, await self._heard()):
            if self._ticker.now() >= until:
                raise WaitedTooLong(f"waited {timeout:g} s in vain for {' or '.join(wanted)}")
            await self._pause(_POLL)

    async def _say(self, step: Say, following: Step | None) -> None:
        line = self._line
        if step.interrupt:
            try:
                await line.until(
                    lambda now: (line.agent_speaking_for(now) or 0.0) >= INTERRUPT_AFTER,
                    timeout=_PATIENCE,
                )
            except WaitedTooLong as lapse:
                raise WaitedTooLong(
                    str(lapse) or "the agent did not speak: no one to interrupt"
                ) from lapse
        started = line.say(self._scenario.clip(step.say), step.text).started
        if isinstance(following, Hangup) and following.hangup.after is not None:
            moment = started + following.hangup.after
            # A frame is sent when its sound is complete, so the moment is past once it is due.
            await line.until(lambda now: now >= moment or not line.saying, timeout=_FOREVER)
            return
        await line.until(lambda _: not line.saying, timeout=_FOREVER)
        self._record.note(self._ticker.now(), "said", step.say)

    async def _agent_said(self) -> str:
        """All that the agent said since the caller's last line."""
        return " ".join(spoken.text for spoken in await self._since_caller())

    async def _heard(self) -> str:
        """What the caller heard of it to its end: a line is written before it is spoken."""
        return " ".join(spoken.heard or "" for spoken in await self._since_caller())

    async def _since_caller(self) -> list[Spoken]:
        lines: list[Spoken] = []
        for spoken in await self._seen().transcript(self._record.call_sid):
            if spoken.role == "caller":
                lines.clear()
            elif spoken.role in ("agent", "operator"):
                lines.append(spoken)
        return lines

    async def _pause(self, seconds: float) -> None:
        until = self._ticker.now() + seconds
        await self._line.until(lambda now: now >= until, timeout=_FOREVER)

    def _seen(self) -> ServerView:
        if self._view is None:
            raise ScenarioError(f"{self._scenario.source}: needs a view of the server")
        return self._view
