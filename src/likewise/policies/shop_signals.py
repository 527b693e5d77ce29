"""Further signals of a similarity policy: prices, pictures and past sales."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from likewise.data.relevance import Visits
from likewise.errors import LikewiseError
from likewise.policies.signals import Signal

if TYPE_CHECKING:
    from likewise.data.module import ProductModule


class PriceSignal(Signal):
    """exp(-|log p - log q|) of two prices p and q; 0 if one is unknown."""

    def prepare(self, module: ProductModule) -> None:
        """See ``Signal``.

        Raises:
            LikewiseError: the products have no prices.
        """
        catalogue = module.data.catalogue
        if "price" not in catalogue.column_names:
            raise LikewiseError("PriceSignal needs prices, which these products do not have")
        prices = np.array(catalogue["price"][:], np.float64)
        logs = np.log(np.where(prices > 0, prices, np.nan))
        near = np.exp(-np.abs(logs[:, None] - logs[None]))
        self.values = torch.from_numpy(np.nan_to_num(near)).float()


class PictureSignal(Signal):
    """Cosine of the pixels of pictures that were scaled down, less the mean picture.

    Args:
        image_size: height and width in pixels to which pictures are scaled by average pooling.
    """

    def __init__(self, image_size: int = 8) -> None:
        super().__init__()
        if image_size < 1:
            raise LikewiseError(f"image_size={image_size} of PictureSignal must be at least 1")
        self.image_size = image_size

    def prepare(self, module: ProductModule) -> None:
        """See ``Signal``.

        Raises:
            LikewiseError: the products have no pictures of one size.
        """
        from likewise.data.images import image_array

        pictures = torch.from_numpy(image_array(module.data.catalogue)).float()
        small = torch.nn.functional.adaptive_avg_pool2d(pictures, self.image_size).flatten(1)
        unit = torch.nn.functional.normalize(small - small.mean(0))
        self.values = unit @ unit.T


class SalesSignal(Signal):
    """log(1 + past sales) of each product, the largest scaled to 1; the same for every context."""

    def prepare(self, module: ProductModule) -> None:
        """See ``Signal``."""
        sales = np.log1p(module.data.get(Visits, "SalesSignal").sales)
        self.values = torch.from_numpy(sales / (sales.max() or 1.0)).float()

    def forward(self, links: Tensor) -> Tensor:
        """See ``Signal``."""
        return self.values.expand(len(links), -1)
