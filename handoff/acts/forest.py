"""A forest of decision trees as flat arrays: a prediction is a few numpy steps, not a call into each tree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

Floats = NDArray[np.float64]
Places = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """All nodes of all trees in a row. A leaf leads to itself; `depth` steps reach every leaf."""

    roots: Places  # (trees,)
    feature: Places  # (nodes,)
    threshold: Floats  # (nodes,)
    left: Places
    right: Places
    share: Floats  # (nodes,) of positives
    depth: int

    def __call__(self, x: NDArray[np.float32]) -> float:
        """The mean share of positives over the leaves that `x` (features,) falls into, in [0, 1]."""
        node = self.roots
        for _ in range(self.depth):
            lower = x[self.feature[node]] <= self.threshold[node]
            node = np.where(lower, self.left[node], self.right[node])
        return float(self.share[node].mean())


def flatten(forest: RandomForestClassifier) -> Forest:
    """The arrays of a fitted two-class forest."""
    trees = [tree.tree_ for tree in forest.estimators_]
    offsets = np.cumsum([0, *(tree.node_count for tree in trees[:-1])])
    left, right = [], []
    for tree, offset in zip(trees, offsets, strict=True):
        itself = np.arange(tree.node_count)
        leaf = tree.children_left < 0
        left.append(np.where(leaf, itself, tree.children_left) + offset)
        right.append(np.where(leaf, itself, tree.children_right) + offset)
    values = np.concatenate([tree.value[:, 0, :] for tree in trees])
    return Forest(
        roots=offsets.astype(np.int32),
        feature=np.maximum(np.concatenate([tree.feature for tree in trees]), 0).astype(np.int32),
        threshold=np.concatenate([tree.threshold for tree in trees]).astype(np.float64),
        left=np.concatenate(left).astype(np.int32),
        right=np.concatenate(right).astype(np.int32),
        share=(values[:, 1] / values.sum(axis=1)).astype(np.float64),
        depth=max(tree.max_depth for tree in trees),
    )
