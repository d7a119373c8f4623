"""Word error rate: what it costs to turn the recognized words into those that were said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)*")


def words(text: str) -> list[str]:
    """The words of a text: lower case, without punctuation; apostrophes inside a word stay."""
    return _WORD.findall(text.lower().replace("’", "'"))


@dataclass(frozen=True, slots=True)
class WordErrors:
    """Errors against a number of words said; adds up over turns."""

    errors: int = 0  # substitutions, deletions and insertions
    words: int = 0  # of the reference

    def __add__(self, other: WordErrors) -> WordErrors:
        return WordErrors(self.errors + other.errors, self.words + other.words)

    @property
    def rate(self) -> float | None:
        """Errors a word said; above 1 when more was invented than said; None when nothing was said."""
        return self.errors / self.words if self.words else None


def word_errors(reference: str, recognized: str) -> WordErrors:
    """Levenshtein distance in words (substitution, deletion and insertion cost 1 each)."""
    said, heard = words(reference), words(recognized)
    return WordErrors(_distance(said, heard), len(said))


def total(parts: Iterable[WordErrors]) -> WordErrors:
    """The sum: every word weighs the same, however long its turn was."""
    return sum(parts, WordErrors())


def _distance(one: Sequence[str], other: Sequence[str]) -> int:
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        diagonal, row[0] = row[0], i
        for j, right in enumerate(other, 1):
            diagonal, row[j] = (
                row[j],
                min(row[j] + 1, row[j - 1] + 1, diagonal + (left != right)),
            )
    return row[-1]
