"""What a pack says of moderation: its list of known texts, and examples that a classifier is trained on.

Both files are optional, in the pack's folder `moderation/`; see docs/packs.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from handoff.moderation import KnownTexts, TextScorer, fit_scorer, fold, held_out_scores
from voice_hitl.errors import PackError

KNOWN = "known.txt"
EXAMPLES = "examples.jsonl"
FEWEST = 50  # examples of each kind: with fewer the held-out AUC may be off by 0.1 (Hanley & McNeil 1982)
BAR = 0.80  # held-out AUC, "excellent" from here on (Hosmer & Lemeshow 2000); below it most flags are false


class Example(BaseModel):
    """A line of `examples.jsonl`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=1000)]
    violation: StrictBool


@dataclass(frozen=True, slots=True)
class ModerationData:
    """What a pack's folder `moderation/` holds."""

    known: Mapping[str, str] = field(default_factory=dict)  # fingerprint -> its name
    examples: tuple[Example, ...] = ()
    path: Path = Path("moderation")


@dataclass(frozen=True, slots=True)
class TrainedScorer:
    """A classifier, and how well others like it told apart examples that they had not seen."""

    scorer: TextScorer
    auc: float  # 0.5 (blind) .. 1


def load_moderation(pack: Path) -> ModerationData:
    """Read a pack's folder `moderation/`, if there is one. Raises `PackError` with file, line and mend."""
    folder = pack / "moderation"
    return ModerationData(_known(folder / KNOWN), _examples(folder / EXAMPLES), folder)


def train_scorer(data: ModerationData, share: float | None = None) -> TrainedScorer | None:
    """Train on the pack's examples, None where it has none; seconds of one core, so off the event loop.

    `share`: of what is really said, how much violates (`handoff.moderation.fit_scorer`). Raises `PackError`
    when what was learned is too little to be of use.
    """
    if not data.examples:
        return None
    texts = [example.text for example in data.examples]
    labels = [example.violation for example in data.examples]
    with threadpool_limits(limits=1):
        scores, right = held_out_scores(texts, labels)
        auc = float(roc_auc_score(right, scores))
        if auc < BAR:
            raise PackError(
                f"{data.path / EXAMPLES}: of two unseen examples the violation scores higher in "
                f"{auc:.0%} of cases, {BAR:.0%} are needed to be of use; add examples (harmless ones "
                "that sound alike among them) or remove the file"
            )
        return TrainedScorer(fit_scorer(texts, labels, share=share), auc)


def _known(file: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in _lines(file):
        entry, _, name = line.partition(" ")
        name = name.strip()
        if not name:
            raise PackError(f"{file}:{number}: has no name; write 'fingerprint name'")
        try:
            KnownTexts([entry])
        except ValueError as error:
            raise PackError(f"{file}:{number}: {error}") from error
        if entry in found:
            raise PackError(
                f"{file}:{number}: is in the list already, as '{found[entry]}'; remove one of them"
            )
        found[entry] = name
    return found


def _examples(file: Path) -> tuple[Example, ...]:
    found: list[Example] = []
    lines: dict[str, int] = {}
    for number, line in _lines(file):
        try:
            example = Example.model_validate(json.loads(line))
        except json.JSONDecodeError as error:
            raise PackError(
                f"{file}:{number}: is not JSON ({error.msg}); "
                'write {"text": "what is said", "violation": true}'
            ) from error
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key = ".".join(str(part) for part in first["loc"]) or "the line"
            raise PackError(
                f"{file}:{number}: {key}: {first['msg'].lower()}; "
                'write {"text": "what is said", "violation": true}'
            ) from error
        # One sentence on both sides of a split would make the classifier look better than it is.
        earlier = lines.setdefault(fold(example.text), number)
        if earlier != number:
            raise PackError(
                f"{file}:{number}: is the sentence of line {earlier} again; remove one of them"
            )
        found.append(example)
    bad = sum(example.violation for example in found)
    if found and min(bad, len(found) - bad) < FEWEST:
        raise PackError(
            f"{file}:{number}: ends with {bad} violations and {len(found) - bad} harmless examples; "
            f"write at least {FEWEST} of each, or remove the file"
        )
    return tuple(found)


def _lines(file: Path) -> list[tuple[int, str]]:
    """The lines that say something, with their numbers; none where there is no such file."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise PackError(f"{file}: cannot be read as UTF-8 text: {error}") from error
    numbered = ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1))
    return [(number, line) for number, line in numbered if line and not line.startswith("#")]
