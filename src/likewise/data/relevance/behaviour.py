"""The base class of what people did: events, or links that come from them."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from likewise.data.histories import Histories
from likewise.data.relevance.base import Relevance, Units


class Behaviour(Relevance):
    """Sequences of products, each of a person or of a product that leads to them.

    Attributes:
        leads_from_product: whether a sequence belongs to a product, whose row is its user.
    """

    kind = "events of users or links between products"
    advice = "choose data that do, such as data=amazon_reviews or data=amazon_photo"
    unit = "event"
    leads_from_product: ClassVar[bool] = False

    @property
    @abstractmethod
    def person(self) -> np.ndarray:
        """int64 [m], the number of the person, or of the product that leads to others, by unit."""

    @abstractmethod
    def persons(self, rows: np.ndarray) -> np.ndarray:
        """int64, who the units of some rows belong to, ascending and each once."""

    @abstractmethod
    def histories(self, rows: np.ndarray, users: np.ndarray) -> Histories:
        """The products of the units of some rows (int64), for each of some users, int64 [u]."""

    @property
    def training_unit(self) -> str:
        """See ``Relevance``."""
        return "product" if self.leads_from_product else "user"

    def count_units(self, split: str) -> int:
        """See ``Relevance``."""
        return len(self.persons(self.splits[split]))

    def units(self, split: str) -> Units:
        """See ``Relevance``: the unit is a person, and the target its place in the split."""
        places = np.arange(self.count_units(split))
        return Units(np.zeros((0, len(places)), np.int64), (places,))

    def _owners(self) -> np.ndarray:
        return self.person
