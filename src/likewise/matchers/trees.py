"""Decision trees as tensors, which are saved like other weights, without pickle."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

NAMES = ("feature", "threshold", "left", "right", "value")


class Trees(nn.Module):
    """The sum of the trees of a gradient-boosting model of scikit-learn.

    Attributes:
        feature, left, right: int64 [trees, nodes]; the split feature and the two children of each
            node. A leaf is its own child, and its feature is 0.
        threshold, value: float64 [trees, nodes]; a row goes left if its feature is at most the
            threshold, and the value of its leaf is added to its score.
        initial_score: float64, the score to which the trees add: the initial log-odds of a
            classifier.
    """

    feature: Tensor
    threshold: Tensor
    left: Tensor
    right: Tensor
    value: Tensor
    initial_score: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name in NAMES:
            kind = torch.float64 if name in ("threshold", "value") else torch.int64
            self.register_buffer(name, torch.zeros(0, 0, dtype=kind))
        self.register_buffer("initial_score", torch.zeros((), dtype=torch.float64))

    def take(self, model: Any, row: np.ndarray, score: float) -> None:
        """Copy the trees of a ``GradientBoostingClassifier`` with two classes, or of a regressor.

        Args:
            model: fitted.
            row: float32 [1, k], any row.
            score: what the model gives the row, log-odds of a classifier. The initial score is
                this score minus the sum of the leaves of the row.
        """
        trees = [grown[0].tree_ for grown in model.estimators_]
        nodes = max(tree.node_count for tree in trees)
        made = {
            name: np.zeros((len(trees), nodes), dtype=getattr(self, name).numpy().dtype)
            for name in NAMES
        }
        # Padding nodes are leaves.
        made["left"][:] = made["right"][:] = np.arange(nodes)
        for place, tree in enumerate(trees):
            own = np.arange(tree.node_count)
            leaf = tree.children_left < 0
            some = np.s_[place, : tree.node_count]
            made["feature"][some] = np.where(leaf, 0, tree.feature)
            made["threshold"][some] = tree.threshold
            made["left"][some] = np.where(leaf, own, tree.children_left)
            made["right"][some] = np.where(leaf, own, tree.children_right)
            made["value"][some] = model.learning_rate * tree.value[:, 0, 0]
        for name, values in made.items():
            setattr(self, name, torch.from_numpy(values))
        self.initial_score.zero_()
        self.initial_score = score - self(torch.from_numpy(row))[0]

    def count_nodes(self) -> int:
        """Number of thresholds and leaves of all trees, without padding nodes."""
        own = torch.arange(self.left.shape[1], device=self.left.device)
        # A tree of n splits has n + 1 leaves.
        return 2 * int((self.left != own).sum()) + len(self.left)

    def forward(self, rows: Tensor) -> Tensor:
        """Return the scores, float64 [m], of rows, float32 [m, k]: log-odds, or numbers."""
        tree = torch.arange(len(self.feature), device=rows.device)
        node = tree.new_zeros(len(rows), len(tree))
        while True:
            goes_left = rows.gather(1, self.feature[tree, node]) <= self.threshold[tree, node]
            after = torch.where(goes_left, self.left[tree, node], self.right[tree, node])
            if torch.equal(after, node):
                return self.initial_score + self.value[tree, node].sum(1)
            node = after

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        """Load trees of any number and size; refuse nodes that are not trees.

        In nodes that are not trees, ``forward`` would not end or would leave the table.
        """
        for name in NAMES:
            if (found := state_dict.get(prefix + name)) is not None:
                setattr(self, name, torch.empty_like(found))
        super()._load_from_state_dict(state_dict, prefix, *rest)
        own = torch.arange(self.left.shape[-1], device=self.left.device)
        same = len({getattr(self, name).shape for name in NAMES}) == 1
        children = torch.stack([self.left, self.right]) if same else self.left
        inside = (children >= own).all() and (children < len(own)).all()
        if not (same and inside and (self.feature >= 0).all()):
            errors: list[str] = rest[-1]
            errors.append(f"{prefix or 'trees'}: these nodes do not form trees")
