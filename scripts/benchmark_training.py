"""Images per second of ``likewise train`` compared with a hand-written PyTorch loop.

Both use the same model, loss, augmentation, batches and data. They take turns, one epoch each in
every round, and the median of the paired ratios is printed, because the speed of a machine changes
over time and a ratio of neighbouring epochs hardly does.

    python scripts/benchmark_training.py data.path=... --rounds 5
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from datetime import date

import torch
from omegaconf import DictConfig
from pytorch_lightning.callbacks import Callback

from likewise.experiment.composition import compose
from likewise.experiment.experiment import Loader
from likewise.experiment.features import BATCH_SIZE
from likewise.experiment.parts import make_method
from likewise.runs.train import train

WARM_STEPS = 3


class Pace(Callback):
    """Seconds of the steps after the first few, as Lightning makes them."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_train_batch_end(self, *_: object) -> None:
        """Note when a step ended."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.times.append(time.perf_counter())

    def images_per_second(self, batch_size: int) -> float:
        """Over the steady steps."""
        steps = len(self.times) - 1 - WARM_STEPS
        return steps * batch_size / (self.times[-1] - self.times[WARM_STEPS])


def by_framework(config: DictConfig) -> float:
    """Images per second of one epoch of ``likewise train``."""
    pace = Pace()
    with tempfile.TemporaryDirectory() as folder:
        config.output = folder
        train(config, (pace,))
    return pace.images_per_second(config.batch_size or BATCH_SIZE)


def by_hand(config: DictConfig) -> float:
    """Images per second of one epoch of a plain loop over the same parts."""
    experiment = Loader().experiment(config)
    config = experiment.config
    torch.manual_seed(config.seed)
    module = experiment.module()
    method = make_method(config)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    method.to(device)
    products, groups = module.split("train", device)
    images = products["image"]
    optimizer = method.adamw(method.encoder, method.loss)
    order = torch.randperm(len(images), device=device)
    method.train()
    times = []
    for start in range(0, len(images) - config.batch_size + 1, config.batch_size):
        rows = order[start : start + config.batch_size]
        batch = method.augmentation["image"](images[rows].float().div_(255))
        loss = method.loss(method.encoder(batch), groups[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter())
    steps = len(times) - 1 - WARM_STEPS
    return steps * config.batch_size / (times[-1] - times[WARM_STEPS])


def main() -> None:
    """Alternate the two and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("overrides", nargs="*")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    fixed = ["logger=none", "trainer.max_epochs=1", "data.train_size=6000", "data.test_size=500"]
    fixed += ["data.validation_size=500"]
    pairs = []
    for number in range(options.rounds + 1):
        config = compose([*fixed, *options.overrides, f"seed={number}"])
        contenders = [by_framework, by_hand]
        # Who goes first changes each round, and the first round only warms up.
        if number % 2:
            contenders.reverse()
        speed = {contender.__name__: contender(config.copy()) for contender in contenders}
        if number:
            pairs.append((speed["by_framework"], speed["by_hand"]))
    ours, plain = (statistics.median(values) for values in zip(*pairs, strict=True))
    ratios = [a / b for a, b in pairs]
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor()
    print(f"{date.today()}, {device or platform.machine()}, {os.cpu_count()} cores")
    print("| | images/s (median) |\n|---|---|")
    print(f"| likewise train | {ours:.0f} |\n| plain loop | {plain:.0f} |")
    print(
        f"ratio, median of {len(ratios)} pairs: {statistics.median(ratios):.3f} "
        f"({min(ratios):.3f} to {max(ratios):.3f})"
    )


if __name__ == "__main__":
    main()
