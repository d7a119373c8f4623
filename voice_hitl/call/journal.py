"""Write-behind to the store: calls never wait for the disk, and whoever must wait can.

Records are saved in the order they were put, many in one transaction. `flush` returns once everything
put before it is committed or refused, and `stored` says which: a decision is shown to people only after that,
so that a killed server has lost nothing that anybody was told.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from handoff.errors import StorageError
from handoff.ports import MachineRecord, Record, Store
from voice_hitl.log import get_logger

log = get_logger(__name__)

CAPACITY = 100_000  # records; about an hour of 60 calls with the disk gone
BATCH = 250  # rows are made on the event loop: 2 ms for so many facts
RETRY_SECONDS = 1.0
TRIES = 3  # of records that all fail, before a probe says whether it is they or the store
PROBE = MachineRecord("journal", "probe", at=0.0, state="probe", open=False)
NAMES = ("call_id", "seq", "event_id", "machine", "key", "label_id", "operator_id", "version")
"""Fields that say which record it is, and nothing of what was said in a call."""
STORED_WITHIN = 1.0  # seconds that people and callers wait for the disk


@dataclass(slots=True, eq=False)
class Ticket:
    """What was put at once; `Journal.stored` says what became of it."""

    last: int = 0  # the number of the last record of it
    lost: bool = False  # one of its records was refused


class Journal:
    """The one writer of a store. When full, the newest record is refused, counted in `refused` and logged."""

    def __init__(self, store: Store) -> None:
        self.refused = 0
        self.on_put: Callable[[Record], None] = lambda record: None
        """Told of every record on its way; must neither wait nor fail."""
        self._store = store
        self._waiting: deque[tuple[Record, Ticket]] = deque()
        self._news = asyncio.Event()
        self._put = 0
        self._saved = 0
        self._failed = 0  # times in a row that nothing could be saved
        self._progress = asyncio.Condition()

    def put(self, *records: Record) -> Ticket:
        """Queue records for saving."""
        ticket = Ticket()
        for record in records:
            self.on_put(record)
            if len(self._waiting) >= CAPACITY:
                self._lose(ticket)
                log.error("journal is full; a record is lost", record=type(record).__name__)
                continue
            self._waiting.append((record, ticket))
            self._put += 1
        ticket.last = self._put
        self._news.set()
        return ticket

    async def flush(self) -> None:
        """Wait until everything put so far is committed or refused."""
        await self._settled(Ticket(self._put))

    async def caught_up(self) -> None:
        """Wait as `flush` does, but not long: a sick disk must hold up nobody."""
        await self._soon(Ticket(self._put))

    async def stored(self, ticket: Ticket) -> bool:
        """Wait, but not long, for what was put with `ticket`; returns whether all of it is committed.

        What is not may still be, once the store has caught up, unless it was refused.
        """
        return await self._soon(ticket) and not ticket.lost

    async def _soon(self, ticket: Ticket) -> bool:
        try:
            async with asyncio.timeout(STORED_WITHIN):
                await self._settled(ticket)
        except TimeoutError:
            log.error(
                "the store is slow; going on before it has caught up", waiting=len(self._waiting)
            )
            return False
        return True

    async def _settled(self, ticket: Ticket) -> None:
        async with self._progress:
            await self._progress.wait_for(lambda: ticket.lost or self._saved >= ticket.last)

    def _lose(self, ticket: Ticket) -> None:
        ticket.lost = True
        self.refused += 1

    async def run(self) -> None:
        """Save until cancelled; what is queued then is still saved."""
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                while self._waiting:
                    await self._save_some()
        finally:
            while self._waiting:
                await self._save_some(last_try=True)

    async def _save_some(self, *, last_try: bool = False) -> None:
        batch = [self._waiting[i] for i in range(min(BATCH, len(self._waiting)))]
        try:
            await self._store.save([record for record, _ in batch])
        except StorageError as error:
            log.error("records could not be saved", waiting=len(self._waiting), error=str(error))
            self._failed += 1
            probing = last_try or self._failed >= TRIES
            if not await self._save_singly(batch, probing):
                if last_try:
                    raise
                await asyncio.sleep(RETRY_SECONDS)
                return
        self._failed = 0
        for _ in batch:
            self._waiting.popleft()
        self._saved += len(batch)
        async with self._progress:
            self._progress.notify_all()

    async def _save_singly(self, batch: list[tuple[Record, Ticket]], probing: bool) -> bool:
        """Find what cannot be kept. If other records can, or a probe, it is they that are at fault and not
        the store: they are refused, so that one bad record does not stop all others. Returns whether the
        store took anything."""
        bad = [put for put in batch if not await self._takes(put[0])]
        if len(bad) == len(batch) and not (probing and await self._takes(PROBE)):
            return False
        for record, ticket in bad:
            self._lose(ticket)
            log.error("a record cannot be stored and is lost", record=_named(record))
        return True

    async def _takes(self, record: Record) -> bool:
        try:
            await self._store.save([record])
        except StorageError:
            return False
        return True


def _named(record: Record) -> str:
    """A record's kind and key, for the log: what else it holds is the callers' business."""
    known = [str(getattr(record, name)) for name in NAMES if hasattr(record, name)]
    return " ".join([type(record).__name__, *known])
