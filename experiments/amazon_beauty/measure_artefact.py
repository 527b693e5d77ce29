"""How much of the quality on an Amazon data set comes from the order of product numbers.

Purchases of one day seem to be stored by product number (ASIN). The script counts how often the
stored order ascends, and scores recommenders on the stored order and on orders without the number's
part. Nothing is tuned here.

    LIKEWISE_DATA=... python experiments/amazon_beauty/measure_artefact.py --hybrid
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix, diags

from likewise.data.catalogue import ProductData
from likewise.data.event_order import shuffled
from likewise.data.histories import Histories
from likewise.data.relevance import Events
from likewise.data.sources.amazon_reviews import AmazonReviews
from likewise.recommenders.history_weights import history_weights

# Of the co-occurrence: largest distance, weight of the other direction, power of the popularity;
# latest events that count, and the weight of an event relative to the one after it.
WINDOW, BACKWARD, POPULARITY, LATEST, DECAY = 10, 0.2, 0.25, 5, 0.7
Scores = Callable[[Histories], np.ndarray]


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default="beauty", help="beauty, sports or toys")
    parser.add_argument("--hybrid", action="store_true", help="score recommender=hybrid, too")
    parser.add_argument("--seeds", type=int, default=3, help="random orders of each kind")
    arguments = parser.parse_args()
    data = AmazonReviews(name=arguments.name).load()
    sequences = by_user(data)
    numbers = np.argsort(np.argsort(np.array(data.catalogue["product_id"])))
    size = len(numbers)
    count_ascending(sequences, numbers)

    print("\n| method | order | HR@10 | NDCG@10 |\n|---|---|---|---|", flush=True)
    by_order = partial(cooccurrence, size=size, numbers=None)
    by_number = partial(cooccurrence, size=size, numbers=numbers)
    report("co-occurrence, by the order", "as stored", sequences, by_order)
    report("co-occurrence, by the number", "as stored", sequences, by_number)
    for kind, seed, changed in orders(sequences, numbers, arguments.seeds):
        report("co-occurrence, by the order", f"{kind}, seed {seed}", changed, by_order)
    if arguments.hybrid:
        report("hybrid", "as stored", sequences, partial(hybrid, data=data))
        for kind, seed, changed in orders(sequences, numbers, arguments.seeds):
            report("hybrid", f"{kind}, seed {seed}", changed, partial(hybrid, data=data))


def by_user(data: ProductData) -> list[np.ndarray]:
    """The products of each user, int64, in the stored order; of users with three or more."""
    events = data.get(Events)
    user, product = events.user_codes, events.product
    starts = np.flatnonzero(np.diff(user, prepend=user[0] - 1))
    return [found for found in np.split(product, starts[1:]) if len(found) >= 3]


def count_ascending(sequences: list[np.ndarray], numbers: np.ndarray) -> None:
    """Print how often a product has a higher number than the one before it."""
    steps = [np.diff(numbers[sequence]) > 0 for sequence in sequences]
    last = np.mean([step[-1] for step in steps])
    print(f"{len(sequences)} users, {len(numbers)} products")
    print(f"ascending among all adjacent pairs: {np.concatenate(steps).mean():.4f}")
    print(f"test products above the one before: {last:.4f}")
    shuffled = np.random.default_rng(0)
    chance = [np.diff(numbers[shuffled.permutation(sequence)]) > 0 for sequence in sequences]
    print(
        f"ascending in a random order of each user's products: {np.concatenate(chance).mean():.4f}"
    )


def orders(
    sequences: list[np.ndarray], numbers: np.ndarray, seeds: int
) -> Iterator[tuple[str, int, list[np.ndarray]]]:
    """Histories in other orders; the test product stays last.

    Within runs of ascending numbers the stored order may be that of the number. Shuffling them also
    destroys what is in them of the order of time. Shuffled runs of descending numbers, which cannot
    come from the number, and shuffled histories show what that costs.
    """
    lengths = np.array([len(sequence) for sequence in sequences])
    products = np.concatenate(sequences)
    for runs in ("ascending", "descending", "all"):
        for seed in range(seeds):
            changed = shuffled(products, lengths, numbers, runs, seed)
            yield f"{runs} runs shuffled", seed, np.split(changed, np.cumsum(lengths)[:-1])


def report(
    name: str, order: str, sequences: list[np.ndarray], learn: Callable[[Histories], Scores]
) -> None:
    """Learn from all but each user's last two events; ask for the last after all others."""
    scores = learn(Histories.of([sequence[:-2] for sequence in sequences]))
    asked = Histories.of([sequence[:-1] for sequence in sequences])
    targets = np.array([sequence[-1] for sequence in sequences])
    ranks, start = [], 0
    for block in asked.blocks(512):
        ranks.append(target_ranks(scores(block), block, targets[start : start + 512]))
        start += 512
    rank = np.concatenate(ranks)
    gains = np.where(rank < 10, 1 / np.log2(rank + 2.0), 0)
    print(f"| {name} | {order} | {(rank < 10).mean():.4f} | {gains.mean():.4f} |", flush=True)


def target_ranks(scores: np.ndarray, asked: Histories, targets: np.ndarray) -> np.ndarray:
    """int64 [u], products before the target; without those of the history, ties at random."""
    tie = np.random.default_rng(0).permutation(scores.shape[1])
    scores = scores.copy()
    scores[asked.people, asked.products] = -np.inf
    own = scores[np.arange(len(targets)), targets][:, None]
    first = tie < tie[targets][:, None]
    return ((scores > own) | ((scores == own) & first)).sum(1)


def cooccurrence(train: Histories, size: int, numbers: np.ndarray | None) -> Scores:
    """Of products within a window, the ones ahead weigh more than the ones behind.

    Args:
        size: of the catalogue.
        numbers: what "ahead" is judged by: the order of the sequence (``None``) or this number.
    """
    products, people = train.products, train.people
    pairs = csr_matrix((size, size), dtype=np.float32)
    for distance in range(1, WINDOW + 1):
        same = people[distance:] == people[:-distance]
        one, other = products[:-distance][same], products[distance:][same]
        if numbers is not None:
            swap = numbers[one] > numbers[other]
            one, other = np.where(swap, other, one), np.where(swap, one, other)
        weights = np.full(len(one), distance**-0.5, np.float32)
        pairs = pairs + csr_matrix((weights, (one, other)), shape=(size, size))
    near = pairs + BACKWARD * pairs.T
    power = diags(np.maximum(np.bincount(products, minlength=size), 1.0) ** -POPULARITY)
    near = (power @ near @ power).tocsr().astype(np.float32)
    return lambda asked: (history_weights(asked, size, LATEST, DECAY) @ near).toarray()


def hybrid(train: Histories, data: ProductData) -> Scores:
    """``recommender=hybrid`` as it is configured."""
    from hydra.utils import instantiate
    from omegaconf import OmegaConf

    configs = Path(__file__).resolve().parents[2] / "configs"
    recommender = instantiate(OmegaConf.load(configs / "recommender" / "hybrid.yaml"))
    recommender.fit(train, data, 0)
    return lambda asked: recommender.scores(asked).numpy()


if __name__ == "__main__":
    main()
