"""What advice looks at in a data set, and how near two data sets are."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.data.contents import texts_of
from likewise.data.tokens import tokens

if TYPE_CHECKING:
    from datasets import Dataset

    from likewise.data.catalogue import ProductData

# The columns of a catalogue that make each modality.
MODALITIES = {
    "image": ("image",),
    "text": ("title", "description"),
    "attributes": ("attributes", "brand", "category", "price"),
    "reviews": ("reviews",),
}
# Texts that are read to learn their script and length.
SAMPLE = 1000


@dataclass(frozen=True)
class Supervision:
    """How much one kind of relevance tells.

    Attributes:
        units: training units, such as labelled pairs or events.
        density: training units per group, user, query or product that they belong to.
        unseen: share of test units whose product is not in a training unit, from 0 to 1.
    """

    units: int
    density: float
    unseen: float


@dataclass(frozen=True)
class DataProfile:
    """The properties of a data set by which advice finds similar data.

    Attributes:
        products: rows of the catalogue.
        modalities: names of ``MODALITIES`` with at least one value.
        script: the script of most letters of the texts, such as ``LATIN`` or ``CJK``; ``None``
            without texts.
        words: median number of tokens of the texts of a product; 0 without texts.
        supervision: by the class of the relevance, such as ``Pairs``, in the order of the data.
    """

    products: int
    modalities: tuple[str, ...]
    script: str | None
    words: float
    supervision: Mapping[str, Supervision]

    def facts(self) -> dict[str, Any]:
        """Return the profile as plain data."""
        return asdict(self) | {"modalities": list(self.modalities)}

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> DataProfile:
        """Make a profile of what ``facts`` returned."""
        known = {name: Supervision(**one) for name, one in facts["supervision"].items()}
        return cls(**{**facts, "modalities": tuple(facts["modalities"]), "supervision": known})


def describe_data(data: ProductData) -> DataProfile:
    """Describe data by what advice looks at."""
    catalogue = data.catalogue
    found = [name for name, columns in MODALITIES.items() if _has(catalogue, columns)]
    script, words = _texts(catalogue) if "text" in found else (None, 0.0)
    known = {
        type(relevance).__name__: Supervision(
            len(relevance.splits.get("train", ())),
            round(relevance.density(), 2),
            round(relevance.unseen(), 2),
        )
        for relevance in data.relevance
    }
    return DataProfile(len(catalogue), tuple(found), script, words, known)


def distance(
    one: DataProfile, other: DataProfile, here: Supervision | None, there: Supervision | None
) -> tuple[float, float]:
    """Return how far two data sets are from each other: modalities first, then sizes.

    The first number is the share of their modalities that only one of the two has. The second
    counts factors of ten: the sum of |log10| of the ratios of training units, of units per group,
    user, query or product, and of words per text, plus the difference of the shares of unseen
    test products, plus 1 where the texts have different scripts.

    Args:
        here, there: of the two data sets; ``None`` compares their numbers of products instead.
    """
    both = {*one.modalities, *other.modalities}
    apart = len({*one.modalities} ^ {*other.modalities}) / max(1, len(both))
    if here is None or there is None:
        far = factors_of_ten(one.products, other.products)
    else:
        far = factors_of_ten(here.units, there.units) + factors_of_ten(here.density, there.density)
        far += abs(here.unseen - there.unseen)
    if one.script and other.script:
        far += factors_of_ten(one.words, other.words) + (one.script != other.script)
    return round(apart, 3), round(far, 3)


def factors_of_ten(one: float, other: float) -> float:
    """Return |log10| of a ratio; a number below 1 counts as 1."""
    return abs(math.log10(max(1.0, one) / max(1.0, other)))


def _has(catalogue: Dataset, columns: tuple[str, ...]) -> bool:
    """Whether a column is there, with a value that is not missing."""
    table = catalogue.with_format("arrow")
    return any(
        name in catalogue.column_names and len(catalogue) > table[name][:].null_count
        for name in columns
    )


def _texts(catalogue: Dataset) -> tuple[str | None, float]:
    """The script of most letters and the median number of tokens of some products."""
    count = len(catalogue)
    rows = np.unique(np.linspace(0, max(0, count - 1), SAMPLE).astype(np.int64))
    texts = [text for text in texts_of(catalogue.select(rows)) or [] if text]
    letters = Counter(
        unicodedata.name(letter, "unknown").split()[0]
        for text in texts
        for letter in text
        if letter.isalpha()
    )
    script = letters.most_common(1)[0][0] if letters else None
    return script, float(np.median([len(tokens(text)) for text in texts])) if texts else 0.0
