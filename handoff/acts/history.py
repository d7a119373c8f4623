"""What is remembered of a call's dialogue acts, and the facts that it makes of them at a caller's turn.

No act has a meaning here: names are only counted, so any vocabulary will do. Acts and entities that were rare
or absent in the training calls are all one, `RARE`; memory and time of a turn are therefore bounded by the
vocabulary and never grow with the call.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Act = Mapping[str, Any]  # {act: str, entities: [str]}
Fact = tuple[str, ...]  # a kind, and what it is about

RARE = "rare"
LAGS = 4  # turns that are remembered one by one
FADING = 0.8  # what is left of an act's weight one turn later
CAP = 20.0  # counts above are as high as it gets
AGE: Fact = ("turns",)


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn: its acts as a set, and its tokens (acts, then entities), each once."""

    acts: tuple[str, ...]
    tokens: tuple[str, ...]


@dataclass(slots=True)
class _Seen:
    """One token's past."""

    count: int = 0
    weight: float = 0.0  # a sum that fades by `FADING` a turn, as of turn `last`
    last: int = 0


def tokens(speaker: str, acts: Sequence[Act]) -> tuple[list[str], list[str]]:
    """The acts and the entities of a turn, marked with who spoke."""
    names = [f"{speaker}: {act['act']}" for act in acts]
    things = [f"{speaker} with {thing}" for act in acts for thing in act.get("entities", ())]
    return names, things


@dataclass(slots=True)
class History:
    """One call as far as it has gone; `known` are the tokens that stand for themselves."""

    known: frozenset[str]
    turns: int = 0
    _recent: deque[Turn] = field(default_factory=lambda: deque(maxlen=LAGS))
    _seen: dict[str, _Seen] = field(default_factory=dict)
    _asked: Counter[str] = field(default_factory=Counter)  # the agent's acts
    _without_news: int = 0  # the agent's turns in a row that brought no new act

    def add(self, speaker: str, acts: Sequence[Act]) -> None:
        """Take in a turn of `speaker`, "agent" or "caller"."""
        names, things = tokens(speaker, acts)
        named = sorted({self._known(speaker, ":", name) for name in names})
        held = sorted({self._known(speaker, " with", thing) for thing in things})
        self.turns += 1
        self._recent.append(Turn(tuple(named), (*named, *held)))
        if speaker == "agent":
            news = any(name not in self._asked for name in named)
            self._without_news = 0 if news else self._without_news + 1
            self._asked.update(named)
        for token in (*named, *held):
            seen = self._seen.setdefault(token, _Seen())
            seen.weight = seen.weight * FADING ** (self.turns - seen.last) + 1.0
            seen.count += 1
            seen.last = self.turns

    def facts(self, knots: Sequence[float]) -> Iterator[tuple[Fact, float]]:
        """What is so now, after a caller's turn; `knots` are the turns at which age may matter anew."""
        counts = self._asked.values()
        yield AGE, self.turns / 10
        for knot in knots:
            if self.turns > knot:
                yield ("turns", f"{knot:g}"), (self.turns - knot) / 10
        yield ("without news",), min(CAP, self._without_news)
        yield ("most repeated",), min(CAP, max(counts, default=0))
        yield ("repeated now",), self._most(2)
        yield ("said again",), self._most(1)
        yield ("different acts",), min(CAP, len(counts))
        yield ("repeats",), min(CAP, sum(counts) - len(counts))
        for lag, turn in enumerate(reversed(self._recent), start=1):
            for token in turn.tokens:
                yield ("at", str(lag), token), 1.0
        yield from self._pairs()
        for token, seen in self._seen.items():
            age = self.turns - seen.last
            yield ("count", token), math.log1p(seen.count)
            yield ("fading", token), seen.weight * FADING**age
            yield ("age", token), 1.0 / (1 + age)

    def _pairs(self) -> Iterator[tuple[Fact, float]]:
        turns = [" + ".join(turn.acts) for turn in self._recent]
        if len(turns) >= 2:
            yield ("answer", turns[-2], turns[-1]), 1.0
            for asked in self._recent[-2].acts:
                for said in self._recent[-1].acts:
                    yield ("reply", asked, said), 1.0
        if len(turns) >= 4:
            yield ("answer before", turns[-4], turns[-3]), 1.0
            yield ("next question", turns[-4], turns[-2]), 1.0

    def times(self, fact: Fact) -> int:
        """How often the act or entity that a fact is about was there; 0 for facts about anything else."""
        seen = self._seen.get(fact[-1])
        return seen.count if seen is not None and fact[0] in ("at", "count", "fading", "age") else 0

    def _most(self, lag: int) -> float:
        """How often the acts of a recent turn were there so far, at most."""
        if len(self._recent) < lag:
            return 0.0
        found = (self._seen[name].count for name in self._recent[-lag].acts)
        return min(CAP, max(found, default=0))

    def _known(self, speaker: str, mark: str, token: str) -> str:
        return token if token in self.known else f"{speaker}{mark} {RARE}"


def words(fact: Fact, times: int = 1) -> str:
    """What a fact is about, for a person; facts about one act share their words.

    `times`: how often the call has had that act, `History.times(fact)`.
    """
    kind, *about = fact
    match kind:
        case "at" | "count" | "fading" | "age":
            return _whose(about[-1]) + (f" ({times} times)" if times > 1 else "")
        case "answer" | "reply" | "answer before":
            return f"{_whose(about[1])} after {_whose(about[0])}"
        case "next question":
            return f"{_whose(about[1])} soon after {_whose(about[0])}"
        case "turns":
            return "how long the call has been going on"
        case _:
            return "the AI repeats itself"


def _whose(acts: str) -> str:
    """A token, or the acts of a turn, with whose they are."""
    speaker = "the AI's" if acts.startswith("agent") else "the caller's"
    names = []
    for token in acts.split(" + "):
        name = token.removeprefix("agent").removeprefix("caller")
        held = name.startswith(" with ")
        name = name.removeprefix(" with ").removeprefix(": ").replace("_", " ")
        name = "something unusual" if name == RARE else f'"{name}"'
        names.append(f"mention of {name}" if held else name)
    return f"{speaker} {' and '.join(names)}" if acts else "a turn without acts"
