"""Small generated catalogues whose products' true similarity is known, for tests and examples."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from likewise.data.catalogue import SPLITS, ProductData
from likewise.data.images import image_dataset
from likewise.data.memory import check_image_size, check_memory
from likewise.data.relevance import Events, Groups, Pairs
from likewise.data.splits import stratified_sample
from likewise.errors import LikewiseError

# The latent attributes of products: each value with the words that shops use for it.
LATENTS: dict[str, list[list[str]]] = {
    "kind": [
        ["mug", "cup", "beaker"],
        ["lamp", "light", "luminaire"],
        ["cushion", "pillow"],
        ["rug", "carpet", "mat"],
        ["clock", "timepiece"],
        ["bag", "tote", "carrier"],
    ],
    "brand": [["Alder"], ["Birk"], ["Cyra"], ["Dorn"], ["Esk"]],
    "colour": [
        ["red", "crimson", "scarlet"],
        ["green", "emerald"],
        ["blue", "navy", "azure"],
        ["yellow", "golden"],
        ["purple", "violet", "lilac"],
        ["orange", "tangerine"],
        ["white", "ivory"],
        ["black", "ebony"],
    ],
    "size": [["small", "mini", "compact"], ["medium", "regular"], ["large", "big", "XL"]],
    "shape": [["round", "circular"], ["square"], ["triangular"], ["diamond", "rhombic"], ["cross"]],
}
COUNTS = [len(values) for values in LATENTS.values()]
# The weight of each latent attribute in the similarity.
WEIGHTS = np.array([0.35, 0.15, 0.2, 0.1, 0.2])

COLOURS = np.array(
    [
        [200, 40, 40],
        [40, 160, 70],
        [40, 70, 200],
        [230, 210, 50],
        [140, 60, 170],
        [240, 140, 40],
        [245, 245, 235],
        [25, 25, 30],
    ],
    np.float64,
)
KIND_PRICES = np.array([8.0, 35.0, 15.0, 80.0, 45.0, 25.0])
SHARES = {"train": 0.6, "validation": 0.2, "test": 0.2}


@dataclass(frozen=True)
class Synthetic:
    """Generates offers of designs: a group is a design, and its products are offers of it.

    A design is a value of each of ``LATENTS``. An offer has a title and a description with any of
    the words for these values, a picture (the kind is its pattern, the brand a mark in a corner)
    shifted and under noise, attributes, a price and reviews. With these come pairs (half of them
    offers of one design; of the others half differ as little as the split allows) and events
    (people with tastes for latent values look at one product after another). Everything is a
    function of the arguments.

    Args:
        products: number of offers, spread evenly over the designs.
        groups: number of designs, all different.
        image_size: side of the pictures in pixels.
        users: number of users. The last event of each user is for test, the one before for
            validation.
        events: number of events of each user, at least 3.
        split_by: ``product``: each split has offers of every design; ``group``: it has designs of
            its own.
        seed: seed of all random draws.
    """

    products: int = 300
    groups: int = 30
    image_size: int = 32
    users: int = 60
    events: int = 10
    split_by: Literal["product", "group"] = "product"
    seed: int = 0

    def load(self) -> ProductData:
        """Generate the catalogue."""
        self._check()
        latents, rows = self.latents(), np.arange(self.products)
        group = rows % self.groups
        splits = self._splits(group)
        digest = hashlib.sha256(repr(sorted(asdict(self).items())).encode())
        catalogue = image_dataset(
            {"product_id": [f"offer-{row}" for row in rows], **_texts(latents, self._draws(1))},
            _pictures(latents, self.image_size, self._draws(2)),
        )
        designs = latents[: self.groups]
        names = [f"{' '.join(_plain(design))} ({number})" for number, design in enumerate(designs)]
        return ProductData(
            catalogue,
            splits,
            digest.hexdigest()[:16],
            relevance=(
                self._pairs(group, splits),
                Groups.of(group, names, splits),
                self._events(latents),
            ),
        )

    def latents(self) -> np.ndarray:
        """What each product is, int64 [products, 5]: places in the values of ``LATENTS``."""
        self._check()
        chosen = self._draws(0).choice(int(np.prod(COUNTS)), self.groups, replace=False)
        designs = np.stack(np.unravel_index(chosen, COUNTS), axis=1)
        return designs[np.arange(self.products) % self.groups].astype(np.int64)

    def true_similarity(self, rows_a: np.ndarray, rows_b: np.ndarray) -> np.ndarray:
        """The weighted share of latent attributes that two products have in common.

        Args:
            rows_a, rows_b: int64 [a] and [b], rows of the catalogue.

        Returns:
            float64 [a, b], 1 for products of one group and less for all others.
        """
        latents = self.latents()
        return (latents[rows_a][:, None] == latents[rows_b][None]) @ WEIGHTS

    def _check(self) -> None:
        designs = int(np.prod(COUNTS))
        if not 3 <= self.groups <= designs:
            raise LikewiseError(f"data.groups={self.groups} must lie between 3 and {designs}")
        # So that each split has two products of each of its groups, and something to find.
        least = (10 if self.split_by == "product" else 2) * self.groups
        if self.products < least:
            raise LikewiseError(
                f"data.products={self.products} must be at least {least} for {self.groups} groups"
            )
        if self.split_by not in ("product", "group"):
            raise LikewiseError(f"data.split_by={self.split_by} must be product or group")
        for key, least in (("users", 1), ("events", 3), ("seed", 0)):
            if getattr(self, key) < least:
                raise LikewiseError(f"data.{key}={getattr(self, key)} must be at least {least}")
        check_image_size(self.image_size, least=8)
        # Pictures twice, the likeness of training products to each other, the noise of choices.
        check_memory(
            2 * self.products * 3 * self.image_size**2
            + 8 * len(COUNTS) * (SHARES["train"] * self.products) ** 2
            + 16 * self.users * self.events * self.products,
            f"data.products={self.products} with data.image_size={self.image_size}, "
            f"data.users={self.users} and data.events={self.events}",
            "make one of these smaller",
        )

    def _draws(self, part: int) -> np.random.Generator:
        """Each part has draws of its own, so that more users do not change the pictures."""
        return np.random.default_rng([self.seed, part])

    def _splits(self, group: np.ndarray) -> dict[str, np.ndarray]:
        if self.split_by == "group":
            order = self._draws(3).permutation(self.groups)
            later = [max(1, round(SHARES[name] * self.groups)) for name in ("validation", "test")]
            parts = np.split(order, [self.groups - sum(later), self.groups - later[1]])
            return {
                name: np.flatnonzero(np.isin(group, part))
                for name, part in zip(SPLITS, parts, strict=True)
            }
        rest, splits = np.arange(self.products), {}
        for name in ("test", "validation"):
            size = round(SHARES[name] * self.products)
            splits[name] = rest[stratified_sample(group[rest], size, self.seed)]
            rest = np.setdiff1d(rest, splits[name])
        return {"train": rest, "validation": splits["validation"], "test": splits["test"]}

    def _pairs(self, group: np.ndarray, splits: dict[str, np.ndarray]) -> Pairs:
        """For each product of a split two pairs at most: one match, and one that is none."""
        draws = self._draws(4)
        found: list[tuple[int, int, int]] = []
        places: dict[str, np.ndarray] = {}
        for name, rows in splits.items():
            start = len(found)
            likeness = self.true_similarity(rows, rows)
            for place, row in enumerate(rows):
                same = group[rows] == group[row]
                matches = rows[same & (rows > row)]
                if len(matches):
                    found.append((row, draws.choice(matches), 1))
                others = np.flatnonzero(~same)
                if place % 2:
                    best = likeness[place, others].max()
                    others = others[likeness[place, others] > best - 1e-9]
                if len(others):
                    found.append((row, rows[draws.choice(others)], 0))
            places[name] = np.arange(start, len(found))
        left, right, labels = np.array(found, np.int64).T
        return Pairs(left, right, labels, places)

    def _events(self, latents: np.ndarray) -> Events:
        from datasets import Dataset

        draws = self._draws(5)
        # A taste is a liking for each value of each latent; Gumbel noise makes a choice by softmax.
        liking = np.zeros((self.users, self.products))
        for place, count in enumerate(COUNTS):
            liking += draws.normal(0, 1.5, (self.users, count))[:, latents[:, place]]
        noisy = liking[:, None] + draws.gumbel(size=(self.users, self.events, self.products))
        product = noisy.argmax(axis=2)
        lead = np.take_along_axis(liking, product, axis=1) - liking.mean(axis=1, keepdims=True)
        events = Dataset.from_dict(
            {
                "user": np.repeat(np.arange(self.users), self.events),
                "product": product.ravel(),
                "time": np.tile(np.arange(self.events), self.users),
                "rating": np.clip(np.rint(3 + lead / 2), 1, 5).ravel(),
            }
        )
        last = np.arange(1, self.users + 1) * self.events - 1
        rest = np.setdiff1d(np.arange(self.users * self.events), [*last, *(last - 1)])
        return Events(events, {"train": rest, "validation": last - 1, "test": last})


def _plain(latent: np.ndarray) -> list[str]:
    """The first word for each latent value."""
    return [values[value][0] for values, value in zip(LATENTS.values(), latent, strict=True)]


def _texts(latents: np.ndarray, draws: np.random.Generator) -> dict[str, list]:
    """Return all columns except the picture, with one value per product."""
    columns: dict[str, list] = {
        name: []
        for name in (
            "title",
            "description",
            "brand",
            "category",
            "price",
            "attributes",
            "reviews",
        )
    }
    for latent in latents:
        kind, brand, colour, size, shape = (
            str(draws.choice(values[value]))
            for values, value in zip(LATENTS.values(), latent, strict=True)
        )
        plain = dict(zip(LATENTS, _plain(latent), strict=True))
        titles = (
            f"{brand} {colour} {kind} {shape} {size}",
            f"{size.capitalize()} {shape} {kind} in {colour} by {brand}",
            f"{colour.capitalize()} {kind}, {brand}, {shape}, {size}",
        )
        descriptions = (
            f"This {kind} from {brand} is {shape} and comes in {colour}. Size: {size}.",
            f"A {size} {kind} of {shape} design. Colour {colour}, made by {brand}.",
            f"{brand} makes this {colour} {kind}; it is {shape} and {size}.",
        )
        price = KIND_PRICES[latent[0]] * (1 + 0.3 * latent[3]) * (1 + 0.1 * latent[1])
        columns["title"].append(str(draws.choice(titles)))
        columns["description"].append(str(draws.choice(descriptions)))
        columns["brand"].append(brand)
        columns["category"].append(plain["kind"])
        columns["price"].append(round(float(price * draws.uniform(0.9, 1.1)), 2))
        columns["attributes"].append(
            [{"name": name, "value": plain[name]} for name in ("colour", "size", "shape")]
        )
        columns["reviews"].append(
            [
                str(
                    draws.choice(
                        [f"I like the {colour} {kind}.", f"A {size} {kind}, as told.", "Not bad."]
                    )
                )
                for _ in range(draws.integers(0, 3))
            ]
        )
    return columns


def _pictures(latents: np.ndarray, size: int, draws: np.random.Generator) -> np.ndarray:
    """uint8 [n, 3, size, size]: a shape in its colour and pattern on a noisy ground."""
    images = np.empty((len(latents), 3, size, size), np.uint8)
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, size)] * 2, indexing="ij"))
    for row, (kind, brand, colour, width, shape) in enumerate(latents):
        y, x = grid - draws.uniform(-0.15, 0.15, (2, 1, 1))
        radius = (0.45, 0.6, 0.75)[width]
        inside = (
            np.hypot(x, y) < radius,
            np.maximum(abs(x), abs(y)) < radius * 0.9,
            (abs(x) < (y + radius) / 2) & (y < radius),
            abs(x) + abs(y) < radius * 1.2,
            (np.minimum(abs(x), abs(y)) < radius / 3) & (np.maximum(abs(x), abs(y)) < radius),
        )[shape]
        wave = 4 * np.pi
        pattern = (
            np.ones_like(x),
            np.sin(wave * x),
            np.sin(wave * y),
            np.sin(wave * x) * np.sin(wave * y),
            np.sin(wave * (x + y)),
            np.sin(wave * np.hypot(x, y)),
        )[kind]
        ink = COLOURS[colour][:, None, None] * np.where(pattern >= 0, 1.0, 0.6)
        picture = np.where(inside, ink, 150.0)
        mark = (grid[0] > 0.8) & (grid[1] < -1 + 0.3 * (brand + 1))
        picture = np.where(mark, 60.0, picture) + draws.normal(0, 12, picture.shape)
        images[row] = np.clip(np.rint(picture), 0, 255)
    return images
