"""Requests and answers of the API."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

# Characters of a text, neighbours of a query, and products that are embedded at once.
MAX_TEXT, MAX_NEIGHBOURS, MAX_PRODUCTS = 1000, 100, 64

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT)]
ProductId = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT)]
RunNumber = Annotated[int, Field(ge=0, le=1, description="0 is the first run, 1 the second one")]
Count = Annotated[int, Field(ge=1, le=MAX_NEIGHBOURS, description="the number of neighbours")]


class Strict(BaseModel):
    """A request, in which no other field is allowed."""

    model_config = ConfigDict(extra="forbid")


class NamedValue(Strict):
    """An attribute of a product."""

    name: Text
    value: Text


class GivenProduct(Strict):
    """A product that need not be in the catalogue; it has a text at least."""

    title: Text
    description: Text | None = None
    brand: Text | None = None
    category: Text | None = None
    price: Annotated[float, Field(ge=0, le=1e12)] | None = None
    attributes: Annotated[list[NamedValue], Field(max_length=100)] | None = None

    def columns(self) -> dict[str, Any]:
        """Return the columns that are given."""
        return self.model_dump(exclude_none=True)


class SearchRequest(Strict):
    """A search by words."""

    text: Text
    k: Count = 12
    run: RunNumber = 0


class SimilarRequest(Strict):
    """A search for the neighbours of a product of the catalogue."""

    product_id: ProductId
    k: Count = 12
    run: RunNumber = 0


class PairRequest(Strict):
    """Two products: ids of the catalogue, or products that are given."""

    left: ProductId | GivenProduct
    right: ProductId | GivenProduct
    run: RunNumber = 0


class EmbedRequest(Strict):
    """Products to embed."""

    products: Annotated[list[GivenProduct], Field(min_length=1, max_length=MAX_PRODUCTS)]
    run: RunNumber = 0


class FoundProduct(BaseModel):
    """A product that was found; ``score`` is larger for more similar products."""

    product_id: str
    title: str
    similarity: float
    score: float
    has_picture: bool


class SearchAnswer(BaseModel):
    """Products of the current version of the catalogue, best first."""

    version: int
    products: list[FoundProduct]


class MatchAnswer(BaseModel):
    """The score of a pair, and whether it is a match; ``null`` if the run has no threshold."""

    score: float
    is_match: bool | None


class EmbedAnswer(BaseModel):
    """One embedding per product."""

    embeddings: list[list[float]]


class ExplainedUnit(BaseModel):
    """A part of the products, and its contribution to the score."""

    side: Literal["left", "right", "both"]
    column: str
    place: int
    text: str
    value: float


class ExplainAnswer(BaseModel):
    """Contributions to the score of a pair, the largest first."""

    left: str
    right: str
    grid: int
    score: float
    base: float | None
    rest: float | None
    meaning: str
    units: list[ExplainedUnit]


class CurveAnswer(BaseModel):
    """Precision and recall of the validation pairs, by threshold."""

    chosen: float | None
    thresholds: list[float]
    precision: list[float]
    recall: list[float]
    pairs: int


class RunAnswer(BaseModel):
    """A run that is served."""

    name: str
    version: int
    products: int
    searches: bool
    reads_texts: bool
    reads_pictures: bool
    has_pictures: bool
    curve: CurveAnswer | None
    examples: list[str]


class HealthAnswer(BaseModel):
    """The server answers."""

    status: Literal["ok"]


class Problem(BaseModel):
    """What was wrong, in one sentence."""

    detail: str
