"""A conversation in, facts about a proposed action out: each in [0, 1], 0 when all is well, by `CODES`.

What is remembered is bounded: `grounding.REMEMBERED` words of each source, two texts of each speaker, the
latest `OPEN` unanswered proposals and `TRIED` names and keys of what was tried; older ones are forgotten.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from handoff.conduct.grounding import (
    LONGEST_TEXT,
    SMALLEST_AMOUNT,
    Named,
    Seen,
    details,
    is_id,
    number,
    parts_of,
    plain,
    words,
)

# Fact -> what an operator reads. The order is that of the weights.
WORDS: Mapping[str, str] = {
    "many_details": "the action has many details to get right",
    "unspoken_details": "the caller never spoke of some of the details",
    "figures": "the action depends on several figures",
    "unsaid_amount": "an amount was never mentioned to the caller",
    "invented_id": "an account or record number appears nowhere in the call",
    "unlisted_details": "the details were not read back before acting",
    "unconfirmed": "the caller did not clearly agree just before",
    "failed_before": "the same action has failed before in this call",
    "tool_errors": "other things the AI tried have failed",
    "repeated": "the same action was already done in this call",
    "refused_before": "the AI first said that it could not help",
    "insisted": "the caller pressed on after a refusal",
    "conditions": "the caller's request has conditions or limits",
    "changed_mind": "the caller changed the request",
    "long_talk": "the conversation has been long",
}
CODES: tuple[str, ...] = tuple(WORDS)
OPEN = 32  # proposals whose end is awaited
TRIED = 64  # names that failed, and keys of what was done

_YES = re.compile(
    r"\b(?:yes|yeah|yep|sure|ok|okay|correct|right|confirm\w*|proceed|go ahead|please do|agreed?"
    r"|sounds? good|looks? (?:good|right|correct|great|perfect)|perfect|that works|let['’]s)\b",
    re.IGNORECASE,
)
_YES_FIRST = re.compile(r"\W*(?:\w+\W+)?" + _YES.pattern, re.IGNORECASE)  # "oh yes, but not ..."
_NO = re.compile(
    r"\b(?:no|not|never|wrong|wait|stop|(?:do|does|is|was|ca|wo|would)n['’]t)\b", re.IGNORECASE
)
_ASKS = re.compile(r"\?|\b(?:confirm|let me know|tell me|say yes)\b", re.IGNORECASE)
_REFUSES = re.compile(
    r"\b(?:unfortunately|cannot|can['’]t|unable|won['’]t be able"
    r"|not (?:able|allowed|possible|eligible|permitted|available))\b",
    re.IGNORECASE,
)
_CONDITIONS = re.compile(
    r"\b(?:if|unless|otherwise|only|except|without|at most|at least|up to|maximum|budget|limit"
    r"|exceeds?|instead|rather|prefer\w*|cheap\w*|first|remaining|rest)\b",
    re.IGNORECASE,
)
_CHANGES = re.compile(
    r"\b(?:actually|wait|instead|rather|never ?mind|on second thou?ghts?|chang(?:e|ed) my mind)\b",
    re.IGNORECASE,
)


class Conduct:
    """A conversation read up to now. Each text costs time by its length, whatever came before."""

    __slots__ = (
        "_agent",
        "_agent_texts",
        "_agreed",
        "_answered",
        "_asking",
        "_caller",
        "_caller_texts",
        "_changes",
        "_conditions",
        "_done",
        "_errors",
        "_failed",
        "_insisted",
        "_open",
        "_refusals",
        "_refused",
        "_shown",
        "_shown_ids",
        "_turns",
    )

    def __init__(self) -> None:
        self._caller, self._agent, self._shown = Named(), Seen(), Seen()
        self._caller_texts: deque[dict[str, None]] = deque(maxlen=2)
        self._agent_texts: deque[dict[str, None]] = deque(maxlen=2)
        self._turns = self._conditions = self._changes = self._insisted = 0
        self._refusals = self._errors = 0
        self._refused = self._asking = self._agreed = False
        self._answered = self._shown_ids = False
        self._open: dict[str, tuple[str, str]] = {}
        self._failed: dict[str, int] = {}
        self._done: dict[tuple[str, str], None] = {}

    def caller(self, text: str, known: Iterable[tuple[str, str]] = ()) -> None:
        """The caller said something; `known` names and values were understood from it or before."""
        text = text[:LONGEST_TEXT]
        self._turns += 1
        said = words(text)
        self._caller.add(said)
        for name, value in known:
            self._caller.add(words(f"{name} {value}"))
        self._caller_texts.append(said)
        self._conditions += len(_CONDITIONS.findall(text))
        self._changes += len(_CHANGES.findall(text))
        agrees = bool(_YES_FIRST.match(text) or (_YES.search(text) and not _NO.search(text)))
        self._insisted += self._refused and not agrees
        self._agreed = self._asking and agrees
        self._answered = True
        self._refused = False

    def agent(
        self, text: str, *, asks: bool = False, refuses: bool = False, again: bool = False
    ) -> None:
        """The agent said something, or (`again`) its latest words were in truth these."""
        text = text[:LONGEST_TEXT]
        said = words(text)
        if again and self._agent_texts:
            self._agent_texts[-1] = said
            if self._answered:
                return  # the caller's answer stands, to whatever they heard
            self._refusals -= self._refused
        else:
            if self._agent_texts:
                self._agent.add(self._agent_texts[-1])  # now it can no longer be cut short
            self._agent_texts.append(said)
        self._answered = False
        self._refused = refuses or bool(_REFUSES.search(text))
        self._refusals += self._refused
        self._asking = asks or bool(_ASKS.search(text))
        if self._asking:
            self._agreed = False  # to something that was asked before

    def proposed(self, action_id: str, name: str, arguments: Mapping[str, object]) -> None:
        """The agent wants to do or look up something."""
        self._open[action_id] = (name, _key(details(arguments)))
        _trim(self._open, OPEN)

    def finished(self, action_id: str, name: str, *, ok: bool, result: str) -> None:
        """It was tried; `result` is what came back, as far as it is known."""
        _, key = self._open.pop(action_id, (name, ""))
        returned = words(result)
        self._shown.add(returned)
        if ok:
            self._shown_ids = self._shown_ids or any(map(is_id, returned))
            self._done[name, key] = None
            _trim(self._done, TRIED)
        else:
            self._errors += 1
            self._failed[name] = self._failed.pop(name, 0) + 1
            _trim(self._failed, TRIED)

    def facts(
        self, name: str, arguments: Mapping[str, object], amount: float | None = None
    ) -> tuple[float, ...]:
        """What can be said of a proposal now, by `CODES`, each 0..1.

        `amount`: which of the arguments' texts is the sum of money, where the caller of this knows.
        """
        found = details(arguments)
        values = [value for of_name in found.values() for value in of_name]
        if amount is not None:
            texts = (plain(amount), f"{amount:.2f}", str(amount))
            values = [amount if value in texts else value for value in values]
        ids = [value.lower() for value in values if isinstance(value, str) and is_id(value)]
        figures = [figure for value in values if (figure := number(value)) is not None]
        unspoken = sum(
            not self._caller.names(each) and not any(map(self._caller.says, of_name))
            for each, of_name in found.items()
        )
        recent = dict.fromkeys(
            word for text in (*self._agent_texts, *self._caller_texts) for word in text
        )
        unlisted = sum(
            not any(all(part in recent for part in parts_of(value)) for value in of_name)
            for of_name in found.values()
        )
        failed = self._failed.get(name, 0)
        by_code = {
            "many_details": _log_share(len(found) - 1, 11),
            "unspoken_details": _log_share(unspoken, 7),
            "figures": min(len(figures), 4) / 4,
            "unsaid_amount": float(any(map(self._unsaid, figures))),
            "invented_id": float(self._shown_ids and any(map(self._invented, ids))),
            "unlisted_details": _log_share(unlisted, 7),
            "unconfirmed": float(not self._agreed),
            "failed_before": min(failed, 2) / 2,
            "tool_errors": min(self._errors - failed, 2) / 2,
            "repeated": float((name, _key(found)) in self._done),
            "refused_before": min(self._refusals, 2) / 2,
            "insisted": min(self._insisted, 2) / 2,
            "conditions": _log_share(self._conditions, 15),
            "changed_mind": min(self._changes, 2) / 2,
            "long_talk": _log_share(self._turns, 30),
        }
        return tuple(by_code[code] for code in CODES)

    def _told(self, word: str) -> bool:
        return word in self._agent or any(word in text for text in self._agent_texts)

    def _unsaid(self, figure: float) -> bool:
        written = plain(abs(figure))
        return (
            abs(figure) >= SMALLEST_AMOUNT
            and written not in self._caller
            and not self._told(written)
        )

    def _invented(self, key: str) -> bool:
        # A machine's key (with underscores) is meant whole; people say others in pieces ("HAT 266").
        if "_" not in key and self._caller.says(key):
            return False
        pieces = [key] if "_" in key else parts_of(key)
        told = self._told(key) or (bool(pieces) and all(map(self._told, pieces)))
        return not told and key not in self._caller and key not in self._shown


def _key(found: Mapping[str, Sequence[object]]) -> str:
    """What an action is about: its first id, or else its first value."""
    values = [value for of_name in found.values() for value in of_name]
    ids = [value for value in values if isinstance(value, str) and is_id(value)]
    return str((ids or values or [""])[0])[:100].lower()


def _log_share(count: int, most: int) -> float:
    """0 for none, 1 for `most` or more; the first ones weigh most."""
    return min(1.0, math.log1p(max(count, 0)) / math.log1p(most))


def _trim(known: dict[Any, Any], most: int) -> None:
    while len(known) > most:
        del known[next(iter(known))]
