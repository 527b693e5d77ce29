"""One run, resolved once: its complete config, data, features and folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from likewise.data.catalogue import ProductData
from likewise.data.memory import parse_budget
from likewise.data.modalities.base import Reader
from likewise.data.module import ProductModule
from likewise.errors import LikewiseError
from likewise.experiment.data import load_data
from likewise.experiment.features import fill_in, learns_from
from likewise.experiment.finished_runs import fill_in_finished_runs
from likewise.experiment.identity import config_identity, run_folder
from likewise.experiment.parts import make_task
from likewise.experiment.targets import make


@dataclass(frozen=True)
class Experiment:
    """What a run needs to know before it is trained; nothing of it changes afterwards.

    Attributes:
        config: complete, with the sizes that the data give; read-only.
        data: read and cleaned.
        readers: of the encoder's modalities, fitted on the training products.
        folder: of the run; its name holds a hash of what determines the result.
    """

    config: DictConfig
    data: ProductData
    readers: Mapping[str, Reader]
    folder: Path

    def module(self) -> ProductModule:
        """The products as tensors, in batches."""
        return ProductModule(
            self.data,
            self.readers,
            self.config.batch_size,
            self.config.seed,
            make(self.config.sampler),
            learns_from(self.config),
            parse_budget(self.config.memory_budget),
            self.config.workers,
        )


class Loader:
    """Makes experiments; reads each data set and fits each reader once in its life."""

    def __init__(self) -> None:
        self._data: dict[str, ProductData] = {}
        self._readers: dict[str, Reader] = {}

    def data(self, config: DictConfig) -> ProductData:
        """See ``load_data``."""
        # Each by itself: an option may be that of another part, such as ${seed}.
        parts = (config[name] for name in ("data", "cleaning", "deduplication"))
        resolved = [OmegaConf.to_container(part, resolve=True) for part in parts if part]
        key = repr((resolved, config.remove_leaks))
        if key not in self._data:
            self._data[key] = load_data(config)
        return self._data[key]

    def experiment(self, config: DictConfig) -> Experiment:
        """Resolve a composed config, which is left as it is.

        Raises:
            LikewiseError: the data cannot be read, or are not what the task is judged by.
        """
        if config.evaluate_on not in ("test", "validation"):
            raise LikewiseError(f"evaluate_on={config.evaluate_on} is not one of test, validation")
        identity = config_identity(config)
        complete = config.copy()
        data = self.data(complete)
        make_task(complete).check(data, complete.evaluate_on)
        readers = fill_in(complete, data, self._fitted)
        fill_in_finished_runs(complete, data)
        OmegaConf.resolve(complete)
        OmegaConf.set_readonly(complete, True)
        return Experiment(complete, data, readers, run_folder(complete, identity, data.fingerprint))

    def _fitted(self, config: DictConfig, data: ProductData) -> Reader:
        key = f"{data.fingerprint} {OmegaConf.to_yaml(config, resolve=True)}"
        if key not in self._readers:
            reader = make(config)
            reader.fit(data.catalogue, data.splits["train"])
            self._readers[key] = reader
        return self._readers[key]
