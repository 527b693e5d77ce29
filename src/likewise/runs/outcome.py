"""What a run leaves of its test: the table a query, and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from matplotlib.figure import Figure
from torch import Tensor

from likewise.data.catalogue import ProductData
from likewise.data.images import has_pixels
from likewise.data.splits import stratified_sample
from likewise.similarity.base import Similarity
from likewise.similarity.topk import topk_neighbours
from likewise.tasks.base import Result
from likewise.tasks.retrieval import NEAREST

# t-SNE of more products takes long and shows no more.
MAPPED = 600


def write_table(path: Path, table: Mapping[str, np.ndarray | list[np.ndarray]]) -> None:
    """A row a query or pair, see ``Result``."""
    pq.write_table(pa.table(dict(table)), path, compression="zstd")


def draw(
    folder: Path, data: ProductData, split: str, result: Result, similarity: Similarity
) -> dict[str, Path]:
    """PNG files of how the test went, into ``folder``; returns them by title."""
    from likewise.figures.base import png_bytes
    from likewise.figures.matching import matching_curves

    if result.embeddings is not None:
        figures = _draw_retrieval(data, split, result.embeddings, similarity)
    else:
        table = {name: np.asarray(result.table[name]) for name in ("label", "score", "probability")}
        figure = matching_curves(**table, threshold=result.scores[f"{split}/threshold"])
        figures = {"matching": figure}
    files = {title: folder / f"{title}.png" for title in figures}
    for title, figure in figures.items():
        files[title].write_bytes(png_bytes(figure))
    return files


def _draw_retrieval(
    data: ProductData, split: str, embeddings: Tensor, similarity: Similarity
) -> dict[str, Figure]:
    """A neighbour gallery (where there are pictures), a similarity heat map and a map."""
    from likewise.data.images import image_array
    from likewise.figures.products import embedding_map, neighbour_gallery, similarity_heat_map

    known = data.groups[data.splits[split]] >= 0
    rows, embeddings = data.splits[split][known], embeddings[torch.from_numpy(known)]
    groups = data.groups[rows]
    # One query of each group, the first ten groups, and up to eight products of each in the map.
    kinds = np.unique(groups)[:10]
    queries = np.array([np.flatnonzero(groups == kind)[0] for kind in kinds])
    values, found = topk_neighbours(
        embeddings[queries], embeddings, similarity, k=min(NEAREST + 1, len(rows))
    )
    neighbours, nearest = [], []
    for query, ids, scores in zip(queries, found.cpu().numpy(), values.cpu().numpy(), strict=True):
        others = np.flatnonzero(ids != query)[: len(ids) - 1]
        neighbours.append(ids[others])
        nearest.append(scores[others])
    shown = np.concatenate([np.flatnonzero(groups == kind)[:8] for kind in kinds])
    matrix = similarity.matrix(embeddings[shown]).cpu().numpy()
    heat = similarity_heat_map(matrix, groups[shown], data.group_names, similarity.name)
    some = stratified_sample(groups, min(MAPPED, len(groups)), seed=0)
    plane = embedding_map(_plane(embeddings[some]), groups[some], data.group_names)
    figures = {"similarity": heat, "map": plane}
    if has_pixels(data.catalogue):
        pictures = image_array(data.catalogue.select(rows))
        figures["neighbours"] = neighbour_gallery(
            pictures, groups, queries, np.array(neighbours), np.array(nearest), data.group_names
        )
    return figures


def _plane(embeddings: Tensor) -> np.ndarray:
    """t-SNE of embeddings [n, d] under cosine, float [n, 2] (van der Maaten and Hinton, 2008)."""
    from sklearn.manifold import TSNE

    count = len(embeddings)
    unit = torch.nn.functional.normalize(embeddings, dim=1).cpu().numpy()
    # t-SNE of products that are all the same ends the process, not with an exception.
    if count < 5 or np.ptp(unit, axis=0).max() < 1e-6:
        return np.zeros((count, 2))
    perplexity = min(30.0, (count - 1) / 3)
    start = "pca" if min(unit.shape) >= 2 else "random"
    return TSNE(perplexity=perplexity, init=start, random_state=0, n_jobs=1).fit_transform(unit)
