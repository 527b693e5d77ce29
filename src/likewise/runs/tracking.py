"""Tracking of curves, costs and pictures; the only module that uses Weights & Biases."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pytorch_lightning.loggers import CSVLogger, Logger


class Tracking:
    """Tracks nothing (``logger=none``); results are in the folder of the run only."""

    def start(self, folder: Path, name: str, study: str | None, config: Mapping) -> Logger | None:
        """Begin tracking a run; return the logger for Lightning."""
        return None

    def summary(self, values: Mapping[str, Any]) -> None:
        """Track the final metrics and costs."""

    def pictures(self, folder: Path, captions: Mapping[str, str]) -> None:
        """Track the run's ``<title>.png``, with captions by title."""

    def finish(self, failed: bool) -> None:
        """End the run as finished or failed; it is called exactly once, also after an error."""

    def compared(
        self,
        folder: Path,
        study: str,
        tables: Mapping[str, Sequence[Sequence[str]]],
        files: Sequence[Path],
    ) -> None:
        """Track the comparison of a study: tables by title (row 0 is the head) and files."""


class CsvTracking(Tracking):
    """Writes curves as ``metrics.csv`` into the run's folder (``logger=csv``)."""

    def start(self, folder: Path, name: str, study: str | None, config: Mapping) -> Logger:
        """See ``Tracking``."""
        return CSVLogger(str(folder), name="", version="")


class WandbTracking(Tracking):
    """Tracks each run as one Weights & Biases run, even if one process has many runs.

    Args:
        project: W&B project.
        mode: ``online``, ``offline``, or ``None``: online when a key is configured.
    """

    def __init__(
        self, project: str = "likewise", mode: Literal["online", "offline"] | None = None
    ) -> None:
        self.project, self.mode = project, mode
        self.run: Any = None

    def start(self, folder: Path, name: str, study: str | None, config: Mapping) -> Logger:
        """See ``Tracking``; falls back to offline when the server does not answer."""
        from pytorch_lightning.loggers import WandbLogger

        kept = folder / "wandb-id"
        title = f"{name}-seed{config['seed']}"
        known = kept.read_text().strip() if kept.is_file() else None
        self._begin(folder.parent, title, study, dict(config), None, known)
        # An interrupted and resumed run is also a single W&B run.
        kept.write_text(f"{self.run.id}\n")
        return WandbLogger(experiment=self.run)

    def _begin(
        self,
        place: Path,
        name: str,
        group: str | None,
        config: dict[str, Any],
        kind: str | None,
        known: str | None = None,
    ) -> None:
        import wandb

        logging.getLogger("wandb").setLevel(logging.ERROR)
        options: dict[str, Any] = {
            "project": self.project,
            "name": name,
            "group": group,
            "job_type": kind,
            "config": config,
            "dir": str(place),
            "reinit": "create_new",
            "id": known,
            "resume": "allow" if known else None,
        }
        mode: Any = self.mode or ("online" if has_key() else "offline")
        if os.environ.get("WANDB_MODE") == "disabled":
            mode = "disabled"
        try:
            self.run = wandb.init(mode=mode, settings=_settings(mode), **options)
        except (wandb.Error, OSError) as error:
            if mode == "offline":
                raise
            print(f"W&B did not answer ({error}); this and later runs are logged offline")
            # Later runs of this process need not wait for the same timeout.
            os.environ["WANDB_MODE"] = "offline"
            self.run = wandb.init(mode="offline", settings=_settings("offline"), **options)

    def summary(self, values: Mapping[str, Any]) -> None:
        """See ``Tracking``."""
        with _never_failing():
            self.run.summary.update(dict(values))

    def pictures(self, folder: Path, captions: Mapping[str, str]) -> None:
        """See ``Tracking``."""
        import wandb

        with _never_failing():
            self.run.log(
                {
                    title: wandb.Image(str(folder / f"{title}.png"), caption=caption)
                    for title, caption in captions.items()
                }
            )

    def finish(self, failed: bool) -> None:
        """See ``Tracking``."""
        if self.run is not None:
            with _never_failing():
                self.run.finish(exit_code=1 if failed else 0)
            self.run = None

    def compared(
        self,
        folder: Path,
        study: str,
        tables: Mapping[str, Sequence[Sequence[str]]],
        files: Sequence[Path],
    ) -> None:
        """See ``Tracking``: a run of its own in the study's group, the files as an artifact."""
        import wandb

        self._begin(folder, f"{study}-comparison", study, {}, "comparison")
        with _never_failing():
            for title, (head, *rows) in tables.items():
                self.run.log(
                    {title: wandb.Table(columns=list(head), data=[list(row) for row in rows])}
                )
            pictures = {
                path.stem: wandb.Image(str(path)) for path in files if path.suffix == ".png"
            }
            if pictures:
                self.run.log(pictures)
            # W&B allows no slash in an artifact's name; a study's part of one data set has one.
            name = f"{study}-comparison".replace("/", "-")
            artifact = wandb.Artifact(name, type="comparison")
            for path in files:
                artifact.add_file(str(path))
            self.run.log_artifact(artifact)
        self.finish(failed=False)


@contextmanager
def _never_failing() -> Iterator[None]:
    """Ensure that an error of W&B does not lose a trained run."""
    try:
        yield
    except Exception as error:
        print(f"W&B: {' '.join(str(error).split())}; the run goes on")


def has_key() -> bool:
    """Whether a W&B key is configured: in the environment or by ``wandb login``."""
    if os.environ.get("WANDB_MODE") in ("offline", "disabled"):
        return False
    if os.environ.get("WANDB_API_KEY"):
        return True
    import netrc

    try:
        host = os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai").split("//")[-1]
        return netrc.netrc().authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False


def _settings(mode: str) -> Any:
    """Limits on waiting for a server; a file on disk (``offline``) is always written whole."""
    import wandb

    return wandb.Settings(
        silent=True,
        console="off",
        init_timeout=20,
        login_timeout=10,
        finish_timeout=15 if mode == "online" else 0,
        disable_git=True,
        x_disable_stats=True,
        x_save_requirements=False,
    )
