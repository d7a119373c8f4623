"""Who may use the console: accounts, the one-time first link, and session cookies.

Passwords are kept as argon2id hashes, session tokens as SHA-256 digests; neither can be read back.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from handoff.events import Seniority
from handoff.ports import OperatorRecord, SessionRecord, Store
from voice_hitl.errors import ConfigError, VoiceHitlError

COOKIE = "vh_session"
SUPERVISOR = "supervisor"
MAX_HASHES = 20  # that run or wait; a hash takes about 50 ms

Result = TypeVar("Result")


class TooManyHashes(VoiceHitlError):
    """So many passwords wait to be checked that this one is not: it may be tried again in a second."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A signed-in operator, and what their account says of them."""

    operator_id: str
    name: str
    role: str = "operator"  # operator | supervisor
    skills: frozenset[str] = frozenset()  # empty: takes anything
    languages: frozenset[str] = frozenset()  # empty: speaks what is needed
    seniority: Seniority = Seniority.STANDARD

    @property
    def is_supervisor(self) -> bool:
        """Whether they may overrule triage and see to what is others'."""
        return self.role == SUPERVISOR

    @classmethod
    def of(cls, record: OperatorRecord) -> Identity:
        """Whoever an account is of."""
        return cls(
            record.operator_id,
            record.name,
            record.role,
            frozenset(record.skills),
            frozenset(record.languages),
            Seniority(record.seniority),
        )


