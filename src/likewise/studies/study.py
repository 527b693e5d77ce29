"""A study: many runs that answer one question."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from likewise.config import compose, read_yaml, shipped
from likewise.errors import LikewiseError


@dataclass(frozen=True)
class Study:
    """A study's config and where its runs go."""

    name: str
    config: DictConfig
    folder: Path


def open_study(name: str, output: str = "runs") -> Study:
    """The study ``experiments/<name>/study.yaml``, of the working folder or shipped.

    ``name`` may also be the path of such a folder.
    """
    places = [Path(name), Path("experiments") / name, shipped("experiments") / name]
    for place in places:
        if (place / "study.yaml").is_file():
            schema = shipped("configs") / "study" / "default.yaml"
            config = read_yaml(place / "study.yaml", schema)
            return Study(place.resolve().name, config, Path(output) / place.resolve().name)
    known = sorted(path.parent.name for path in shipped("experiments").glob("*/study.yaml"))
    raise LikewiseError(
        f"no study {name} (looked for experiments/{name}/study.yaml); there are {', '.join(known)}"
    )


def run_configs(
    study: Study, overrides: Sequence[str] = (), config_dir: str | None = None
) -> list[DictConfig]:
    """The configs of all runs, every one composed before the first is trained."""
    configs = []
    for seed in study.config.seeds:
        for method, changes in study.config.methods.items():
            config = compose(
                [*study.config.overrides, *changes, *overrides, f"seed={seed}"], config_dir
            )
            config.name, config.study = method, study.name
            config.output = str(study.folder.parent)
            if config.primary != study.config.primary:
                config.primary = study.config.primary
            configs.append(config)
    return configs


def run_study(
    study: Study, overrides: Sequence[str] = (), config_dir: str | None = None
) -> list[Path]:
    """Train what is not finished yet; returns the folders of all runs.

    Runs that another process works on are left to it and waited for. A run that fails stops the
    study; the runs before it are kept, and skipped next time.
    """
    from likewise.studies.build import load_data, make_method
    from likewise.studies.leak_report import report_leaks
    from likewise.studies.run import RunBusy
    from likewise.studies.train import prepare

    configs = run_configs(study, overrides, config_dir)
    folders = [prepare(config) for config in configs]
    # A combination that cannot work is found now, not after hours of the others.
    for config in configs:
        make_method(config)
    report_leaks(load_data(configs[0]), study.folder)
    left = dict(enumerate(configs, 1))
    while left:
        busy = {}
        for number, config in left.items():
            try:
                print(_run(config, f"[{number}/{len(configs)}]"), flush=True)
            except RunBusy:
                busy[number] = config
        if len(busy) == len(left):
            time.sleep(1)
        left = busy
    return folders


def _run(config: DictConfig, place: str) -> str:
    """Train one run; a line that says what came of it."""
    from likewise.studies.progress import TrainingProgress
    from likewise.studies.run import is_finished, read_result
    from likewise.studies.train import prepare, train

    title = f"{place} {config.name} seed {config.seed}"
    started, skipped = time.perf_counter(), is_finished(prepare(config))
    folder = train(config, (TrainingProgress(title, config.primary),))
    score = read_result(folder)["metrics"][f"test/{config.primary}"]
    took = "finished before" if skipped else f"{time.perf_counter() - started:.0f} s"
    return f"{title}: {config.primary} {score:.4f} ({took})"


def facts(study: Study) -> dict[str, object]:
    """The study's config as plain data, for the report."""
    return {"name": study.name, **OmegaConf.to_container(study.config, resolve=True)}  # type: ignore[dict-item]
