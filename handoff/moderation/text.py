"""What is left of a text when nobody can hide in how it is written, and lists of known texts by its hash.

Two spellings of one sentence fold to the same letters: case, width, ligatures (NFKD), accents, look-alike
letters of other scripts, digits and signs for letters, stretched letters, invisible characters, punctuation
and spaces all go. I, l, 1 and | look alike and become one letter, as in the skeletons of Unicode Technical
Standard 39. Different texts can fold alike ("fail" and "fall"), which is rare for whole phrases; that is why
entries under three folded letters are refused. Made for alphabets; vowel signs of Indic scripts are lost.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import unicodedata
from collections.abc import Iterable

SHORTEST = 3  # folded letters of an entry
LONGEST = 400  # the same, at most: what bounds the work of a search
_SIGNS = str.maketrans("01345789@$€¢", "olea" + "stbgasec")
_LIKE_L = str.maketrans("i|", "ll")
_LETTERS = str.maketrans(
    "авеёкмнорстухіїјѕһԁԛԝґɡɑıłøđαβεηικμνορτυχγωςσ",
    "abeekmhopctyxiijshdqwrgailodabenikmvoptuxywss",
)
_INVISIBLE = ("Mn", "Mc", "Me", "Cf", "Cs")  # marks, formats, halves of characters
_INSIDE = re.compile(r"(?<=[^\W_])[!|](?=[^\W_])")  # k!ll, but not "kill!"


def words_of(text: str) -> list[str]:
    """The folded words of a text, each without stretched letters; punctuation separates."""
    return [_squeeze(word) for word in _split(text)]


def fold(text: str) -> str:
    """All letters of a text in one piece; folding again changes nothing."""
    return _squeeze("".join(_split(text)))


def fingerprint(text: str) -> str:
    """What a list keeps of a known text: the folded length and the SHA-256 of the folded letters.

    Raises `ValueError` for a text that folds to fewer than three letters or more than 400.
    """
    letters = fold(text)
    if not SHORTEST <= len(letters) <= LONGEST:
        raise ValueError(
            f"a known text must fold to {SHORTEST} to {LONGEST} letters, this one to {len(letters)}"
        )
    return _entry(letters)


class KnownTexts:
    """Known texts, of which only fingerprints are held; finds them inside longer sentences as well."""

    __slots__ = ("_entries", "_lengths")

    def __init__(self, fingerprints: Iterable[str] = ()) -> None:
        """Raises `ValueError` for anything that `fingerprint` does not make."""
        self._entries: set[str] = set()
        self._lengths = 0  # a bit for each length of an entry
        for entry in fingerprints:
            self.add(entry)

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: str) -> None:
        """Add a fingerprint; raises `ValueError` for anything else."""
        match = re.fullmatch(r"(\d{1,3}):[0-9a-f]{64}", entry)
        if match is None or not SHORTEST <= int(match[1]) <= LONGEST:
            raise ValueError(f"'{entry[:80]}' is no fingerprint: make it with fingerprint(text)")
        self._entries.add(entry)
        self._lengths |= 1 << int(match[1])

    def find(self, text: str, before: str = "") -> str | None:
        """The fingerprint of the first known text that ends in `text`, or None.

        Looks at every window of whole words, however they are spaced. `before` is what came just before in
        the same breath: a known text may begin there.
        """
        if not self._entries:
            return None
        earlier = words_of(before)
        letters, starts, ends = "", [], 0
        for place, word in enumerate((*earlier, *words_of(text))):
            seam = letters[-1:] == word[0]  # two letters that meet are one
            starts.append(len(letters) - seam)
            letters += word[seam:]
            if place >= len(earlier):
                ends |= 1 << len(letters)  # a bit for each place where a window may end
        for start in starts:
            fitting = ends >> start & self._lengths
            while fitting:
                length = (fitting & -fitting).bit_length() - 1
                entry = _entry(letters[start : start + length])
                if entry in self._entries:
                    return entry
                fitting &= fitting - 1
        return None


def _entry(letters: str) -> str:
    return f"{len(letters)}:{hashlib.sha256(letters.encode()).hexdigest()}"


def _split(text: str) -> list[str]:
    if not text.isascii():
        text = _latin(text)
    text = _INSIDE.sub("l", text.casefold()).translate(_SIGNS).translate(_LIKE_L)
    return re.findall(r"[^\W_]+", text)


def _latin(text: str) -> str:
    """Case, width, marks, invisible characters and look-alikes folded away.

    One step can open the way for another (a folded letter that is itself composed), so until nothing changes.
    """
    while True:
        plain = unicodedata.normalize("NFKD", text).casefold()
        kept = "".join(c for c in plain if unicodedata.category(c) not in _INVISIBLE)
        folded = unicodedata.normalize("NFKD", kept).translate(_LETTERS)
        if folded == text:
            return folded
        text = folded


def _squeeze(word: str) -> str:
    return "".join(letter for letter, _ in itertools.groupby(word))
