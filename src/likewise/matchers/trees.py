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
            threshold, and the value of its leaf is added to its log-odds.
        initial_log_odds: float64, the log-odds to which the trees add.
    """

    feature: Tensor
    threshold: Tensor
    left: Tensor
    right: Tensor
    value: Tensor
    initial_log_odds: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name in NAMES:
            kind = torch.float64 if name in ("threshold", "value") else torch.int64
            self.register_buffer(name, torch.zeros(0, 0, dtype=kind))
        self.register_buffer("initial_log_odds", torch.zeros((), dtype=torch.float64))

    def take(self, model: Any, row: np.ndarray) -> None:
        """Copy the trees of a ``GradientBoostingClassifier`` with two classes.

        Args:
            model: the fitted classifier.
            row: float32 [1, k], any row. The initial log-odds are the log-odds that the model
                predicts for it, minus the sum of its leaves.
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
        predicted = torch.tensor(float(model.decision_function(row)[0]), dtype=torch.float64)
        self.initial_log_odds.zero_()
        self.initial_log_odds = predicted - self(torch.from_numpy(row))[0]

    def count_nodes(self) -> int:
        """Number of thresholds and leaves of all trees, without padding nodes."""
        own = torch.arange(self.left.shape[1], device=self.left.device)
        # A tree of n splits has n + 1 leaves.
        return 2 * int((self.left != own).sum()) + len(self.left)

    def forward(self, rows: Tensor) -> Tensor:
        """Return the log-odds, float64 [m], of rows, float32 [m, k]."""
        tree = torch.arange(len(self.feature), device=rows.device)
        node = tree.new_zeros(len(rows), len(tree))
        while True:
            goes_left = rows.gather(1, self.feature[tree, node]) <= self.threshold[tree, node]
            after = torch.where(goes_left, self.left[tree, node], self.right[tree, node])
            if torch.equal(after, node):
                return self.initial_log_odds + self.value[tree, node].sum(1)
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
