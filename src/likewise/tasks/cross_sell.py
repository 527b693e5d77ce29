"""Recommending what goes with a product."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from likewise.data.catalogue import ProductData
from likewise.data.histories import Histories
from likewise.data.relevance import Links
from likewise.errors import LikewiseError
from likewise.tasks.catalogue_ranking import CatalogueRanking


class CrossSell(CatalogueRanking):
    """Ranks the catalogue for each product by the links of the earlier splits.

    The products that the links of the tested split lead to are to be found: complements, not
    substitutes. The history of a product is what is known to go with it. The product itself is
    never recommended. Products with few known links, and those without any, are scored apart too,
    as ``<split>_few`` and ``<split>_cold``.

    Args:
        within_category: rank a product among those of its own category only, so that knowing the
            category that goes with a product does not help.
        few: known links, at most, of a product that counts for ``<split>_few``.
        options: see ``CatalogueRanking``.
    """

    relevance = Links
    unit = "product"

    def __init__(
        self, *parts: Any, within_category: bool = False, few: int = 5, **options: Any
    ) -> None:
        super().__init__(*parts, **options)
        if few < 1:
            raise LikewiseError(f"task.few={few} must be at least 1")
        self.within_category, self.few = within_category, few

    @property
    def notes(self) -> tuple[str, ...]:
        """See ``CatalogueRanking``."""
        (said,) = super().notes
        if self.within_category:
            said = said.replace("All products are ranked", "Products of one category are ranked")
        return (said,)

    def parts(self, histories: Histories) -> dict[str, np.ndarray]:
        """See ``CatalogueRanking``."""
        known = histories.lengths
        return {"few": (known > 0) & (known <= self.few), "cold": known == 0}

    def excluded(self, histories: Histories) -> Histories:
        """See ``CatalogueRanking``."""
        assert histories.users is not None
        seen = super().excluded(histories)
        return Histories(
            np.insert(seen.products, seen.ends, histories.users),
            seen.ends + np.arange(1, len(seen) + 1),
            histories.users,
        )

    def kinds(self, data: ProductData) -> Tensor | None:
        """See ``CatalogueRanking``."""
        if not self.within_category:
            return None
        if "category" not in data.catalogue.column_names:
            raise LikewiseError(
                "task.within_category=true needs the categories of the products, which these data "
                "do not have"
            )
        names = np.array([str(name) for name in data.catalogue["category"][:]])
        return torch.from_numpy(np.unique(names, return_inverse=True)[1])
