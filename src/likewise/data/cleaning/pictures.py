"""Pictures that show nothing of their product."""

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
class Pictures(Step):
    """Pictures that ``picture_check`` cannot use, or that too many products share, are missing.

    The only step that decodes pictures. Columns of pixels (not encoded pictures) are left alone.

    Args:
        columns: of encoded pictures.
        least: of products that share a picture for it to be a placeholder.
        share: of all pictures that a placeholder makes up at least.
        repeated: the digests of placeholders; found by ``for_catalogue``.
    """

    columns: Sequence[str] = ("image",)
    least: int = 20
    share: float = 0.01
    repeated: frozenset[int] = frozenset()

    def for_catalogue(self, catalogue: Dataset) -> Pictures:
        """The step that knows the placeholders of the catalogue, whose bytes are read for it."""
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
            repeated.update(placeholders(numbers, self.least, self.share).tolist())
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
        """Why the picture is missing after the step, ``None`` where it stays."""
        if value is None:
            return None
        source = _source(value)
        if self.repeated and digest(source) in self.repeated:
            return "repeated placeholder"
        return why_unusable(source)


def _source(picture: dict[str, Any]) -> bytes | str:
    return picture["path"] if picture["bytes"] is None else picture["bytes"]
