"""One run: train, choose the epoch on validation, test once, leave a folder."""

from __future__ import annotations

import errno
import logging
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.callbacks import Callback
from safetensors.torch import save_file

from likewise.data.module import ProductModule
from likewise.data.products import count, take
from likewise.errors import LikewiseError
from likewise.experiment.experiment import Experiment, Loader
from likewise.experiment.identity import run_name
from likewise.experiment.parts import make_method, make_task
from likewise.experiment.targets import make
from likewise.matchers.base import EmbeddingMatcher
from likewise.methods.base import Method
from likewise.runs import environment
from likewise.runs.checks import check
from likewise.runs.cost import PeakMemory, Stopwatch, flops_per_product
from likewise.runs.examples import explain_examples
from likewise.runs.folder import (
    claimed,
    first_process,
    is_finished,
    reader_folder,
    write_json,
)
from likewise.runs.outcome import write_pictures, write_table
from likewise.runs.stages import chosen_by, train_stages
from likewise.runs.tracking import Tracking
from likewise.scorer import Scorer

# Weights, a checkpoint or two, tables and pictures: below this a run would die half-way.
NEEDED_BYTES = 50_000_000
# Products whose embedding is timed.
TIMED = 4096
# The packages of Lightning, as their loggers and modules are called.
LIGHTNING = ("pytorch_lightning", "lightning_fabric")


def train(
    config: DictConfig, callbacks: tuple[Callback, ...] = (), loader: Loader | None = None
) -> Path:
    """Train and test one configuration, or return its folder when that was done before.

    Args:
        config: as composed; it is left as it is.
        callbacks: of Lightning, beside those of every run.
        loader: reads the data; one for several runs reads them once.

    Raises:
        LikewiseError: for a combination that cannot work (before training), a loss that turns
            NaN, or a full disk; the folder then holds no ``result.json``.
        RunBusy: another process trains this run.
    """
    experiment = (loader or Loader()).experiment(config)
    folder = experiment.folder
    if is_finished(folder):
        return folder
    with _clear_disk_errors(folder), claimed(folder), _quiet():
        # The process that had the run before may have finished it.
        if not is_finished(folder):
            _train(experiment, callbacks)
    return folder


def _train(experiment: Experiment, callbacks: tuple[Callback, ...]) -> None:
    check(experiment)
    config, folder = experiment.config, experiment.folder
    pl.seed_everything(config.seed, workers=True, verbose=False)
    module = experiment.module()
    method = make_method(config)
    if method.trains:
        module.prepare_training()
    tracking: Tracking = make(config.logger) if first_process() else Tracking()
    _start_folder(folder, config)
    resolved: Any = OmegaConf.to_container(config, resolve=True)
    logger = tracking.start(folder, run_name(config), config.study, resolved)
    try:
        memory = PeakMemory()
        memory.start()
        if not method.trains:
            _finish_at_once(experiment, module, method, memory, tracking)
            tracking.finish(failed=False)
            return
        trained = train_stages(method, module, config, folder, logger, callbacks)
        trainer = trained.trainer
        if trainer.is_global_zero:
            seconds = sum(trained.seconds)
            cost = {
                "train_seconds": seconds,
                "train_products_per_second": method.products_seen * trainer.world_size / seconds,
                "epochs": trained.epochs,
            }
            if updates := trained.update_seconds:
                cost["update_seconds"] = sum(updates) / len(updates)
            device = trainer.strategy.root_device
            score = trained.score
            _finish(experiment, module, method, score, cost, memory, tracking, device)
        # The others go on to the next run when this one is finished, not before.
        trainer.strategy.barrier()
    except BaseException:
        tracking.finish(failed=True)
        raise
    tracking.finish(failed=False)


