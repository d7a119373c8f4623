"""The keys that a caller presses: those of one entry (a PIN, a number, a choice) are one transcript line.

What is shown and kept of them is masked (`call.masking.masked_keys`); the agent is told each key as it comes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from voice_hitl.call.book import CallBook
from voice_hitl.call.masking import masked_keys
from voice_hitl.call.transcript import Line

ENTRY_GAP = 5.0  # seconds between two keys, as long as carriers wait for the next one by default
LAST_KEY = "#"  # by custom the key that ends a number


@dataclass(frozen=True, slots=True)
class Entry:
    """Keys that belong together. `seq`: their line of the transcript; `at`: seconds, when the last came."""

    seq: int
    keys: str
    at: float
    veiled: bool = False  # answers a question about something that nobody is shown

    def goes_on(self, lines: Iterable[Line], now: float) -> bool:
        """Whether a key pressed `now` belongs to it: no `#`, no pause and nobody's words ended it."""
        if self.keys.endswith(LAST_KEY) or now - self.at > ENTRY_GAP:
            return False
        return not any(_ends(line) for line in lines if line.seq > self.seq)

    @property
    def words(self) -> str:
        """The entry as people see it."""
        return f"The caller pressed {masked_keys(self.keys, sensitive=self.veiled)}."


class Keypad:
    """One call's."""

    def __init__(self, book: CallBook) -> None:
        self._book = book
        self._entry: Entry | None = None

    def press(self, key: str, now: float) -> bool:
        """Write down a key pressed at monotonic second `now`; returns whether it is an entry's first."""
        last = self._entry
        if last is not None and last.goes_on(self._book.lines[last.seq :], now):
            self._entry = entry = Entry(last.seq, last.keys + key, now, last.veiled)
            self._book.reword(entry.seq, entry.words)
            return False
        seq = len(self._book.lines)
        self._entry = Entry(seq, key, now, self._book.veils)
        self._book.system(self._entry.words)
        return True


def _ends(line: Line) -> bool:
    """A key's own tone, taken for speech, has no words; a line that the next key cut off is no reply yet."""
    if line.role == "agent":
        return line.heard == line.text
    return line.role != "system" and bool(line.text)
