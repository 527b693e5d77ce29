"""Which products go with which: bought together, or chosen as accessories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from likewise.data.histories import Histories, group_events
from likewise.data.relevance.behaviour import Behaviour

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class Links(Behaviour):
    """Directed links between products, from one that is looked at to one that goes with it.

    Attributes:
        source, target: int64 [m], rows of the catalogue. A link that holds in both directions
            stands there twice.
        splits: rows (int64) of the links of each split.
    """

    source: np.ndarray
    target: np.ndarray
    splits: Mapping[str, np.ndarray]

    kind = "links between products"
    advice = "choose data that do, such as data=amazon_photo"
    unit = "link"
    columns = ("source", "target")
    product_columns = ("source", "target")
    shared = "links, in either direction"
    leads_from_product = True

    @property
    def person(self) -> np.ndarray:
        """int64 [m], the product that a link leads from, which takes the place of a person."""
        return self.source

    @property
    def product(self) -> np.ndarray:
        """int64 [m], the product that goes with it."""
        return self.target

    def person_names(self, catalogue: Dataset) -> np.ndarray:
        """[n], the ids of the products."""
        return np.array(catalogue["product_id"][:])

    def describe(self) -> list[tuple[str, str]]:
        """See ``Relevance``."""
        rows = [("links", f"{len(self):,} of {len(np.unique(self.source)):,} products")]
        return rows + [(f"{name} links", f"{len(found):,}") for name, found in self.splits.items()]

    def histories(self, rows: np.ndarray, users: np.ndarray) -> Histories:
        """What goes with each product, as if the product were a person: ``users`` are products.

        Args:
            rows: int64, of the links that are known.
            users: int64 [u], rows of the catalogue, ascending and each once.
        """
        return group_events(self.source, self.target, rows, users)

    def persons(self, rows: np.ndarray) -> np.ndarray:
        """int64, the products that some links lead from, ascending."""
        return np.unique(self.source[rows])

    def _keys(self, contents: np.ndarray) -> np.ndarray:
        """The same for both directions, so that a link does not betray its reverse."""
        sides = np.sort(np.stack([contents[self.source], contents[self.target]]), axis=0)
        return np.unique(sides, axis=1, return_inverse=True)[1].reshape(-1)
