"""Recommendation metrics compared with those of cornac 3.0, an independent implementation.

Cornac has dependencies of its own, so the check has two steps, each in its environment:

    LIKEWISE_DATA=... python scripts/check_against_cornac.py export FILE.npz     # with likewise
    python scripts/check_against_cornac.py check FILE.npz                        # with cornac 3.0

The data are the Amazon HIN ratings, each user's last product left out; test products that nobody
had in training are left out on both sides, as cornac leaves them out. EASE^R is fitted by both.
Cornac's item-kNN averages ratings, which is another model, so that it ranks by our scores there.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

L2 = 300.0
K = 20


def export(path: Path) -> None:
    """Write the events of both sides and our scores and metrics."""
    from likewise.data.relevance import Events
    from likewise.data.sources.amazon_hin import AmazonHin
    from likewise.metrics.recommendation import Recommended
    from likewise.metrics.recommended_hits import HitRateAtK, RecommendationRecallAtK
    from likewise.metrics.recommended_ranks import RecommendationMRR, RecommendationNDCGAtK
    from likewise.recommenders.catalogue_order import CatalogueOrder
    from likewise.recommenders.counts.item_knn import ItemKnn
    from likewise.recommenders.linear.ease import Ease
    from likewise.tasks.catalogue_ranking import without

    data = AmazonHin(split_by="last").load()
    events, size = data.get(Events), len(data.catalogue)
    train = np.sort(np.concatenate([events.splits["train"], events.splits["validation"]]))
    test = events.splits["test"]
    test = test[np.isin(events.product[test], events.product[train])]
    seen = set(zip(events.person[train].tolist(), events.product[train].tolist(), strict=True))
    pairs = zip(events.person[test].tolist(), events.product[test].tolist(), strict=True)
    test = test[[pair not in seen for pair in pairs]]
    users = np.unique(events.person[test])
    histories = events.histories(train, users)
    everybody = events.histories(train, events.persons(train))
    import torch

    person = torch.from_numpy(np.searchsorted(users, events.person[test]))
    product = torch.from_numpy(events.product[test])
    order = CatalogueOrder(size)
    metrics = {
        "HitRate": HitRateAtK(K),
        "Recall": RecommendationRecallAtK(K),
        "NDCG": RecommendationNDCGAtK(K),
        "MRR": RecommendationMRR(),
    }
    found: dict[str, np.ndarray] = {}
    for name, recommender in {"EASE": Ease(l2=L2), "ItemKNN": ItemKnn(shrinkage=0.0)}.items():
        recommender.fit(everybody, data, 0)
        scores = recommender.scores(histories)
        ranks = order.ranks(without(scores, histories), person, product)
        lists = order.top(without(scores, histories), K).numpy()
        ranked = Recommended(lists, person.numpy(), ranks.numpy(), np.ones(size), _none(size))
        found[f"{name} scores"] = scores.numpy()
        found[f"{name} metrics"] = np.array([metric(ranked) for metric in metrics.values()])
    np.savez(
        path,
        names=list(metrics),
        users=users,
        train=np.stack([events.person[train], events.product[train]]),
        test=np.stack([events.person[test], events.product[test]]),
        **found,
    )


def _none(size: int) -> object:
    from scipy.sparse import csr_matrix

    return csr_matrix((size, 0))


def check(path: Path) -> None:
    """Print our metrics, cornac's and the difference."""
    import cornac
    from cornac.data import Dataset
    from cornac.eval_methods import BaseMethod

    saved = np.load(path)
    train, test = ([(u, i, 1.0) for u, i in saved[name].T.tolist()] for name in ("train", "test"))
    method = BaseMethod.from_splits(
        train_data=train, test_data=test, exclude_unknowns=True, rating_threshold=0.5, verbose=False
    )
    data: Dataset = method.train_set

    class Ours(cornac.models.Recommender):
        """Ranks by scores that are given."""

        def __init__(self, name: str, scores: np.ndarray) -> None:
            super().__init__(name)
            self.given = scores

        def score(self, user_idx: int, item_idx: int | None = None) -> np.ndarray:
            user, row = list(data.user_ids)[user_idx], self.given
            place = int(np.searchsorted(saved["users"], user))
            return row[place][np.array(list(data.item_ids))]

    models = [
        cornac.models.EASE(name="EASE", lamb=L2, posB=False, verbose=False),
        Ours("EASE, our scores", saved["EASE scores"]),
        Ours("ItemKNN, our scores", saved["ItemKNN scores"]),
    ]
    names = [str(name) for name in saved["names"]]
    metrics = [
        cornac.metrics.HitRatio(k=K),
        cornac.metrics.Recall(k=K),
        cornac.metrics.NDCG(k=K),
        cornac.metrics.MRR(),
    ]
    print("| model | metric | ours | cornac | difference |\n|---|---|---|---|---|")
    for model in models:
        ours = saved[f"{model.name.split(',')[0]} metrics"]
        theirs = []
        # One by one: beside a metric of the first 20, cornac does not sort what the MRR needs.
        for metric in metrics:
            result, _ = method.evaluate(model=model, metrics=[metric], user_based=True)
            theirs.append(result.metric_avg_results[metric.name])
        for name, mine, other in zip(names, ours, theirs, strict=True):
            print(f"| {model.name} | {name} | {mine:.6f} | {other:.6f} | {mine - other:+.1e} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=["export", "check"])
    parser.add_argument("file", type=Path)
    options = parser.parse_args()
    (export if options.step == "export" else check)(options.file)
