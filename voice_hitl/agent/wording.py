"""What the agent says: templates filled in, and wording that varies without chance."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from voice_hitl.agent.corpus import PLACEHOLDER

_ENDS = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'])")


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put values into `{name}` placeholders; an unknown name stays as it is."""
    return PLACEHOLDER.sub(lambda match: values.get(match.group(1), match.group(0)), text)


def names_in(text: str) -> list[str]:
    """The placeholder names of a template, in order."""
    return PLACEHOLDER.findall(text)


def sentences(text: str) -> list[str]:
    """Split a reply into the sentences that are spoken one by one."""
    return [part for part in _ENDS.split(text.strip()) if part]


class Wording:
    """Chooses among variants: each key's first, then its second, and so on, round and round."""

    def __init__(self) -> None:
        self._used: Counter[str] = Counter()

    def choose(self, key: str, variants: Sequence[str]) -> str:
        """The next variant of a key."""
        text = variants[self._used[key] % len(variants)]
        self._used[key] += 1
        return text
