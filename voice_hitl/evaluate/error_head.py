"""The weights of *q* that the intent's signals have, fitted on public data: named turns, right or wrong.

The model of live calls is trained on one part of a set and judges another; a wrong intent is a wrong answer.
What such data cannot show (sound, repeats, tools, ...) keeps its prior weight. Outside turns count as 5 % of
a set, and the sets count alike. Run it as `python -m voice_hitl.evaluate.error_head`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from sklearn.metrics import log_loss, roc_auc_score

from handoff.events import IntentFacts
from handoff.fitting import fit_head
from handoff.risk import SHIPPED, Head
from handoff.signals import CODES, intent
from voice_hitl.agent.nlu import IntentModel, Ranking
from voice_hitl.agent.text import plain
from voice_hitl.evaluate.files import read_rows
from voice_hitl.evaluate.folds import DATA, runs
from voice_hitl.evaluate.intents import Line, examples_of, outside_of
from voice_hitl.evaluate.selective import Floats, mix_weights

FROM_INTENTS = ("low_intent_confidence", "ambiguous_intent", "novel_request")
WEIGHT = 1000.0  # of each set, in labels: none outweighs the others by its size


class Judged:
    """Turns of one set as the live model read them."""

    def __init__(
        self, name: str, train: Sequence[Line], valid: Sequence[Line], test: Sequence[Line]
    ) -> None:
        known = examples_of(train)
        first = 1 + max(each.group for each in known)
        model = IntentModel(known, held=examples_of(valid, first))
        ranked = [model.rank(plain(row.text)) for row in test]
        self.name = name
        self.troubles: Floats = np.array([_troubles(each) for each in ranked])
        self.wrong: Floats = np.array(
            [float(r.top != row.intent) for r, row in zip(ranked, test, strict=True)]
        )
        weights = mix_weights(outside_of(test))
        self.weights: Floats = weights * WEIGHT / weights.sum()


def _troubles(found: Ranking) -> list[float]:
    facts = IntentFacts(
        found.top, found.probability, found.margin, found.novelty, found.disagreement
    )
    by_code = dict.fromkeys(CODES, 0.0)
    by_code["low_intent_confidence"] = intent.unsure(facts)
    by_code["ambiguous_intent"] = intent.ambiguous(facts)
    by_code["novel_request"] = intent.novel(facts)
    return list(by_code.values())


def fit_error(sets: Sequence[Judged], prior: Head) -> Head:
    """Fit *q* on all sets at once, towards a prior."""
    return fit_head(
        np.vstack([each.troubles for each in sets]),
        np.concatenate([each.wrong for each in sets]),
        prior=prior,
        weights=np.concatenate([each.weights for each in sets]),
    )


def figures(head: Head, judged: Judged) -> tuple[float, float]:
    """AUC and log loss of a head on one set."""
    p = np.array([head.probability(row) for row in judged.troubles])
    return (
        float(roc_auc_score(judged.wrong, p, sample_weight=judged.weights)),
        float(log_loss(judged.wrong, p, sample_weight=judged.weights)),
    )


def main(data: Annotated[Path, typer.Option(help="folder of the public data")] = DATA) -> None:
    """Fit q on CLINC150, MultiDoGO insurance and banking77; print the weights and how good they are."""
    console = Console()
    sets = []
    for name, train, held in (
        ("clinc150", "clinc150/train.jsonl", "clinc150/valid.jsonl"),
        ("multidogo", "multidogo/insurance_train.jsonl", "multidogo/insurance_valid.jsonl"),
        ("banking77", "banking77/train.jsonl", None),
    ):
        rows = read_rows([data / train], Line)
        if held is None:
            parts = [test for _, test in runs(rows, 5)]
            rows, valid, test = [row for part in parts[2:] for row in part], parts[0], parts[1]
        else:
            valid, test = (part for _, part in runs(read_rows([data / held], Line), 2))
        console.print(f"reading {name} ...")
        sets.append(Judged(name, rows, valid, test))
    fitted = fit_error(sets, SHIPPED.error)
    weights = dict(zip(CODES, fitted.weights, strict=True))
    console.print(fitted.intercept, {code: weights[code] for code in FROM_INTENTS})
    for judged in sets:
        others = [each for each in sets if each is not judged]
        for words, head in (
            ("shipped", SHIPPED.error),
            ("fitted on the others", fit_error(others, SHIPPED.error)),
            ("fitted on all", fitted),
        ):
            auc, loss = figures(head, judged)
            console.print(f"{judged.name}: {words}: AUC {auc:.3f}, log loss {loss:.3f}")


if __name__ == "__main__":
    typer.run(main)
