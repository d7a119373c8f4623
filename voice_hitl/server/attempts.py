"""How often a password may be tried: after a few failures each further try has to wait, ever longer."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

FREE_FOR_NAME = 5
FREE_FOR_ADDRESS = 20  # people of one office may share an address
FIRST_WAIT = 1.0  # seconds; doubles with every further failure
LONGEST_WAIT = 30.0  # short enough that whoever is shut out by a stranger's tries gets in again
FORGOTTEN_AFTER = 600.0  # seconds without a try
MAX_REMEMBERED = 10_000  # names and addresses; the ones that were used longest ago are forgotten


@dataclass(slots=True)
class _Tries:
    failed: int
    last: float


class Attempts:
    """Failed sign-ins by name and by address. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._tries: OrderedDict[tuple[str, str], _Tries] = OrderedDict()
        self._at_home: OrderedDict[tuple[str, str], None] = OrderedDict()  # signed in from there

    def begin(self, name: str, address: str, now: float) -> float:
        """Count a try; return 0.0, or the seconds to wait if it is refused (then it does not count).

        It counts as failed until `succeeded`, so that many at the same time gain nothing.
        """
        of_name, of_address = ("name", name), ("address", address)
        wait = self._wait(of_name, FREE_FOR_NAME, now)
        # Others at the same address, perhaps a whole office's, do not shut out who has signed in from there.
        # Not whoever has an account: answers would then tell names.
        if (name, address) not in self._at_home:
            wait = max(wait, self._wait(of_address, FREE_FOR_ADDRESS, now))
        if wait > 0.0:
            return wait
        for key in (of_name, of_address):
            tries = self._tries.setdefault(key, _Tries(0, now))
            tries.failed += 1
            tries.last = now
            self._tries.move_to_end(key)
        while len(self._tries) > MAX_REMEMBERED:
            self._tries.popitem(last=False)
        return 0.0

    def succeeded(self, name: str, address: str) -> None:
        """A try that was begun had the right password."""
        self._tries.pop(("name", name), None)
        self._take_back(("address", address))
        self._at_home[name, address] = None
        self._at_home.move_to_end((name, address))
        if len(self._at_home) > MAX_REMEMBERED:
            self._at_home.popitem(last=False)

    def withdrawn(self, name: str, address: str) -> None:
        """A try that was begun has told nothing of the password."""
        self._take_back(("name", name))
        self._take_back(("address", address))

    def _take_back(self, key: tuple[str, str]) -> None:
        tries = self._tries.get(key)
        if tries is not None:
            tries.failed -= 1
            if tries.failed <= 0:
                del self._tries[key]

    def _wait(self, key: tuple[str, str], free: int, now: float) -> float:
        tries = self._tries.get(key)
        if tries is None:
            return 0.0
        if now - tries.last >= FORGOTTEN_AFTER:
            del self._tries[key]
            return 0.0
        if tries.failed < free:
            return 0.0
        doublings = min(tries.failed - free, 10)
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2.0**doublings)
        return max(0.0, wait - (now - tries.last))
