"""Text as the agent reads it: one lower-case form for typed text and for recognizer output."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

Tokens = tuple[str, ...]

_MONEY = re.compile(r"[$£€]\s?(\d[\d,]*(?:\.\d+)?)")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_TOKEN = re.compile(r"\d+(?:\.\d+)?(?:st|nd|rd|th)?|[a-z]+(?:'[a-z]+)*")
_SIGNS = {"$": "dollars", "£": "pounds", "€": "euros"}

# Full forms, so that "I'd", "I would" and a recognizer's "i would" are one thing to the models.
_CONTRACTIONS = {
    "ain't": "is not",
    "can't": "can not",
    "cannot": "can not",
    "could've": "could have",
    "gimme": "give me",
    "gonna": "going to",
    "gotta": "got to",
    "he's": "he is",
    "how's": "how is",
    "i'm": "i am",
    "it's": "it is",
    "let's": "let us",
    "lemme": "let me",
    "ma'am": "madam",
    "she's": "she is",
    "shan't": "shall not",
    "somebody's": "somebody is",
    "someone's": "someone is",
    "that's": "that is",
    "there's": "there is",
    "wanna": "want to",
    "what's": "what is",
    "when's": "when is",
    "where's": "where is",
    "who's": "who is",
    "won't": "will not",
    "y'all": "you all",
}
_SUFFIXES = {"n't": " not", "'ll": " will", "'re": " are", "'ve": " have", "'d": " would"}

FILLERS = frozenset({"ah", "eh", "er", "erm", "hm", "hmm", "huh", "mm", "mmm", "uh", "uhm", "um"})
# Words that carry no request by themselves; ignored when a reading's coverage is measured.
_LIGHT = (
    "a actually am an and are be can could did do for from have hello hey hi i in is it just "
    "like madam me mean my of oh ok okay on one please should sir so thank thanks that the "
    "then there this to want was well with would you your "
)
LIGHT = frozenset(_LIGHT.split())


def tokens(text: str) -> Tokens:
    """Split text into lower-case words and numbers; punctuation goes, currency signs become words.

    >>> tokens("Move $2,500 -- please!")
    ('move', '2500', 'dollars', 'please')
    """
    return _tokens(text)


@lru_cache(maxsize=4096)
def _tokens(text: str) -> Tokens:
    lowered = text.lower().replace("’", "'").replace("a.m.", "am").replace("p.m.", "pm")
    lowered = _MONEY.sub(lambda m: f"{m.group(1)} {_SIGNS[m.group(0)[0]]}", lowered)
    return tuple(_TOKEN.findall(_THOUSANDS.sub("", lowered)))


@lru_cache(maxsize=4096)
def expand(word: str) -> str:
    """Return the full form of a contraction, or the word itself."""
    if word in _CONTRACTIONS:
        return _CONTRACTIONS[word]
    for suffix, full in _SUFFIXES.items():
        if word.endswith(suffix) and len(word) > len(suffix):
            return word[: -len(suffix)] + full
    return word.removesuffix("'s")


def plain(text: str) -> Tokens:
    """Tokens with contractions in full and fillers gone: what the models compare."""
    return tuple(
        part for word in tokens(text) if word not in FILLERS for part in expand(word).split()
    )


def find(phrase: Sequence[str], within: Sequence[str], start: int = 0) -> int:
    """Index of `phrase` as consecutive words `within`, or -1."""
    size = len(phrase)
    head = tuple(phrase)
    for at in range(start, len(within) - size + 1):
        if tuple(within[at : at + size]) == head:
            return at
    return -1


def likeness(left: Sequence[str], right: Sequence[str]) -> float:
    """Share of words two texts have in common (Dice coefficient on sets), 0..1."""
    one, two = set(left), set(right)
    if not one or not two:
        return 0.0
    return 2 * len(one & two) / (len(one) + len(two))
