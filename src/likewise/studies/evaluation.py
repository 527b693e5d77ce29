"""Embeddings of a split, and the test that uses them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor, nn

from likewise.data.catalogue import ProductData
from likewise.data.module import ImageDataModule
from likewise.data.splits import stratified_sample
from likewise.errors import LikewiseError
from likewise.methods.base import to_float
from likewise.metrics.retrieval import RetrievalMetric, evaluate_retrieval
from likewise.similarity.base import Similarity
from likewise.similarity.topk import topk_neighbours

PROTOCOLS = ("leave_one_out", "train_gallery")


@torch.no_grad()
def embed(encoder: nn.Module, images: Tensor, batch_size: int = 1024) -> Tensor:
    """uint8 [n, c, h, w] to float32 [n, d], on the pictures' device, in evaluation mode."""
    encoder.eval()
    return torch.cat([encoder(to_float(part)).float() for part in images.split(batch_size)])


def evaluate_split(
    encoder: nn.Module,
    module: ImageDataModule,
    split: str,
    metrics: dict[str, RetrievalMetric],
    similarity: Similarity,
    protocol: str,
    device: torch.device,
    embeddings: Tensor | None = None,
) -> dict[str, float]:
    """Retrieval scores of a split.

    Args:
        protocol: ``leave_one_out``: every product of the split searches the others;
            ``train_gallery``: it searches the training products.
        embeddings: of the split, where they are known already.
    """
    if protocol not in PROTOCOLS:
        raise LikewiseError(f"protocol={protocol} is unknown; it can be {' or '.join(PROTOCOLS)}")
    images, groups = module.split(split, device)
    if embeddings is None:
        embeddings = embed(encoder, images)
    if protocol == "leave_one_out":
        return evaluate_retrieval(metrics, embeddings, groups, similarity)
    gallery, gallery_groups = module.split("train", device)
    return evaluate_retrieval(
        metrics, embeddings, groups, similarity, embed(encoder, gallery), gallery_groups
    )


NEAREST = 8
# t-SNE of more products takes long and shows no more.
MAPPED = 600


def write_per_query(
    path: Path,
    data: ProductData,
    split: str,
    metrics: dict[str, RetrievalMetric],
    embeddings: Tensor,
    similarity: Similarity,
) -> None:
    """One row a query: product, group, its score under each metric and its neighbours.

    A score is NaN where there was nothing to find. ``neighbours`` are the ids of the ``NEAREST``
    other products of the split, the nearest first (whatever the protocol), and ``similarities``
    theirs.
    """
    rows = data.splits[split]
    ids = np.array(data.catalogue.select(rows)["product_id"][:])
    columns = {"product_id": ids, "group": data.groups[rows]}
    if len(rows) > 1:
        values, found = topk_neighbours(embeddings, None, similarity, k=NEAREST)
        columns["neighbours"] = list(ids[found.cpu().numpy()])
        columns["similarities"] = list(values.cpu().numpy())
    scores = {name: metric.per_query_scores().cpu().numpy() for name, metric in metrics.items()}
    pq.write_table(pa.table(columns | scores), path, compression="zstd")


def draw(
    folder: Path, data: ProductData, split: str, embeddings: Tensor, similarity: Similarity
) -> dict[str, Path]:
    """``neighbours.png``, ``similarity.png`` and ``map.png`` of a split; returns them by title."""
    from likewise.data.images import image_array
    from likewise.studies.drawing import (
        embedding_map,
        neighbour_gallery,
        png_bytes,
        similarity_heat_map,
    )

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
    pictures = image_array(data.catalogue.select(rows))
    gallery = neighbour_gallery(
        pictures, groups, queries, np.array(neighbours), np.array(nearest), data.group_names
    )
    shown = np.concatenate([np.flatnonzero(groups == kind)[:8] for kind in kinds])
    matrix = similarity.matrix(embeddings[shown]).cpu().numpy()
    heat = similarity_heat_map(matrix, groups[shown], data.group_names, similarity.name)
    some = stratified_sample(groups, min(MAPPED, len(groups)), seed=0)
    plane = embedding_map(_plane(embeddings[some]), groups[some], data.group_names)
    figures = {"neighbours": gallery, "similarity": heat, "map": plane}
    files = {title: folder / f"{title}.png" for title in figures}
    for title, figure in figures.items():
        files[title].write_bytes(png_bytes(figure))
    return files


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
