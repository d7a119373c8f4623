"""What callers say in a language whatever they call about: the shared part of every pack."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from voice_hitl.agent.spec import ActName, Spec, Text
from voice_hitl.agent.text import Tokens, plain, tokens
from voice_hitl.agent.yaml_source import YamlSource
from voice_hitl.errors import PackError

FOLDER = Path(__file__).parent
Phrases = Annotated[tuple[Text, ...], Field(min_length=1)]


class ActExamples(Spec):
    """How a turn of conversation sounds."""

    label: Text
    examples: Annotated[tuple[Text, ...], Field(min_length=10)]


class LanguageSpec(Spec):
    """One language file."""

    yes: Phrases
    no: Phrases
    corrections: Phrases
    unknown: Phrases
    unfinished: Phrases
    polite: Phrases
    resolved: Phrases
    resume: Phrases
    emergency: Phrases
    acts: dict[ActName, ActExamples]
    not_person: Phrases
    frustration: Phrases
    elsewhere: Phrases


@dataclass(frozen=True, slots=True)
class Language:
    """A language file, ready to match: phrases as tokens, longest first."""

    spec: LanguageSpec
    yes: tuple[Tokens, ...]
    no: tuple[Tokens, ...]
    corrections: tuple[Tokens, ...]
    unknown: tuple[Tokens, ...]
    polite: tuple[Tokens, ...]
    resolved: tuple[Tokens, ...]
    resume: tuple[Tokens, ...]
    emergency: tuple[Tokens, ...]
    unfinished: frozenset[Tokens]


def available() -> tuple[str, ...]:
    """Codes of the languages there are."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


@lru_cache(maxsize=8)
def load_language(code: str) -> Language:
    """Read a language. Raises `PackError` when there is none of that code."""
    if code not in available():
        raise PackError(f"no language '{code}'; there are: {', '.join(available())}")
    spec = YamlSource(FOLDER / f"{code}.yaml").validate(LanguageSpec)
    return Language(
        spec=spec,
        yes=phrases(spec.yes),
        no=phrases(spec.no),
        corrections=phrases(spec.corrections),
        unknown=phrases(spec.unknown),
        polite=phrases(spec.polite),
        resolved=phrases(spec.resolved),
        resume=phrases(spec.resume),
        emergency=phrases(spec.emergency),
        unfinished=frozenset(tokens(text) for text in spec.unfinished),
    )


def phrases(texts: tuple[str, ...]) -> tuple[Tokens, ...]:
    """Texts as the models see them, longest first, so that "no thanks" wins over "no"."""
    return tuple(sorted({plain(text) for text in texts}, key=lambda each: (-len(each), each)))
