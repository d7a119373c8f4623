"""Models as JSON values, as a learned version keeps them."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from handoff.acts import ActsForeseer, dump, load
from handoff.calibration import Isotonic
from handoff.fitting import CalibratedHead
from handoff.risk import Head, Models
from handoff.signals import CODES

HEADS = ("breakdown", "error")


def models_to_json(models: Models) -> dict[str, Any]:
    """Models as JSON values; a head's weights go by reason code, learned acts are base64."""
    heads: dict[str, Any] = {name: _head_to_json(getattr(models, name)) for name in HEADS}
    acts = {"acts": _acts_to_json(models.acts)} if isinstance(models.acts, ActsForeseer) else {}
    return heads | acts | {"source": models.source}


def models_from_json(values: Mapping[str, Any]) -> Models:
    """The models that `models_to_json` was given; reason codes that are not there weigh nothing.

    Raises `KeyError`, `TypeError` or `ValueError` for anything else.
    """
    heads = {name: _head_from_json(values[name]) for name in HEADS}
    acts = _acts_from_json(values["acts"]) if "acts" in values else None
    return Models(**heads, source=values["source"], acts=acts)


def _acts_to_json(acts: ActsForeseer) -> dict[str, Any]:
    return {
        "model": b64encode(dump(acts.model)).decode("ascii"),
        "weights": _by_code(acts.weights),
    }


def _acts_from_json(values: Mapping[str, Any]) -> ActsForeseer:
    model = load(b64decode(values["model"], validate=True))
    return ActsForeseer(model, _weights(values["weights"]))


def _head_to_json(head: Head) -> dict[str, Any]:
    found: dict[str, Any] = {"intercept": head.intercept, "weights": _by_code(head.weights)}
    if isinstance(head, CalibratedHead):
        line = head.line
        found["line"] = [list(pair) for pair in zip(line.scores, line.probabilities, strict=True)]
    return found


def _head_from_json(values: Mapping[str, Any]) -> Head:
    weights = _weights(values["weights"])
    intercept = float(values["intercept"])
    if "line" not in values:
        return Head(intercept, weights)
    scores, probabilities = zip(*values["line"], strict=True)
    line = Isotonic(tuple(float(s) for s in scores), tuple(float(p) for p in probabilities))
    return CalibratedHead(intercept, weights, line)


def _by_code(weights: tuple[float, ...]) -> dict[str, float]:
    return {code: weight for code, weight in zip(CODES, weights, strict=True) if weight}


def _weights(given: Mapping[str, Any]) -> tuple[float, ...]:
    if unknown := set(given) - set(CODES):
        raise ValueError(f"unknown reason codes: {', '.join(sorted(unknown))}")
    weights = tuple(float(given.get(code, 0.0)) for code in CODES)
    if min(weights) < 0:
        raise ValueError("a trouble cannot lower the risk: weights must not be negative")
    return weights
