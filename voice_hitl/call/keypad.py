"""The keys that a caller presses: those of one entry (a PIN, a number, a choice) are one transcript line.

What is shown and kept of them is hidden while the entry may go on and masked once it is over
(`call.masking`); the agent is told each key as it comes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from voice_hitl.call.book import CallBook
from voice_hitl.call.masking import hidden_keys, masked_keys
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
    over: bool = False  # no key belongs to it any more

    def goes_on(self, lines: Iterable[Line], now: float) -> bool:
        """Whether a key pressed `now` belongs to it: no `#`, no pause and nobody's words ended it."""
        if self.over or now - self.at > ENTRY_GAP:
            return False
        return not any(_ends(line) for line in lines if line.seq > self.seq)

    @property
    def words(self) -> str:
        """The entry as people see it."""
        whole = self.over or self.veiled
        shown = masked_keys(self.keys, sensitive=self.veiled) if whole else hidden_keys(self.keys)
        return f"The caller pressed {shown}."


class Keypad:
    """One call's."""

    def __init__(self, book: CallBook) -> None:
        self._book = book
        self._entry: Entry | None = None

    def press(self, key: str, now: float) -> bool:
        """Write down a key pressed at monotonic second `now`; returns whether it is an entry's first."""
        last, over = self._entry, key == LAST_KEY
        if last is not None and last.goes_on(self._book.lines[last.seq :], now):
            self._entry = entry = replace(last, keys=last.keys + key, at=now, over=over)
            self._book.reword(entry.seq, entry.words)
            return False
        self.close()
        seq = len(self._book.lines)
        self._entry = Entry(seq, key, now, self._book.veils, over)
        self._book.system(self._entry.words)
        return True

    def next_deadline(self) -> float | None:
        """When to `close`, or None."""
        entry = self._entry
        return None if entry is None or entry.over else entry.at + ENTRY_GAP

    def close(self) -> None:
        """The entry is over: show what may be shown of it."""
        entry = self._entry
        if entry is None or entry.over:
            return
        self._entry = whole = replace(entry, over=True)
        if whole.words != entry.words:
            self._book.reword(whole.seq, whole.words)


def _ends(line: Line) -> bool:
    """A key's own tone, taken for speech, has no words; a line that the next key cut off is no reply yet."""
    if line.role == "agent":
        return line.heard == line.text
    return line.role != "system" and bool(line.text)
