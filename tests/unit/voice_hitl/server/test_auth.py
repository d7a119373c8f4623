from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence

import pytest
from argon2 import PasswordHasher

from handoff.errors import StorageError
from handoff.ports import Record
from handoff.testing import MemoryStore
from voice_hitl.errors import ConfigError
from voice_hitl.server.auth import MAX_HASHES, Accounts, TooManyHashes

NOW = 1_700_000_000.0


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def accounts(store: MemoryStore) -> Accounts:
    return Accounts(store, session_seconds=3600)


async def test_the_first_link_works_once(accounts: Accounts) -> None:
    token = await accounts.first_link_token()
    assert token is not None
    assert await accounts.set_up("wrong", "ana", "correct horse", NOW) is None
    identity = await accounts.set_up(token, "ana", "correct horse", NOW)
    assert identity is not None
    assert identity.name == "ana"
    assert await accounts.set_up(token, "eve", "correct horse", NOW) is None
    assert await accounts.first_link_token() is None


async def test_two_uses_of_the_link_at_once_make_one_account(
    accounts: Accounts, store: MemoryStore
) -> None:
    token = await accounts.first_link_token()
    assert token is not None
    made = await asyncio.gather(
        *(accounts.set_up(token, name, "correct horse", NOW) for name in ("ana", "eve"))
    )
    assert sum(identity is not None for identity in made) == 1
    assert len(await store.list_operators()) == 1


async def test_the_first_link_is_void_once_there_is_an_account(accounts: Accounts) -> None:
    token = await accounts.first_link_token()
    assert token is not None
    await accounts.add("ana", "correct horse", NOW)
    assert await accounts.set_up(token, "eve", "correct horse", NOW) is None


async def test_the_first_link_outlives_a_failure_to_store(store: MemoryStore) -> None:
    class Full(MemoryStore):
        full = True

        async def save(self, records: Sequence[Record]) -> None:
            if self.full:
                raise StorageError("the disk is full")
            await super().save(records)

    disk = Full()
    accounts = Accounts(disk, session_seconds=3600)
    token = await accounts.first_link_token()
    assert token is not None
    with pytest.raises(StorageError):
        await accounts.set_up(token, "ana", "correct horse", NOW)
    disk.full = False
    assert await accounts.set_up(token, "ana", "correct horse", NOW) is not None


async def test_passwords_are_checked_one_at_a_time(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    await accounts.add("ana", "correct horse", NOW)
    running = most = 0
    verify = PasswordHasher.verify

    def counted(hasher: PasswordHasher, digest: str, password: str) -> bool:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            return verify(hasher, digest, password)
        finally:
            running -= 1

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    await asyncio.gather(*(accounts.sign_in(name, "wrong") for name in ("ana", "eve") * 4))
    assert most == 1


async def test_passwords_are_checked_one_at_a_time_though_who_asked_has_gone(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = most = done = 0

    def verify(_hasher: PasswordHasher, _digest: str, _password: str) -> bool:
        nonlocal running, most, done
        running += 1
        most = max(most, running)
        time.sleep(0.02)
        running -= 1
        done += 1
        return True

    monkeypatch.setattr(PasswordHasher, "verify", verify)
    for number in range(6):
        asking = asyncio.create_task(accounts.sign_in(f"n{number}", "wrong"))
        await asyncio.sleep(0.005)
        asking.cancel()
    await accounts.sign_in("last", "wrong")
    assert most == 1
    assert done < 7, "what nobody waits for any more is not begun"


async def test_only_so_many_wait_for_a_password_to_be_checked(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = threading.Event()
    monkeypatch.setattr(PasswordHasher, "verify", lambda *_: free.wait(5.0))
    waiting = [asyncio.create_task(accounts.sign_in("ana", "x")) for _ in range(MAX_HASHES)]
    await asyncio.sleep(0.01)
    with pytest.raises(TooManyHashes, match="try again"):
        await accounts.sign_in("ana", "x")
    free.set()
    await asyncio.gather(*waiting)
    assert await accounts.sign_in("ana", "x") is None


@pytest.mark.parametrize("how", ["removed", "password", "role"])
async def test_who_loses_an_account_or_gets_another_is_signed_out(
    accounts: Accounts, how: str
) -> None:
    tokens = {}
    for name in ("ana", "ben"):
        tokens[name] = await accounts.open_session(
            await accounts.add(name, "correct horse", NOW), NOW
        )
    if how == "removed":
        await accounts.remove("ana")
    elif how == "password":
        await accounts.change_password("ana", "battery staple")
    else:
        await accounts.change_role("ana", "supervisor")
    assert await accounts.identify(tokens["ana"], NOW) is None
    assert await accounts.identify(tokens["ben"], NOW) is not None
    old = await accounts.sign_in("ana", "correct horse")
    assert (old is not None) == (how == "role")
    assert old is None or old.is_supervisor
    new = await accounts.sign_in("ana", "battery staple")
    assert (new is not None) == (how == "password")


async def test_an_account_that_is_not_there_cannot_be_changed(accounts: Accounts) -> None:
    for change in (
        accounts.remove("ana"),
        accounts.change_password("ana", "battery staple"),
        accounts.change_role("ana", "operator"),
    ):
        with pytest.raises(ConfigError, match="no operator named 'ana'"):
            await change


async def test_only_the_right_password_signs_in(accounts: Accounts, store: MemoryStore) -> None:
    await accounts.add("ana", "correct horse", NOW)
    assert await accounts.sign_in("ana", "wrong horse") is None
    assert await accounts.sign_in("eve", "correct horse") is None
    assert await accounts.sign_in("ana", "correct horse") is not None
    (record,) = await store.list_operators()
    assert record.password_hash.startswith("$argon2id$")


async def test_a_name_is_taken_once(accounts: Accounts) -> None:
    await accounts.add("ana", "correct horse", NOW)
    with pytest.raises(ConfigError, match="already an operator named 'ana'"):
        await accounts.add("ana", "battery staple", NOW)


async def test_a_session_lasts_its_time_and_ends_on_sign_out(
    accounts: Accounts, store: MemoryStore
) -> None:
    identity = await accounts.add("ana", "correct horse", NOW)
    token = await accounts.open_session(identity, NOW)
    assert await accounts.identify(token, NOW + 3599) == identity
    assert await accounts.identify(token, NOW + 3600) is None
    assert await accounts.identify(None, NOW) is None
    assert await accounts.identify("made up", NOW) is None
    await accounts.close_session(token)
    assert await accounts.identify(token, NOW) is None


async def test_a_token_is_not_stored_as_it_is(accounts: Accounts, store: MemoryStore) -> None:
    identity = await accounts.add("ana", "correct horse", NOW)
    token = await accounts.open_session(identity, NOW)
    assert await store.session(token) is None
