"""How the words of a vocabulary sound: the dictionary in pocketsphinx's wheel, and rules.

A word that the dictionary lacks is taken apart (possessives, plurals, two known words joined) and,
where that fails, read letter by letter with a short table of English spellings. Sounds are the
dictionary's (ARPAbet without stress).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from itertools import islice
from pathlib import Path

import pocketsphinx

Sounds = tuple[str, ...]

_VOICELESS = {"P", "T", "K", "F", "TH"}
_HISSING = {"S", "Z", "SH", "ZH", "CH", "JH"}
_SHORTEST_PART = 3

# Spellings, longest first at each place; "^" at the front ties one to the word's start, "$" to its
# end. Regular correspondences of American English, the commonest one each.
_SPELLINGS: Mapping[str, str] = {
    "tion$": "SH AH N", "tions$": "SH AH N Z", "sion$": "ZH AH N", "ture$": "CH ER",
    "ight": "AY T", "ough": "AO", "eigh": "EY", "ious$": "IY AH S", "ous$": "AH S",
    "able$": "AH B AH L", "ible$": "AH B AH L", "^kn": "N", "^wr": "R", "^ps": "S", "^x": "Z",
    "tch": "CH", "dge": "JH", "sch": "SH", "igh": "AY", "air": "EH R", "ear": "IH R",
    "eer": "IH R", "our": "AO R", "oor": "AO R", "qu": "K W", "ch": "CH", "sh": "SH", "th": "TH",
    "ph": "F", "wh": "W", "ck": "K", "ng$": "NG", "nk": "NG K", "gh": "G", "ee": "IY", "ea": "IY",
    "ai": "EY", "ay": "EY", "oa": "OW", "oo": "UW", "ou": "AW", "ow": "OW", "oi": "OY",
    "oy": "OY", "au": "AO", "aw": "AO", "ie": "IY", "ei": "IY", "ey$": "IY", "ew": "UW",
    "ue$": "UW", "ar": "AA R", "er": "ER", "ir": "ER", "or": "AO R", "ur": "ER", "le$": "AH L",
    "e$": "", "y$": "IY", "^y": "Y", "ce": "S", "ci": "S IH", "cy": "S IY", "ge": "JH",
    "bb": "B", "cc": "K", "dd": "D", "ff": "F", "gg": "G", "kk": "K", "ll": "L", "mm": "M",
    "nn": "N", "pp": "P", "rr": "R", "ss": "S", "tt": "T", "zz": "Z", "a$": "AH", "o$": "OW",
    "i$": "IY", "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G",
    "h": "HH", "i": "IH", "j": "JH", "k": "K", "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P",
    "q": "K", "r": "R", "s": "S", "t": "T", "u": "AH", "v": "V", "w": "W", "x": "K S", "y": "IH",
    "z": "Z",
}  # fmt: skip
_LONGEST = 5
# Vowels before one consonant and a final e say their names.
_LONG = {"a": "EY", "e": "IY", "i": "AY", "o": "OW", "u": "UW"}
_NAMES: Mapping[str, str] = {
    "a": "EY", "b": "B IY", "c": "S IY", "d": "D IY", "e": "IY", "f": "EH F", "g": "JH IY",
    "h": "EY CH", "i": "AY", "j": "JH EY", "k": "K EY", "l": "EH L", "m": "EH M", "n": "EH N",
    "o": "OW", "p": "P IY", "q": "K Y UW", "r": "AA R", "s": "EH S", "t": "T IY", "u": "Y UW",
    "v": "V IY", "w": "D AH B AH L Y UW", "x": "EH K S", "y": "W AY", "z": "Z IY",
}  # fmt: skip


@cache
def dictionary() -> Mapping[str, tuple[Sounds, ...]]:
    """Return the bundled dictionary: word to its pronunciations, the commonest first."""
    path = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"))
    found: dict[str, list[Sounds]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        head, _, sounds = line.partition(" ")
        found.setdefault(head.partition("(")[0], []).append(tuple(sounds.split()))
    return {word: tuple(sounds) for word, sounds in found.items()}


def pronounce(word: str) -> tuple[Sounds, ...]:
    """Return the pronunciations of a lower-case word; never empty for one with a letter a-z."""
    known = dictionary().get(word)
    if known is not None:
        return known
    return _from_parts(word) or _spelled(word)


def lexicon(vocabulary: Iterable[str]) -> str:
    """Return a pocketsphinx dictionary of the words; those without a letter a-z are left out."""
    lines = []
    for word in sorted(set(vocabulary)):
        for number, sounds in enumerate(pronounce(word), 1):
            head = word if number == 1 else f"{word}({number})"
            lines.append(f"{head} {' '.join(sounds)}")
    return "\n".join([*lines, ""])


def _from_parts(word: str) -> tuple[Sounds, ...]:
    known = dictionary()
    for ending in ("'s", "s'", "s"):
        stem = word.removesuffix(ending)
        if stem != word and stem in known:
            return tuple((*sounds, *_plural(sounds)) for sounds in known[stem])
    cuts = range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1)
    joined = [(word[:cut], word[cut:]) for cut in cuts]
    for first, second in sorted(joined, key=lambda parts: -min(map(len, parts))):
        if first in known and second in known:
            return ((*known[first][0], *known[second][0]),)
    return ()


def _plural(sounds: Sounds) -> Sounds:
    if sounds[-1] in _HISSING:
        return ("IH", "Z")
    return ("S",) if sounds[-1] in _VOICELESS else ("Z",)


def _spelled(word: str) -> tuple[Sounds, ...]:
    letters = "".join(letter for letter in word if "a" <= letter <= "z")
    if not letters:
        return ()
    if len(letters) == 1 or not set(letters) & set("aeiouy"):
        return (tuple(sound for letter in letters for sound in _NAMES[letter].split()),)
    sounds: list[str] = []
    at = 0
    while at < len(letters):
        size, sound = _reading(letters, at)
        sounds += sound.split()
        at += size
    return (tuple(sounds) or tuple(_NAMES[letters[0]].split()),)


def _reading(letters: str, at: int) -> tuple[int, str]:
    rest = letters[at:]
    if len(rest) == 3 and rest[2] == "e" and rest[0] in _LONG and rest[1] not in "aeiouywxr":
        return 1, _LONG[rest[0]]
    for size in range(min(_LONGEST, len(rest)), 0, -1):
        piece = rest[:size]
        ends = [f"{piece}$"] if size == len(rest) else []
        starts = [f"^{piece}"] if at == 0 else []
        found = next(islice((key for key in (*ends, *starts, piece) if key in _SPELLINGS), 1), None)
        if found is not None:
            return size, _SPELLINGS[found]
    raise ValueError(f"{letters!r} is not made of letters a-z")
