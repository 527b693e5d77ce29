"""Trees of scikit-learn as tensors: the same log odds, and nothing but trees is loaded."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.ensemble import GradientBoostingClassifier

from likewise.matchers.trees import Trees


def grown() -> tuple[GradientBoostingClassifier, Trees]:
    """A model of scikit-learn, and its trees."""
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(500, 6)).astype(np.float32)
    labels = (rows[:, 0] * rows[:, 1] > 0.1).astype(int)
    model = GradientBoostingClassifier(n_estimators=30, max_depth=3, subsample=0.8, random_state=1)
    model.fit(rows, labels)
    trees = Trees()
    trees.take(model, rows[:1], model.decision_function(rows[:1])[0])
    return model, trees


def test_trees_say_what_scikit_learn_s_say() -> None:
    model, trees = grown()
    more = np.random.default_rng(1).normal(size=(300, 6)).astype(np.float32)
    # Exactly at a threshold a row goes left.
    more[0, :] = float(model.estimators_[0, 0].tree_.threshold[0])
    found = trees(torch.from_numpy(more)).numpy()
    np.testing.assert_allclose(found, model.decision_function(more), atol=1e-9)
    again = Trees()
    again.load_state_dict(trees.state_dict())
    np.testing.assert_array_equal(again(torch.from_numpy(more)).numpy(), found)
    nodes = sum(tree.tree_.node_count for tree in model.estimators_[:, 0])
    assert again.count_nodes() == nodes


@pytest.mark.parametrize(
    ("name", "value"), [("left", 0), ("right", 10_000), ("left", -1), ("feature", -1)]
)
def test_what_is_no_tree_is_not_loaded(name: str, value: int) -> None:
    _, trees = grown()
    state = {key: tensor.clone() for key, tensor in trees.state_dict().items()}
    # The second node of a tree: its children come behind it.
    state[name][3, 1] = value
    with pytest.raises(RuntimeError, match="do not form trees"):
        Trees().load_state_dict(state)
    state = trees.state_dict() | {"value": torch.zeros(2, 2, dtype=torch.float64)}
    with pytest.raises(RuntimeError, match="do not form trees"):
        Trees().load_state_dict(state)
