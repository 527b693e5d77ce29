"""Removal of pictures that do not show the product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.data.cleaning.steps import Step
from likewise.data.picture_check import digest, placeholders, why_unusable

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class UnusablePictures(Step):
    """Removes pictures that cannot be used or that too many products share.

    ``picture_check`` decides which pictures can be used. This is the only step that decodes
    pictures. Columns of pixel arrays (not of encoded pictures) are not changed.

    Args:
        columns: columns of encoded pictures.
        min_products: minimum number of products that share a placeholder picture.
        min_share: minimum share of a placeholder among all pictures.
        repeated: the digests of placeholders, which ``for_catalogue`` finds.
    """

    columns: Sequence[str] = ("image",)
    min_products: int = 20
    min_share: float = 0.01
    repeated: frozenset[int] = frozenset()

    def for_catalogue(self, catalogue: Dataset) -> UnusablePictures:
        """Return the step with the placeholders of this catalogue, whose pictures it reads."""
        from datasets import Image

        columns = [name for name in self.columns if isinstance(catalogue.features.get(name), Image)]
        repeated: set[int] = set()
        for name in columns:
            encoded = catalogue.select_columns(name).cast_column(name, Image(decode=False))
            found = [
                digest(_source(picture))
                for batch in encoded.iter(batch_size=100)
                for picture in batch[name]
                if picture is not None
            ]
            numbers = np.array([number for number in found if number is not None], np.uint64)
            repeated.update(placeholders(numbers, self.min_products, self.min_share).tolist())
        return replace(self, columns=columns, repeated=frozenset(repeated))

    def clean(self, batch: dict[str, list]) -> dict[str, list]:
        """See ``Step``."""
        cleaned = {
            name: [None if self.shown(picture) else picture for picture in batch[name]]
            for name in self.columns
            if name in batch
        }
        return {**batch, **cleaned}

    def shown(self, value: Any) -> str | None:
        """Return why the step removes a picture; ``None`` if it keeps it."""
        if value is None:
            return None
        source = _source(value)
        if self.repeated and digest(source) in self.repeated:
            return "repeated placeholder"
        return why_unusable(source)


def _source(picture: dict[str, Any]) -> bytes | str:
    return picture["path"] if picture["bytes"] is None else picture["bytes"]
