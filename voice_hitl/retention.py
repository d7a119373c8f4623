"""How long calls are kept, and how they are erased when somebody asks for it.

Of a call that goes, all goes: its turns, decisions, requests with their briefs, events, facts, dispositions
and whatever approvals, audits, callbacks, reviews and the board keep of it. Labels stay, which hold no words,
and so do the versions of policies and models.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable

from handoff.errors import StorageError
from handoff.ports import Store
from voice_hitl.clock import Clock
from voice_hitl.errors import ConfigError
from voice_hitl.log import get_logger

log = get_logger(__name__)

DAY = 86_400.0  # seconds
STEP = 200  # calls that are looked up at a time
PAUSE = 0.1  # seconds between two steps, in which calls have the store for themselves

_IN_A_NUMBER = re.compile(r"[\s().-]")


async def keep_no_longer(store: Store, clock: Clock, days: int) -> None:
    """Delete at once, and then daily, what is older than `days`; 0: nothing but sign-ins that expired."""
    while True:
        try:
            await store.delete_expired_sessions(clock.wall())
            if days:
                await _delete_before(store, clock.wall() - days * DAY)
        except StorageError as error:
            log.error("old calls could not be deleted; tried again tomorrow", error=str(error))
        await asyncio.sleep(DAY)


async def _delete_before(store: Store, at: float) -> None:
    gone = 0
    while call_ids := await store.calls_ended_before(at, limit=STEP):
        await store.forget_calls(call_ids)
        gone += len(call_ids)
        await asyncio.sleep(PAUSE)
    loose = await store.forget_before(at)
    if gone or loose:
        log.info("what was kept long enough is deleted", calls=gone, others=loose)


async def erase(store: Store, *, callers: Iterable[str], call_ids: Iterable[str]) -> list[str]:
    """Forget all calls of these numbers, and these calls; returns which, sorted.

    Raises `ConfigError` where nothing is asked for, a call is not over (then nothing is forgotten), or one is
    not known (then all that was known is).
    """
    asked = {"call": list(call_ids), "caller": [_number(each) for each in callers]}
    if not asked["call"] and not asked["caller"]:
        raise ConfigError("say what: give --caller or --call")
    wanted, unknown = set(asked["call"]), []
    for caller in asked["caller"]:
        theirs = await store.calls_of(caller)
        wanted |= set(theirs)
        if not theirs:
            unknown.append(f"there is no call of {caller}")
    for call_id in sorted(wanted):
        call = await store.call(call_id)
        if call is not None and call.ended_at is None:
            raise ConfigError(f"call {call_id} is not over: try again once it is")
        if call is None and call_id in asked["call"]:
            unknown.append(f"there is no call {call_id}, or no longer")
    await store.forget_calls(sorted(wanted))
    if unknown:
        raise ConfigError("; ".join(unknown))
    return sorted(wanted)


def _number(text: str) -> str:
    """A number as telephony gives it, without what people write between its digits."""
    return _IN_A_NUMBER.sub("", text) if text.lstrip().startswith("+") else text
