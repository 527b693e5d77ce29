"""What a recommender is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from likewise.data.histories import Histories

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData


class Recommender(nn.Module):
    """What people did to a score for every product of the catalogue; larger is better.

    All that it learned is in its ``state_dict``, so that it is saved without pickling.

    Attributes:
        trained_by: the name of the one method that can train it.
    """

    trained_by: str = "fit"

    def fit(self, histories: Histories, data: ProductData, seed: int) -> None:
        """Learn all at once.

        Args:
            histories: the training events.
            data: the catalogue and what else is known of it; no event of a later split may be read.
            seed: the only source of chance.
        """
        raise NotImplementedError(f"{type(self).__name__} must define fit()")

    def scores(self, histories: Histories) -> Tensor:
        """Float32 [u, n], of all n products for each person; seen products are not left out.

        A product of which nothing is known gets the least score. The caller asks for few people at
        a time, as the scores of all do not fit into memory.
        """
        raise NotImplementedError(f"{type(self).__name__} must define scores()")
