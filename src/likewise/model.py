"""A trained or pretrained model: readers, encoder, matcher and similarity as one object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from likewise.errors import LikewiseError
from likewise.index.exact import ExactIndex

if TYPE_CHECKING:
    from datasets import Dataset

    from likewise.data.cleaning.steps import Step
    from likewise.data.modalities.base import Reader
    from likewise.encoders.base import Encoder
    from likewise.index.base import Index
    from likewise.matchers.base import Matcher
    from likewise.scorer import Scorer
    from likewise.similarity.base import Similarity
    from likewise.thresholds.base import Decision

# The number of products that are read and embedded at once, and the bytes that they may take.
CHUNK = 20_000
CHUNK_BYTES = 2**29
# The column of a product that is given as a text only.
TEXT = "title"
# A product: a mapping of columns to values, or a text.
Product = Mapping[str, Any] | str


@dataclass
class Model:
    """Embeds products, scores pairs of them and searches among them.

    A product is a mapping of the columns of a catalogue (``title``, ``description``, ``brand``,
    ``category``, ``price``, ``attributes``, ``image`` …) or a text, which is its title. An image is
    a path or the bytes of a file.

    Attributes:
        readers: fitted readers by modality, which turn columns into tensors.
        matcher: the matcher, which scores pairs, with its encoder if it has one.
        measure: the similarity of embeddings.
        cleaning: cleaning steps by name, as in training.
        input_shape: (channels, height, width) of the pictures that the encoder reads, or ``None``.
        device: the device of the model.
        decision: the threshold that ``likewise threshold`` has written into the run, if it has.
        search_index: finds products in ``search``.
    """

    readers: Mapping[str, Reader]
    scorer: Scorer
    measure: Similarity
    cleaning: Mapping[str, Step] = field(default_factory=dict)
    input_shape: tuple[int, int, int] | None = None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    decision: Decision | None = None
    search_index: Index = field(default_factory=ExactIndex)
    _indexed: list[str] | None = None

    @property
    def encoder(self) -> Encoder:
        """The encoder, which embeds single products.

        Raises:
            LikewiseError: if the model can only score pairs.
        """
        from likewise.matchers.base import EmbeddingMatcher

        if isinstance(self.scorer, EmbeddingMatcher):
            return self.scorer.encoder
        raise LikewiseError(
            f"{type(self.scorer).__name__} {self.scorer.gives}, so nothing embeds single products; "
            "train an encoder with matcher=none"
        )

    @property
    def _matcher(self) -> Matcher:
        from likewise.matchers.base import Matcher

        if isinstance(self.scorer, Matcher):
            return self.scorer
        raise LikewiseError(f"this model {self.scorer.gives}, and scores no pairs of products")

    def embed(self, products: Sequence[Product] | Dataset) -> Tensor:
        """Embed products: float32 [n, d], one row per product.

        Raises:
            LikewiseError: if the model can only score pairs, or the products lack what it reads.
        """
        catalogue = self.as_catalogue(products)
        rows = np.arange(len(catalogue))
        return torch.cat([part for _, part in self.stream(catalogue, rows)])

    def similarity(self, a: Tensor, b: Tensor) -> Tensor:
        """Return the similarity of embeddings [n, d] and [m, d] as float32 [n, m]."""
        return self.measure.matrix(a, b)

    def match(self, a: Sequence[Product] | Dataset, b: Sequence[Product] | Dataset) -> Tensor:
        """Score the pairs of products at equal positions of two lists: float32 [n].

        Larger scores mean more similar. They are the scores of the matcher of the run, which by
        default is the similarity of embeddings.
        """
        from datasets import concatenate_datasets

        from likewise.data.products import LabelledPairs

        left, right = self.as_catalogue(a), self.as_catalogue(b)
        if len(left) != len(right):
            raise LikewiseError(f"{len(left)} products cannot be paired with {len(right)}")
        both = concatenate_datasets([left, right])
        count, rows = len(left), np.arange(len(both))
        places = torch.arange(len(both), device=self.device)
        labels = torch.zeros(count, dtype=torch.int64, device=self.device)
        pairs = LabelledPairs(
            self._read(both, rows), places[:count], places[count:], labels, both, rows
        )
        return self._matcher.match_pairs(pairs)

    def is_match(self, a: Sequence[Product] | Dataset, b: Sequence[Product] | Dataset) -> Tensor:
        """Decide whether the products at equal positions of two lists match: bool [n].

        Raises:
            LikewiseError: if no threshold was chosen for the run.
        """
        from likewise.thresholds.base import pair_categories

        if self.decision is None:
            raise LikewiseError(
                "this model has no threshold yet; `likewise threshold RUN` chooses one, and the "
                "model has it when it is loaded again"
            )
        left, right = self.as_catalogue(a), self.as_catalogue(b)
        scores = self.match(left, right).double().cpu()
        categories = pair_categories(_categories(left), _categories(right))
        thresholds = self.decision.thresholds(categories, len(scores))
        return scores >= torch.from_numpy(thresholds)

    def index(self, products: Sequence[Product] | Dataset) -> None:
        """Embed the products to be searched by ``search``; they replace earlier ones."""
        catalogue = self.as_catalogue(products)
        embeddings = self.embed(catalogue)
        self.search_index.build(self.measure, np.arange(len(catalogue)), embeddings)
        self._indexed = list(catalogue["product_id"][:])

    def search(self, query: Product, k: int = 10) -> list[tuple[str, float]]:
        """Find the k indexed products nearest to a query: their ids and similarities.

        Raises:
            LikewiseError: if no products were indexed.
        """
        if self._indexed is None:
            raise LikewiseError("nothing to search; call index(products) first")
        values, keys = self.search_index.search(self.embed([query]), k)
        found = zip(keys[0].tolist(), values[0].tolist(), strict=True)
        return [(self._indexed[key], value) for key, value in found if key >= 0]

    def stream(self, catalogue: Dataset, rows: np.ndarray) -> Iterator[tuple[np.ndarray, Tensor]]:
        """Yield rows (int64) of a clean catalogue and embeddings, float32 [n, d], in chunks."""
        from likewise.data.memory import bytes_per_product

        fitting = int(CHUNK_BYTES / max(1, bytes_per_product(catalogue, self.readers)))
        size = max(1, min(CHUNK, fitting))
        for start in range(0, len(rows), size):
            chosen = rows[start : start + size]
            yield chosen, self.encoder.embed(self._read(catalogue, chosen))

    def _read(self, catalogue: Dataset, rows: np.ndarray) -> dict[str, Tensor]:
        read = {name: reader(catalogue, rows) for name, reader in self.readers.items()}
        return {name: values.to(self.device) for name, values in read.items()}

    def as_catalogue(self, products: Sequence[Product] | Dataset) -> Dataset:
        """Make a clean catalogue of the given products; a catalogue is returned unchanged."""
        from likewise.data.cleaning.catalogue import clean_catalogue

        if not isinstance(products, Sequence):
            return products
        alone = list(self.readers) == ["image"]
        return clean_catalogue(_as_catalogue(products, self.input_shape, alone), self.cleaning)[0]


def load(run: str | Path, allow: Sequence[str] = ()) -> Model:
    """Load the model of a finished run, from its folder alone.

    Args:
        run: the folder of the run.
        allow: additional packages whose classes its config may use.
    """
    from likewise.runs.saved import open_model

    return open_model(Path(run), tuple(allow))


def _categories(catalogue: Dataset) -> np.ndarray:
    """Return the category of each product, object [n]; ``None`` where it has none."""
    if "category" not in catalogue.column_names:
        return np.full(len(catalogue), None, dtype=object)
    return np.array(catalogue["category"][:], dtype=object)


def _as_catalogue(
    products: Sequence[Product], shape: tuple[int, int, int] | None, alone: bool
) -> Dataset:
    """Make a catalogue; a product without a picture is refused if pictures ``alone`` are read."""
    from likewise.data.catalogue import make_catalogue

    if isinstance(products, str):
        raise LikewiseError("give a list of products instead of a text, such as [text]")
    if not products:
        raise LikewiseError("there is no product to embed")
    rows = [{TEXT: one} if isinstance(one, str) else dict(one) for one in products]
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns: dict[str, list[Any]] = {name: [row.get(name) for row in rows] for name in names}
    columns["product_id"] = [str(row.get("product_id", place)) for place, row in enumerate(rows)]
    pictures = columns.pop("image", [None] * len(rows))
    if shape is None:
        return make_catalogue(columns)
    lacking = [name for name, one in zip(columns["product_id"], pictures, strict=True) if not one]
    if lacking and alone:
        raise LikewiseError(
            f"product {lacking[0]} has no image, and this model reads nothing else; give the path "
            "or the bytes of a picture"
        )
    # The readers give zeros where a modality is missing.
    none = np.zeros((3, *shape[1:]), np.uint8)
    squares = np.stack([_square(one, shape) if one else none for one in pictures])
    from likewise.data.images import image_dataset

    return image_dataset(columns, squares)


def _square(picture: Any, shape: tuple[int, int, int]) -> np.ndarray:
    """Read a picture from a path or bytes as uint8 [3, height, width]."""
    from likewise.data.letterbox import letterbox
    from likewise.data.picture_check import UnusablePicture, read_picture

    _, height, width = shape
    if height != width:
        raise LikewiseError(f"the model reads pictures of {height} × {width}, which are not square")
    try:
        return letterbox(read_picture(picture), height)
    except UnusablePicture as error:
        raise LikewiseError(f"the picture {str(picture)[:80]} cannot be used: {error}") from error
