"""What is done to the configured database at the command line: operators' accounts, and erasing calls."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from handoff.events import Seniority
from handoff.ports import OperatorRecord, Store
from voice_hitl.clock import Clock
from voice_hitl.config import Config
from voice_hitl.data_folder import is_held, open_store
from voice_hitl.errors import ConfigError
from voice_hitl.main_loop import run_main
from voice_hitl.retention import erase
from voice_hitl.server.auth import Accounts
from voice_hitl.server.wire.bodies import MIN_PASSWORD

Result = TypeVar("Result")

_BETWEEN_DIGITS = re.compile(r"[\s().-]")
_E164 = re.compile(r"\+[0-9]{3,15}")


def add_operator(
    config: Config,
    name: str,
    password: str,
    *,
    role: str = "operator",
    skills: Sequence[str] = (),
    languages: Sequence[str] = (),
    seniority: Seniority = Seniority.STANDARD,
) -> str:
    """Make an operator's account in the configured database; return its name, without space around it.

    Raises `ConfigError` if the name is empty or taken, upper and lower case alike, or the password is blank
    or too short.
    """
    wanted = name.strip()
    if not wanted:
        raise ConfigError("the name is empty: give the one that they sign in with")
    _check_password(password)

    async def add() -> None:
        async with open_store(config) as store:
            taken = await _known_as(store, wanted)
            now = Clock.of_running_loop().wall()
            accounts = Accounts(store, session_seconds=0)
            await accounts.add(taken, password, now, role, skills, languages, seniority)

    run_main(add())
    return wanted


def remove_operator(config: Config, name: str, *, force: bool = False) -> None:
    """Take an operator's account away and end their sessions.

    Raises `ConfigError` if there is no such account or database, or, unless told to `force` it, no supervisor
    would be left.
    """
    run_main(
        _with_account(config, name, lambda accounts, known: accounts.remove(known, force=force))
    )


def change_password(config: Config, name: str, password: str) -> None:
    """Give an operator another password and end their sessions.

    Raises `ConfigError` if there is no such account or database, or the password is blank or too short.
    """
    _check_password(password)
    run_main(
        _with_account(
            config, name, lambda accounts, known: accounts.change_password(known, password)
        )
    )


def change_role(config: Config, name: str, role: str, *, force: bool = False) -> None:
    """Give an operator another role and end their sessions.

    Raises `ConfigError` if there is no such account or database, or, unless told to `force` it, no supervisor
    would be left.
    """
    run_main(
        _with_account(
            config, name, lambda accounts, known: accounts.change_role(known, role, force=force)
        )
    )


def list_operators(config: Config) -> list[OperatorRecord]:
    """The accounts in the configured database; raises `ConfigError` where there is none."""

    async def listed() -> list[OperatorRecord]:
        async with open_store(config, make=False) as store:
            return await store.list_operators()

    return run_main(listed())


@dataclass(frozen=True, slots=True)
class Erased:
    """Calls that were forgotten, what nothing was kept of, and whether a server runs that may know more."""

    call_ids: list[str]
    unknown: list[str]  # numbers and ids of calls, as they were given
    served: bool


def erase_calls(config: Config, callers: Sequence[str], call_ids: Sequence[str]) -> Erased:
    """Forget calls in the configured database, by their callers' numbers and by their ids.

    Of a call that is not known goes what may still be kept of it, so that this can be run again. Raises
    `ConfigError` if nothing is asked for, a number or id is none, a call is not over, or there is no
    database; then nothing is forgotten.
    """
    if not callers and not call_ids:
        raise ConfigError("say what: give --caller or --call")
    if not all(call_id.strip() for call_id in call_ids):
        raise ConfigError("a call's id is empty: give the one that the console shows")

    async def erased() -> Erased:
        async with open_store(config, make=False) as store:
            numbers = [await _kept_number(store, each) for each in callers]
            known = [number for number, kept in numbers if kept]
            there = [call_id for call_id in call_ids if await store.call(call_id) is not None]
            gone = []
            if known or there:
                gone = await erase(store, callers=known, call_ids=there)
            lost = [call_id for call_id in call_ids if call_id not in there]
            await store.forget_calls(lost)
            unknown = [number for number, kept in numbers if not kept] + lost
            return Erased(gone, unknown, is_held(config))

    return run_main(erased())


async def _kept_number(store: Store, caller: str) -> tuple[str, bool]:
    """A caller as calls name them, and whether any call is theirs.

    Raises `ConfigError` where none is and it is no number: nobody should take a slip for an erasure.
    """
    number = _BETWEEN_DIGITS.sub("", caller)
    for each in (caller, number):
        if each and await store.calls_of(each):
            return each, True
    if not _E164.fullmatch(number):
        raise ConfigError(f"{caller!r} is no caller's number: give it whole, e.g. +15550100")
    return number, False


async def _with_account(
    config: Config, name: str, work: Callable[[Accounts, str], Awaitable[Result]]
) -> Result:
    """Do it with the accounts and the name of the one that is meant."""
    async with open_store(config, make=False) as store:
        return await work(Accounts(store, session_seconds=0), await _known_as(store, name.strip()))


async def _known_as(store: Store, name: str) -> str:
    """The name as its account spells it, upper and lower case alike; the name itself where none does."""
    names = [record.name for record in await store.list_operators()]
    if name in names:
        return name
    return next((each for each in names if each.casefold() == name.casefold()), name)


def _check_password(password: str) -> None:
    if not password.strip():
        raise ConfigError("the password is blank: give one that is not only space")
    if len(password) < MIN_PASSWORD:
        raise ConfigError(f"the password is too short: give {MIN_PASSWORD} characters or more")
