"""What is done to the configured database at the command line: operators' accounts, and erasing calls."""

from __future__ import annotations

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

    Raises `ConfigError` if there is none, or, unless told to `force` it, no supervisor would be left.
    """
    run_main(
        _with_account(config, name, lambda accounts, known: accounts.remove(known, force=force))
    )


def change_password(config: Config, name: str, password: str) -> None:
    """Give an operator another password and end their sessions.

    Raises `ConfigError` if there is no such account, or the password is blank or too short.
    """
    _check_password(password)
    run_main(
        _with_account(
            config, name, lambda accounts, known: accounts.change_password(known, password)
        )
    )


def change_role(config: Config, name: str, role: str, *, force: bool = False) -> None:
    """Give an operator another role and end their sessions.

    Raises `ConfigError` if there is no account, or, unless told to `force` it, no supervisor would be left.
    """
    run_main(
        _with_account(
            config, name, lambda accounts, known: accounts.change_role(known, role, force=force)
        )
    )


def list_operators(config: Config) -> list[OperatorRecord]:
    """The accounts in the configured database."""

    async def listed() -> list[OperatorRecord]:
        async with open_store(config) as store:
            return await store.list_operators()

    return run_main(listed())


@dataclass(frozen=True, slots=True)
class Erased:
    """Calls that were forgotten, and whether a server runs that may still know of them."""

    call_ids: list[str]
    served: bool


def erase_calls(config: Config, callers: Sequence[str], call_ids: Sequence[str]) -> Erased:
    """Forget calls in the configured database, by their callers' numbers and by their ids.

    Raises `ConfigError` if nothing is asked for, a call is not over or not known, or there is no database.
    """

    async def erased() -> Erased:
        async with open_store(config, make=False) as store:
            gone = await erase(store, callers=callers, call_ids=call_ids)
            return Erased(gone, is_held(config))

    return run_main(erased())


async def _with_account(
    config: Config, name: str, work: Callable[[Accounts, str], Awaitable[Result]]
) -> Result:
    """Do it with the accounts and the name of the one that is meant."""
    async with open_store(config) as store:
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
