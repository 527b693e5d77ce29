"""What is printed of the data before a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omegaconf import DictConfig


def say_findings(config: DictConfig) -> None:
    """What reading the data left out or mended, which a score must not hide."""
    from likewise.experiment.build import load_data
    from likewise.runs.folder import first_process

    if first_process():
        for finding in load_data(config).findings:
            print(f"data: {finding}", flush=True)
