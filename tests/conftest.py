"""A small product-picture data set in Fashion-MNIST's file format, made by code."""

from __future__ import annotations

import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest

# Tests never look at a key of the person running them, and never wait for a network.
os.environ["WANDB_MODE"] = "offline"
os.environ.pop("WANDB_API_KEY", None)
# Two workers with two threads each would wait for one another.
os.environ["OMP_NUM_THREADS"] = "1"


def write_idx(path: Path, array: np.ndarray) -> None:
    """An IDX file of unsigned bytes, gzipped."""
    header = struct.pack(f">I{array.ndim}I", 0x800 + array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes(), mtime=0))


def make_pictures(count: int, groups: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures [n, 28, 28] of bars whose place tells their group, under noise; groups [n]."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % groups
    pictures = generator.integers(0, 90, (count, 28, 28))
    for row, label in enumerate(labels):
        start = 2 + 24 * label // groups
        pictures[row, start : start + 3, 4 + generator.integers(0, 4) : 24] = 230
    return pictures.astype(np.uint8), labels.astype(np.uint8)


def write_data(folder: Path, train: int = 160, test: int = 60, groups: int = 4) -> Path:
    """The four files of the data set."""
    folder.mkdir(parents=True, exist_ok=True)
    for prefix, count, seed in (("train", train, 0), ("t10k", test, 1)):
        pictures, labels = make_pictures(count, groups, seed)
        write_idx(folder / f"{prefix}-images-idx3-ubyte.gz", pictures)
        write_idx(folder / f"{prefix}-labels-idx1-ubyte.gz", labels)
    return folder


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of 160 training and 60 test pictures in 4 groups."""
    return write_data(tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def small(pictures: Path, tmp_path: Path) -> list[str]:
    """Overrides for a run of a few seconds in a folder of its own."""
    return [
        f"data.path={pictures}",
        "data.validation_size=40",
        "batch_size=40",
        "trainer.max_epochs=2",
        "trainer.accelerator=cpu",
        "embedding_size=16",
        "logger=none",
        f"output={tmp_path / 'runs'}",
    ]
