from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from handoff.acts.forest import flatten


@pytest.mark.parametrize("leaf", [1, 20])
def test_it_says_what_the_fitted_forest_says(leaf: int) -> None:
    random = np.random.default_rng(3)
    x = random.uniform(size=(300, 5)).astype(np.float32)
    y = x[:, 0] + x[:, 1] * x[:, 2] > random.uniform(0, 1.5, 300)
    theirs = RandomForestClassifier(n_estimators=12, min_samples_leaf=leaf, random_state=0)
    theirs.fit(x, y)
    ours = flatten(theirs)
    seen = np.vstack([x[:50], random.uniform(-1, 2, (50, 5)).astype(np.float32)])
    assert np.allclose([ours(row) for row in seen], theirs.predict_proba(seen)[:, 1], atol=1e-12)


def test_a_forest_of_stumps_without_a_split_says_the_share() -> None:
    x = np.zeros((10, 2), dtype=np.float32)
    y = np.array([True] * 3 + [False] * 7)
    ours = flatten(RandomForestClassifier(n_estimators=2, bootstrap=False).fit(x, y))
    assert ours.depth == 0
    assert ours(x[0]) == pytest.approx(0.3)
