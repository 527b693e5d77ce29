"""A learned vector for each product, from what it is and from who it is."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from likewise.data.products import Products, count, parts, to_float
from likewise.encoders.base import Encoder
from likewise.errors import LikewiseError


class ProductVectors(nn.Module):
    """The sum of a vector of the product's own and one of its content, or one of the two.

    A product without a training event has no vector of its own (zero): its content places it.

    Args:
        size: how many products the catalogue has.
        width: of the vectors.
        own: give every product a vector of its own.
        encoder: reads the content; ``None`` leaves the content out. Its embeddings are mapped to
            ``width`` by a linear layer where they have another width, or where it is frozen.
        content: the tensors of all products, which the encoder reads; kept as buffers but not
            saved, as they are data.
        trained: whether the encoder is trained; a frozen one embeds the catalogue once.
    """

    counts: Tensor

    def __init__(
        self,
        size: int,
        width: int = 64,
        own: bool = True,
        encoder: Encoder | None = None,
        content: Products | None = None,
        trained: bool = True,
    ) -> None:
        super().__init__()
        if size < 1 or width < 1:
            raise LikewiseError(
                f"recommender.products.width={width} must be at least 1, for {size} products"
            )
        self.size, self.width, self.trained = size, width, trained
        self.own = nn.Embedding(size, width) if own else None
        if self.own is not None:
            nn.init.normal_(self.own.weight, std=0.02)
        # Events of each product in the training data.
        self.register_buffer("counts", torch.ones(size))
        # In a tuple, so that the weights of an encoder are saved once, with the recommender.
        self._encoder: tuple[Encoder, ...] = ()
        self.names: list[str] = []
        self.map: nn.Module = nn.Identity()
        if encoder is not None:
            self.use(encoder)
        if content is not None:
            self.hold(content)

    @property
    def encoder(self) -> Encoder | None:
        """What reads the content; ``None`` where products have vectors of their own only."""
        return self._encoder[0] if self._encoder else None

    def use(self, encoder: Encoder) -> None:
        """Read the content by an encoder."""
        self._encoder = (encoder if self.trained else encoder.requires_grad_(False),)
        if not self.trained or encoder.embedding_size != self.width:
            self.map = nn.Linear(encoder.embedding_size, self.width)

    def hold(self, content: Products) -> None:
        """Take the tensors of all products, which the encoder reads.

        Raises:
            LikewiseError: they are those of another catalogue, or nothing reads them.
        """
        encoder = self.encoder
        if encoder is None:
            raise LikewiseError("an encoder of products needs their tensors, and only then")
        if count(content) != self.size:
            raise LikewiseError(
                f"the content has {count(content)} products and the catalogue {self.size}"
            )
        held = content if self.trained else {"embedding": encoder.embed(content)}
        for name, values in held.items():
            self.register_buffer(f"content_{name}", values, persistent=False)
        self.names = list(held)

    def begin(self, counts: Tensor) -> None:
        """Take the counts of training events, int64 [n], over before training."""
        self.counts.copy_(counts)

    def forward(self, rows: Tensor) -> Tensor:
        """Rows int64 of the catalogue, of any shape, to float [..., width]."""
        if self.own is None and not self.names:
            raise LikewiseError("products need vectors of their own, or an encoder, or both")
        total = self._content(rows) if self.names else None
        if self.own is not None:
            own = self.own(rows)
            if total is None:
                return own
            total = total + own * (self.counts[rows] > 0)[..., None]
        assert total is not None
        return total

    def all(self) -> Tensor:
        """Of the whole catalogue, float [n, width]."""
        if not self.names:
            assert self.own is not None
            return self.own.weight
        return self(torch.arange(self.size, device=self.counts.device))

    def _content(self, rows: Tensor) -> Tensor:
        """Of distinct products once, however often they come."""
        distinct, place = rows.unique(return_inverse=True)
        held = {name: self.get_buffer(f"content_{name}")[distinct] for name in self.names}
        encoder = self.encoder
        if encoder is None or not self.trained:
            vectors = held["embedding"]
        else:
            vectors = torch.cat([encoder(to_float(part)) for part in parts(held, 4096)])
        return self.map(vectors)[place]
