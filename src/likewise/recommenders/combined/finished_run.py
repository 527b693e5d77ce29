"""A finished run as a part of another recommender."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from likewise.data.histories import Histories
from likewise.errors import LikewiseError
from likewise.recommenders.base import FittedRecommender, Recommender

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData


class FinishedRun(FittedRecommender):
    """The recommender of a finished run, such as one of ``method=sequence``, as it was trained.

    It lets ``recommender=hybrid`` and ``rank_fusion`` have parts that are trained by gradient
    steps. The scorer of the run becomes a part of the config, and its weights are saved with those
    of the new run, whose folder needs the folder of the finished run no longer.

    Args:
        run: the folder of the finished run, whose weights are read; ``None`` where weights are
            loaded afterwards.
        scorer: the recommender of that run, which ``experiment/finished_runs.py`` fills in.
    """

    uninitialised: ClassVar[Mapping[str, Any]] = {"run": None}

    def __init__(self, run: str | None, scorer: Recommender | None = None) -> None:
        super().__init__()
        if not isinstance(scorer, Recommender):
            raise LikewiseError(
                "the part FinishedRun needs the recommender of a finished run; give its folder as "
                "run=…, and train with likewise train"
            )
        self.scorer = scorer.requires_grad_(False)
        if run is not None:
            self._load(Path(run) / "weights.safetensors")

    @classmethod
    def lacks(cls, data: ProductData) -> str | None:
        """See ``Scorer``: another run has to be finished before."""
        return "a finished run"

    def _load(self, path: Path) -> None:
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            self.scorer.load_state_dict(load_file(path))
        except (OSError, RuntimeError, SafetensorError) as error:
            raise LikewiseError(f"{path} does not fit the config.yaml of its run") from error

    def fit(self, histories: Histories, data: ProductData, seed: int) -> None:
        """See ``Recommender``; everything was learned in the finished run."""

    @torch.no_grad()
    def scores(self, histories: Histories) -> Tensor:
        """See ``Recommender``."""
        return self.scorer.scores(histories).cpu()
