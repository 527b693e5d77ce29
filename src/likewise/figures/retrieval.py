"""The figures of a retrieval task."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from likewise.data.catalogue import ProductData
from likewise.data.images import has_pixels, image_array
from likewise.data.relevance import Groups
from likewise.data.splits import stratified_sample
from likewise.figures.products import embedding_map, neighbour_gallery, similarity_heat_map
from likewise.similarity.base import Similarity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# t-SNE of more products takes longer and shows nothing more.
MAPPED = 600


def retrieval_figures(
    data: ProductData,
    split: str,
    embeddings: Tensor,
    similarity: Similarity,
    neighbours: np.ndarray,
    values: np.ndarray,
) -> dict[str, Figure]:
    """Draw a similarity heat map, an embedding map and, if there are pictures, neighbours.

    Args:
        embeddings: float32 [n, d], the embeddings of the products of the split.
        neighbours: int64 [n, k], catalogue rows of the nearest candidates of each product.
        values: float32 [n, k], their similarities.

    Returns:
        ``similarity``, ``map`` and ``neighbours``.
    """
    known = data.get(Groups)
    rows, groups = known.rows(split), known.labels_of(split)
    grouped = np.isin(data.splits[split], rows)
    embeddings = embeddings[torch.from_numpy(grouped)]
    # One query of each group, the first ten groups, and up to eight products of each in the map.
    kinds = np.unique(groups)[:10]
    queries = np.array([np.flatnonzero(groups == kind)[0] for kind in kinds])
    shown = np.concatenate([np.flatnonzero(groups == kind)[:8] for kind in kinds])
    matrix = similarity.matrix(embeddings[shown]).cpu().numpy()
    heat = similarity_heat_map(matrix, groups[shown], known.names, similarity.name)
    some = stratified_sample(groups, min(MAPPED, len(groups)), seed=0)
    plane = embedding_map(_plane(embeddings[some]), groups[some], known.names)
    figures = {"similarity": heat, "map": plane}
    if has_pixels(data.catalogue):
        asked = np.flatnonzero(grouped)[queries]
        # Only what is shown is read, as a split may hold more pictures than memory.
        seen = np.column_stack([rows[queries], neighbours[asked]])
        read, places = np.unique(seen, return_inverse=True)
        places = places.reshape(seen.shape)
        figures["neighbours"] = neighbour_gallery(
            image_array(data.catalogue.select(read)),
            known.numbers(len(data.catalogue))[read],
            places[:, 0],
            places[:, 1:],
            values[asked],
            known.names,
        )
    return figures


def _plane(embeddings: Tensor) -> np.ndarray:
    """Project embeddings [n, d] to [n, 2] by cosine t-SNE (van der Maaten and Hinton, 2008)."""
    from sklearn.manifold import TSNE

    count = len(embeddings)
    unit = torch.nn.functional.normalize(embeddings, dim=1).cpu().numpy()
    # t-SNE of identical products would end the process without an exception.
    if count < 5 or np.ptp(unit, axis=0).max() < 1e-6:
        return np.zeros((count, 2))
    perplexity = min(30.0, (count - 1) / 3)
    start = "pca" if min(unit.shape) >= 2 else "random"
    return TSNE(perplexity=perplexity, init=start, random_state=0, n_jobs=1).fit_transform(unit)