def _finish_at_once(
    experiment: Experiment,
    module: ProductModule,
    method: Method,
    memory: PeakMemory,
    tracking: Tracking,
) -> None:
    """Score what takes no gradient steps: it learns at once, or not at all."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with Stopwatch() as learning:
        read = method.learn(module)
    cost: dict[str, Any] = {"train_seconds": 0.0, "epochs": 0}
    if read:
        seconds = learning.seconds
        cost = {
            "train_seconds": seconds,
            "train_products_per_second": read / seconds,
            "epochs": 1,
        }
    scores = method.task.validate(method.scorer.to(device), module, device)
    score = scores[chosen_by(experiment.config)]
    method.prepare_test(module)
    _finish(experiment, module, method, score, cost, memory, tracking, device)


def _start_folder(folder: Path, config: DictConfig) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        raise LikewiseError(
            f"only {free / 1e6:.0f} MB are free in {folder.parent}; a run needs "
            f"{NEEDED_BYTES / 1e6:.0f} MB, so free some or set output to another disk"
        )
    if first_process():
        (folder / "config.yaml").write_text(OmegaConf.to_yaml(config, resolve=True))


def _finish(
    experiment: Experiment,
    module: ProductModule,
    method: Method,
    validation: float,
    cost: dict[str, Any],
    memory: PeakMemory,
    tracking: Tracking,
    device: torch.device,
) -> None:
    """The one look at the test split, and the files of the run.

    Args:
        method: with the weights of the best epoch.
        validation: its validation score.
    """
    config, data, folder = experiment.config, experiment.data, experiment.folder
    scorer = method.scorer.to(device)
    split = config.evaluate_on
    with Stopwatch() as testing:
        result = make_task(config).test(scorer, module, split, device)
    cost |= {"parameters": scorer.count_parameters()} | result.cost
    cost |= _cost_of_embedding(scorer, module, split, device)
    cost |= {
        "test_seconds": testing.seconds,
        "peak_memory_mb": memory.host_mb(),
        "peak_device_memory_mb": memory.device_mb(),
    }
    results = result.scores | {f"validation/{chosen_by(config)}": validation}
    captions = write_pictures(folder, result)
    explained, problems = explain_examples(experiment, result.examples, scorer, module, device)
    captions |= explained
    tracking.summary(results | {f"cost/{name}": value for name, value in cost.items()})
    tracking.pictures(folder, captions)
    write_table(folder / "per_query.parquet", result.table)
    state = {name: tensor.contiguous().cpu() for name, tensor in scorer.state_dict().items()}
    save_file(state, folder / "weights.safetensors")
    for modality, reader in experiment.readers.items():
        place = reader_folder(folder, modality)
        place.mkdir(parents=True, exist_ok=True)
        reader.save(place)
    write_json(folder / "history.json", method.history)
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    # Last: a folder with this file is a finished run.
    write_json(
        folder / "result.json",
        {
            "id": "-".join(folder.name.rsplit("-", 2)[-2:]),
            "name": run_name(config),
            "study": config.study,
            "seed": config.seed,
            "primary": config.primary,
            "metrics": results,
            "specifications": {name: asdict(one) for name, one in result.specifications.items()},
            "cost": cost,
            "data_fingerprint": data.fingerprint,
            "data_findings": data.findings,
            "clusters": list(result.clusters),
            "chosen": result.chosen,
            "notes": [*result.notes, *method.notes, *scorer.notes, *problems],
            "pictures": captions,
            "environment": environment.describe(),
        },
    )


def _cost_of_embedding(
    scorer: Scorer, module: ProductModule, split: str, device: torch.device
) -> dict[str, Any]:
    """Of single products; nothing for a scorer that embeds none, or without products."""
    if not isinstance(scorer, EmbeddingMatcher) or not len(module.rows[split]):
        return {}
    encoder = scorer.encoder
    products = take(module.products_of(split, device), slice(0, TIMED))
    with Stopwatch() as embedding:
        embeddings = encoder.embed(products)
    return {
        "flops_per_product": flops_per_product(encoder, take(products, slice(0, 1))),
        "embed_products_per_second": count(products) / embedding.seconds,
        "embedding_bytes": embeddings.shape[1] * embeddings.element_size(),
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """Lightning's notices are about choices made here on purpose."""
    for name in LIGHTNING:
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        for name in LIGHTNING:
            warnings.filterwarnings("ignore", module=name)
        warnings.filterwarnings("ignore", module="pytorch_metric_learning")
        yield


@contextmanager
def _clear_disk_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise LikewiseError(f"cannot write to {folder}: {error.strerror}") from error
        raise
    except RuntimeError as error:
        # torch.save reports a full disk without an errno.
        if "PytorchStreamWriter" in str(error) or "file write failed" in str(error):
            raise LikewiseError(f"cannot write to {folder}: the disk may be full") from error
        raise
