"""One finished run that is served: searches, scores and explanations on its current catalogue."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from likewise.data.products import LabelledPairs
from likewise.errors import LikewiseError
from likewise.explanations.base import Explanation
from likewise.matchers.base import EmbeddingMatcher, Matcher
from likewise.runs.explaining import chosen_explanation, explain, with_explanation
from likewise.runs.folder import read_result
from likewise.runs.versions.live import LiveCatalogue
from likewise.runs.versions.version import Version
from likewise.serving.pictures import check_upload, product_picture
from likewise.serving.searches import SharedSearches
from likewise.serving.thresholds import ThresholdCurve, threshold_curve

if TYPE_CHECKING:
    from datasets import Dataset

# The id of a product of the catalogue, or the columns of any product.
Described = str | Mapping[str, Any]


class UnknownProduct(LikewiseError):
    """Raised for a product id that the current catalogue does not have."""


class NotPossible(LikewiseError):
    """Raised if the run cannot do what is asked for, whatever the product."""


@dataclass(frozen=True)
class Neighbour:
    """A product that was found.

    Attributes:
        product_id, title: of the catalogue; the title may be empty.
        similarity: of the embeddings, by which products are ordered.
        score: by the run's matcher, larger for more similar; a threshold refers to it.
        has_picture: whether the catalogue names a picture of it.
    """

    product_id: str
    title: str
    similarity: float
    score: float
    has_picture: bool


class ServedRun:
    """A finished run in the memory of the server; its methods may be called by several threads.

    Args:
        folder: of the run.
        overrides: of its config, such as ``index=ivf`` or ``explanation=integrated_gradients``.
        allow: additional packages whose classes its config may use.

    Attributes:
        name: of the run.
        opened, model: the run and its model.
        curve: precision and recall by threshold; ``None`` for a run that has no threshold.
        curve_note: why a run of ``task=matching`` has no curve; empty otherwise.

    Raises:
        LikewiseError: there is no finished run, or it neither embeds products nor scores pairs.
    """

    def __init__(
        self, folder: str | Path, overrides: Sequence[str] = (), allow: tuple[str, ...] = ()
    ) -> None:
        self.folder = Path(folder)
        self.name = str(read_result(self.folder).get("name", self.folder.name))
        self._live = LiveCatalogue(folder, with_explanation(overrides), allow)
        self.opened = self._live.opened
        self.model = self._live.model
        self.curve: ThresholdCurve | None = None
        self.curve_note = ""
        try:
            self.curve = threshold_curve(self.opened)
        except LikewiseError as error:
            self.curve_note = str(error)
        self._searches = SharedSearches(self._live)
        # An explanation may use gradients.
        self._explaining = threading.Lock()

    @property
    def version(self) -> Version:
        """The current version of the catalogue."""
        return self._searches.version

    @property
    def searches(self) -> bool:
        """Whether the run embeds single products, so that neighbours can be found."""
        return isinstance(self.model.scorer, EmbeddingMatcher)

    @cached_property
    def reads(self) -> frozenset[str]:
        """The columns of the catalogue that the model reads."""
        readers = {name for one in self.model.readers.values() for name in one.columns}
        return frozenset(readers | set(getattr(self.model.scorer, "columns", ())))

    @cached_property
    def _explanation(self) -> Explanation:
        return chosen_explanation(self.opened)

    def search(self, text: str, k: int) -> list[Neighbour]:
        """Find the products nearest to a text, best first."""
        self._need_embeddings()
        if "title" not in self.reads:
            raise NotPossible(f"{self.name} reads no texts; give a picture or a product")
        return self._nearest(self.model.embed([text])[0], k)

    def similar(self, product_id: str, k: int) -> list[Neighbour]:
        """Find the products nearest to a product of the catalogue, which is not among them."""
        self._need_embeddings()
        segment, row = self._place(product_id)
        embedding = torch.from_numpy(np.array(segment.embeddings[row]))
        return self._nearest(embedding, k, product_id)

    def similar_to_picture(self, content: bytes, k: int) -> list[Neighbour]:
        """Find the products nearest to an uploaded picture."""
        self._need_embeddings()
        if self.model.input_shape is None:
            raise NotPossible(f"{self.name} reads no pictures; give a text or a product")
        check_upload(content)
        return self._nearest(self.model.embed([{"image": content}])[0], k)

    def embed(self, products: Sequence[Mapping[str, Any]]) -> Tensor:
        """Embed products that are given by their columns, float32 [n, d]."""
        self._need_embeddings()
        return self.model.embed(list(products)).cpu()

    @torch.no_grad()
    def match(self, left: Described, right: Described) -> float:
        """Score a pair of products."""
        catalogue, rows = self._pair(left, right)
        both, device = np.array(rows), self.model.device
        products = {
            name: reader(catalogue, both).to(device) for name, reader in self.model.readers.items()
        }
        ends = torch.arange(2, device=device)
        label = torch.zeros(1, dtype=torch.int64, device=device)
        pairs = LabelledPairs(products, ends[:1], ends[1:], label, catalogue, both)
        return _finite(float(self._matcher.eval().match_pairs(pairs)[0]))

    def explain(self, left: Described, right: Described) -> dict[str, Any]:
        """Explain the score of a pair of products: ids, grid, titles, and contributions."""
        catalogue, rows = self._pair(left, right)
        with self._explaining:
            pair, found = explain(self.opened, self._explanation, catalogue, rows)
        return {"left": pair.ids[0], "right": pair.ids[1], "grid": pair.grid, **found.as_dict()}

    def product(self, product_id: str) -> dict[str, Any]:
        """Return the columns of a product without its picture."""
        segment, row = self._place(product_id)
        known = segment.dataset
        return known.select_columns([name for name in known.column_names if name != "image"])[row]

    def picture(self, product_id: str) -> bytes | None:
        """Return the picture of a product as PNG; ``None`` if it has none."""
        segment, row = self._place(product_id)
        return product_picture(segment.dataset, row)

    @property
    def _matcher(self) -> Matcher:
        # LiveCatalogue has refused every other scorer.
        assert isinstance(self.model.scorer, Matcher)
        return self.model.scorer

    def _need_embeddings(self) -> None:
        if not self.searches:
            raise NotPossible(
                f"{self.name} cannot search, as its {type(self.model.scorer).__name__} "
                f"{self.model.scorer.gives}; ask it to match or to explain a pair"
            )

    def _place(self, product_id: str) -> tuple[Any, int]:
        """The segment and the row of a product of the current version."""
        version = self.version
        place = version.locate([product_id]).get(product_id)
        if place is None:
            raise UnknownProduct(
                "the catalogue has no product with this id; its ids are like "
                f"{', '.join(version.template['product_id'][:3])}"
            )
        return version.segment(place[0]), place[1]

    def _pair(self, left: Described, right: Described) -> tuple[Dataset, tuple[int, int]]:
        """A catalogue with both products, and their rows: the whole one if it has both."""
        if isinstance(left, str) and isinstance(right, str):
            version = self.version
            for name in (left, right):
                self._place(name)
            return version.catalogue, (version.rows_by_id[left], version.rows_by_id[right])
        both = [self._described(one, side) for one, side in ((left, "left"), (right, "right"))]
        return self.model.as_catalogue(both), (0, 1)

    def _described(self, one: Described, side: str) -> dict[str, Any]:
        if not isinstance(one, str):
            return {"product_id": f"({side})", **one}
        picture = self.picture(one) if self.model.input_shape is not None else None
        return self.product(one) | ({} if picture is None else {"image": picture})

    def _nearest(self, embedding: Tensor, k: int, but: str | None = None) -> list[Neighbour]:
        version, found = self._searches.nearest(embedding, k if but is None else k + 1)
        found = [(name, value) for name, value in found if name != but and math.isfinite(value)][:k]
        places = version.locate([name for name, _ in found])
        # A roll-back between two steps of another program's may take a product away.
        found = [(name, value) for name, value in found if name in places]
        if not found:
            return []
        products = [(version.segment(places[name][0]), places[name][1]) for name, _ in found]
        near = torch.from_numpy(np.stack([part.embeddings[row] for part, row in products]))
        scores = self._compare(embedding, near).tolist()
        hits = zip(found, products, scores, strict=True)
        return [
            Neighbour(name, _title(part.dataset, row), value, score, _pictured(part.dataset, row))
            for (name, value), (part, row), score in hits
        ]

    @torch.no_grad()
    def _compare(self, one: Tensor, others: Tensor) -> Tensor:
        """Scores of the matcher, float32 [n], of an embedding [d] with others [n, d]."""
        scorer, device = self.model.scorer, self.model.device
        assert isinstance(scorer, EmbeddingMatcher)
        scorer.eval()
        others = others.to(device)
        return scorer.compare(one.to(device).expand(len(others), -1), others).float().cpu()


def check_same_catalogue(runs: Sequence[ServedRun]) -> None:
    """Check that all runs have the same products.

    Raises:
        LikewiseError: ids or titles differ.
    """
    first, *others = runs
    for other in others:
        one, two = (_titles(run.version) for run in (first, other))
        if one != two:
            strange = next((name for name in one.keys() ^ two.keys()), None)
            what = f"only one has product {strange}" if strange else "titles of products differ"
            raise LikewiseError(
                f"{first.folder} and {other.folder} have different catalogues ({what}); serve two "
                "runs on the same data, at the same version of the catalogue"
            )


def _titles(version: Version) -> dict[str, str | None]:
    known = version.catalogue
    ids = known["product_id"][:]
    titles = known["title"][:] if "title" in known.column_names else [None] * len(ids)
    return dict(zip(ids, titles, strict=True))


def _title(products: Dataset, row: int) -> str:
    if "title" not in products.column_names:
        return ""
    return products.data.table["title"][row].as_py() or ""


def _pictured(products: Dataset, row: int) -> bool:
    return "image" in products.column_names and products.data.table["image"][row].is_valid


def _finite(score: float) -> float:
    if not math.isfinite(score):
        raise LikewiseError("the score of this pair is not a finite number")
    return score
