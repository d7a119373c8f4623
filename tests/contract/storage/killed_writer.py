"""Saves batches as fast as it can and says which were acknowledged, until it is killed."""

from __future__ import annotations

import asyncio
import sys
from itertools import count

from handoff.ports import CallRecord, DecisionRecord, TurnRecord
from handoff.storage import SqlStore
from handoff.testing import a_decision


async def main(url: str) -> None:
    store = await SqlStore.open(url)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for number in count():
        name = f"call-{number}"
        await store.save(
            [
                CallRecord(name, "+15550100", "banking", "en", float(number)),
                *(TurnRecord(name, seq, seq, "caller", "x" * 500, 1.0) for seq in range(7)),
                DecisionRecord.of(a_decision(name), seq=0, at=1.0, policy_version="p"),
            ]
        )
        sys.stdout.write(f"{name}\n")
        sys.stdout.flush()


asyncio.run(main(sys.argv[1]))
