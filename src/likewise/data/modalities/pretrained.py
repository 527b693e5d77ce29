"""Texts as subwords of the tokeniser of a pretrained model."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from likewise.data.modalities.subwords import FILE, Subwords
from likewise.data.modalities.texts import COLUMNS
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import Dataset

PACKAGE = "package:"


class PretrainedSubwords(Subwords):
    """Reads a text as subwords of the tokeniser of a pretrained model.

    Args:
        model: see ``find_model``.
        columns, markers: see ``TextReader``.
        max_length: maximum number of subwords per text, including the model's special tokens.
    """

    def __init__(
        self,
        model: str,
        columns: Sequence[str] = COLUMNS,
        markers: bool = False,
        max_length: int = 64,
    ) -> None:
        super().__init__(columns, markers, max_length=max_length)
        self.model = model

    def fit(self, catalogue: Dataset, rows: np.ndarray) -> None:
        """Read the tokeniser of the model; nothing is learned."""
        place = find_model(self.model)
        if Path(place).is_dir():
            self.load(Path(place))
            return
        from tokenizers import Tokenizer

        try:
            self.use(Tokenizer.from_pretrained(place))
        except Exception as error:
            # The library raises plain exceptions.
            raise LikewiseError(
                f"{self.model} is not a folder and cannot be loaded from the hub; give a folder "
                f"that holds the model and its {FILE}"
            ) from error


def find_model(name: str) -> str:
    """A folder, or the name of a model on the hub.

    Args:
        name: a folder; ``package:<name>/<folder>``, weights that an installed package carries; or
            a name on the hub.
    """
    if not name.startswith(PACKAGE):
        return str(Path(name).expanduser()) if Path(name).expanduser().is_dir() else name
    place = find_packaged(name)
    if not place.is_dir():
        raise LikewiseError(f"{name}: this is not a folder of the package")
    return str(place)


def find_packaged(name: str) -> Path:
    """Return the path of ``package:<name>/<path>``, which an installed package carries."""
    package, _, inside = name.removeprefix(PACKAGE).partition("/")
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise LikewiseError(
            f"{name}: no package {package} is installed; install it, or name a file, a folder or "
            "a model of the hub"
        )
    place = Path(spec.submodule_search_locations[0]) / inside
    if not place.exists():
        raise LikewiseError(f"{name}: the package {package} has no {inside}")
    return place
