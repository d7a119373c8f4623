"""A learned model as bytes and back: plain arrays and JSON, nothing that could run code when read."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from handoff.acts.forest import Forest
from handoff.acts.model import ActsModel, Linear
from handoff.calibration import Platt

FORMAT = 1
TREES = ("roots", "feature", "threshold", "left", "right", "share")


def dump(model: ActsModel) -> bytes:
    """The bytes of a model, about 0.3 MB for a thousand calls; read back it gives the same numbers."""
    facts = sorted(model.columns, key=lambda fact: model.columns[fact])
    rest = {
        "format": FORMAT,
        "known": sorted(model.known),
        "knots": model.knots,
        "facts": facts,
        "depth": model.forest.depth,
        "calibration": [model.calibration.slope, model.calibration.offset],
        "base_rate": model.base_rate,
    }
    arrays = {name: getattr(model.forest, name) for name in TREES} | {
        "ceiling": model.ceiling,
        "typical": model.typical,
        "weights": model.linear.weights,
        "offsets": model.linear.offsets,
        "rest": np.array(json.dumps(rest)),
    }
    kept = io.BytesIO()
    np.savez_compressed(kept, **arrays)
    return kept.getvalue()


def load(kept: bytes) -> ActsModel:
    """The model that `dump` made bytes of. Raises `ValueError` for other bytes and other formats."""
    try:
        with np.load(io.BytesIO(kept), allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        return _model(found, json.loads(str(found["rest"])))
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, TypeError, OSError) as error:
        raise ValueError("these bytes are no model of dialogue acts") from error


def _model(arrays: Mapping[str, Any], rest: Mapping[str, Any]) -> ActsModel:
    if rest["format"] != FORMAT:
        raise ValueError(f"a model of format {rest['format']}; this version reads {FORMAT}")
    return ActsModel(
        known=frozenset(rest["known"]),
        knots=tuple(rest["knots"]),
        columns={tuple(fact): place for place, fact in enumerate(rest["facts"])},
        ceiling=arrays["ceiling"],
        typical=arrays["typical"],
        linear=Linear(arrays["weights"], arrays["offsets"]),
        forest=Forest(**{name: arrays[name] for name in TREES}, depth=rest["depth"]),
        calibration=Platt(*rest["calibration"]),
        base_rate=rest["base_rate"],
    )