class Accounts:
    """Accounts and sessions over a store. Times are Unix seconds."""

    def __init__(self, store: Store, session_seconds: float) -> None:
        self.on_session_over: Callable[[str], Awaitable[None]] = _nothing
        """Told the cookie value of a session that its owner ended; set by who holds sockets of it."""
        self._store = store
        self.session_seconds = session_seconds
        self._hasher = PasswordHasher()
        # Verified against when a name is unknown, so that a reply takes as long as for a known one.
        self._decoy = self._hasher.hash(secrets.token_hex())
        self._setup_token: str | None = None
        self._setting_up = asyncio.Lock()
        # A hash takes 64 MiB and a core: one at a time, however many ask, or go away while theirs runs.
        self._hashing = ThreadPoolExecutor(1, thread_name_prefix="passwords")
        self._hashes = 0
        self._outlasting: dict[str, float] = {}  # until when a session holds that has expired

    async def first_link_token(self) -> str | None:
        """A token for making the first account, or None when there is one already."""
        if await self._store.list_operators():
            return None
        self._setup_token = secrets.token_urlsafe(24)
        return self._setup_token

    async def set_up(self, token: str, name: str, password: str, now: float) -> Identity | None:
        """Use the one-time token to make the first account; None if the token is not (or no longer) valid.

        It is valid until an account was made with it, or in any other way.
        """
        async with self._setting_up:
            expected = self._setup_token
            if expected is None or not secrets.compare_digest(token.encode(), expected.encode()):
                return None
            identity = None
            if not await self._store.list_operators():
                identity = await self.add(name, password, now, role=SUPERVISOR)
            self._setup_token = None
            return identity

    async def add(
        self,
        name: str,
        password: str,
        now: float,
        role: str = "operator",
        skills: Iterable[str] = (),
        languages: Iterable[str] = (),
        seniority: Seniority = Seniority.STANDARD,
    ) -> Identity:
        """Make an account; raise `ConfigError` if the name is taken, or `TooManyHashes`."""
        if await self._store.operator_by_name(name) is not None:
            raise ConfigError(f"there is already an operator named {name!r}; choose another name")
        digest = await self._hashed(lambda: self._hasher.hash(password))
        record = OperatorRecord(
            operator_id=f"op_{secrets.token_hex(6)}",
            name=name,
            password_hash=digest,
            role=role,
            created_at=now,
            skills=tuple(skills),
            languages=tuple(languages),
            seniority=seniority.value,
        )
        await self._store.save([record])
        return Identity.of(record)

    async def remove(self, name: str, *, force: bool = False) -> None:
        """Take an account away, and every session of it.

        Raises `ConfigError` if there is none, or it is the last supervisor's and this is not `force`d.
        """
        record = await self._named(name)
        await self._spare_last_supervisor(record, force)
        await self._store.delete_operator(record.operator_id)

    async def change_password(self, name: str, password: str) -> None:
        """Give an account another password, and end every session of it; raises `ConfigError` if there is
        none."""
        record = await self._named(name)
        digest = await self._hashed(lambda: self._hasher.hash(password))
        await self._renew(replace(record, password_hash=digest))

    async def change_role(self, name: str, role: str, *, force: bool = False) -> None:
        """Give an account another role, and end every session of it.

        Raises `ConfigError` if there is none, or it is the last supervisor's and this is not `force`d.
        """
        record = await self._named(name)
        if role != SUPERVISOR:
            await self._spare_last_supervisor(record, force)
        await self._renew(replace(record, role=role))

    async def _spare_last_supervisor(self, record: OperatorRecord, force: bool) -> None:
        roles = [each.role for each in await self._store.list_operators()]
        if record.role == SUPERVISOR and roles.count(SUPERVISOR) == 1 and not force:
            raise ConfigError(
                f"{record.name} is the only supervisor: make another one first with "
                "`voice-hitl users role NAME supervisor`, or give --force"
            )

    async def _named(self, name: str) -> OperatorRecord:
        record = await self._store.operator_by_name(name)
        if record is None:
            raise ConfigError(f"there is no operator named {name!r}; see `voice-hitl users list`")
        return record

    async def _renew(self, record: OperatorRecord) -> None:
        await self._store.save([record])
        await self._store.delete_sessions(record.operator_id)

    async def sign_in(self, name: str, password: str) -> Identity | None:
        """Check name and password in constant time; None if they do not match. Raises `TooManyHashes`."""
        record = await self._store.operator_by_name(name)
        digest = self._decoy if record is None else record.password_hash
        matches = await self._hashed(lambda: self._verify(digest, password))
        if not matches or record is None:
            return None
        return Identity.of(record)

    async def open_session(self, identity: Identity, now: float) -> str:
        """Make a session and return its cookie value."""
        token = secrets.token_urlsafe(32)
        await self._store.save(
            [
                SessionRecord(
                    token_hash=_digest(token),
                    operator_id=identity.operator_id,
                    expires_at=now + self.session_seconds,
                )
            ]
        )
        return token

    async def identify(self, token: str | None, now: float) -> Identity | None:
        """Who a cookie belongs to; None for no, a wrong or an expired one."""
        if not token:
            return None
        session = await self._store.session(_digest(token))
        if session is None:
            return None
        if max(session.expires_at, self._outlasting.get(session.token_hash, 0.0)) <= now:
            return None
        record = await self._store.operator(session.operator_id)
        return None if record is None else Identity.of(record)

    def outlast(self, token: str, now: float, until: float) -> None:
        """Let a session hold until then, though it expires: its operator talks to a caller.

        It ends all the same when it is closed, or its account is another. Nothing is stored: the store's is
        the last word on whether there is such a session.
        """
        self._outlasting = {key: end for key, end in self._outlasting.items() if end > now}
        self._outlasting[_digest(token)] = until

    async def close_session(self, token: str) -> None:
        """Sign out."""
        await self._store.delete_session(_digest(token))
        await self.on_session_over(token)

    async def _hashed(self, work: Callable[[], Result]) -> Result:
        if self._hashes >= MAX_HASHES:
            raise TooManyHashes("too many are signing in; try again in a second")
        self._hashes += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._hashing, work)
        finally:
            self._hashes -= 1

    def _verify(self, digest: str, password: str) -> bool:
        try:
            return self._hasher.verify(digest, password)
        except (VerificationError, InvalidHashError):
            return False


async def _nothing(_token: str) -> None:
    """A listener that nobody has set."""


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
