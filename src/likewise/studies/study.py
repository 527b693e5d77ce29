"""Studies: many runs that answer one question."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from likewise.errors import LikewiseError, MissingRun
from likewise.evidence.budget import Budget
from likewise.experiment.composition import compose, read_yaml, shipped
from likewise.experiment.identity import COSMETIC, check_name

if TYPE_CHECKING:
    from likewise.experiment.experiment import Loader
    from likewise.studies.tuning import HyperparameterSearch

# Keys that must not be on the command line of a study, and what to do instead.
OWN = {
    "seed": "change seeds in its study.yaml",
    "primary": "change primary in its study.yaml",
    "evaluate_on": "its searches score validation, its runs the test split",
    "output": "use --output",
    "name": "its methods have names",
    "study": "it is its own",
}
# The name of the unchanged method of an ablation.
BASE = "base"


@dataclass(frozen=True)
class Study:
    """The config of a study and the folder of its runs.

    Attributes:
        name: the name of its folder.
        config: see ``configs/study.yaml``; ``methods`` are filled in from ``ablate``.
        folder: ``<output>/<name>``.
        overrides, config_dir: options of every run, from the command line.
    """

    name: str
    config: DictConfig
    folder: Path
    overrides: Sequence[str] = ()
    config_dir: str | None = None

    def fixed(self, method: str) -> list[str]:
        """Return the overrides of all runs of a method."""
        return [*self.config.overrides, *self.config.methods[method], *self.overrides]

    def search(self, method: str) -> HyperparameterSearch:
        """Return the search for the hyper-parameters of a method."""
        from likewise.studies.tuning import HyperparameterSearch

        config = self.config
        return HyperparameterSearch(
            method, self.fixed(method), config.primary, config.tune, self.folder, self.config_dir
        )

    def parts(self) -> list[Study]:
        """Return one study per data set, each in its own folder; itself if it names none."""
        if not self.config.datasets:
            return [self]
        made = []
        for label, changes in self.config.datasets.items():
            config = self.config.copy()
            config.overrides = [*config.overrides, *changes]
            config.datasets = None
            name = f"{self.name}/{label}"
            made.append(replace(self, name=name, config=config, folder=self.folder / label))
        return made

    def facts(self) -> dict[str, object]:
        """Return the name and config as plain data."""
        content: Any = OmegaConf.to_container(self.config, resolve=True)
        return {"name": self.name, **content}


def open_study(
    name: str, output: str = "runs", overrides: Sequence[str] = (), config_dir: str | None = None
) -> Study:
    """Open ``experiments/<name>/study.yaml`` of the working folder or of the package.

    ``name`` may also be the path of such a folder.
    """
    for override in overrides:
        key = override.lstrip("+~").partition("=")[0]
        if key in OWN:
            raise LikewiseError(f"a study sets {key} itself; {OWN[key]}")
    places = [Path(name), Path("experiments") / name, shipped("experiments") / name]
    for place in places:
        path = place / "study.yaml"
        if path.is_file():
            config = read_yaml(path, shipped("configs") / "study.yaml")
            _fill_in(config, path)
            label = place.resolve().name
            return Study(label, config, Path(output) / label, overrides, config_dir)
    known = sorted(path.parent.name for path in shipped("experiments").glob("*/study.yaml"))
    raise LikewiseError(
        f"no study {name} (looked for experiments/{name}/study.yaml); there are {', '.join(known)}"
    )


def _fill_in(config: DictConfig, path: Path) -> None:
    """Fill in the methods of an ablation and the defaults of ``tune``."""
    if config.ablate is not None:
        if config.methods or "base" not in config.ablate or not config.ablate.get("changes"):
            raise LikewiseError(
                f"{path}: ablate needs base and changes, and takes the place of methods"
            )
        base = list(config.ablate.base)
        changes = {name: [*base, *more] for name, more in config.ablate.changes.items()}
        config.methods, config.baseline = {BASE: base, **changes}, BASE
    if not config.methods:
        raise LikewiseError(f"{path} lacks methods")
    if not OmegaConf.is_dict(config.methods) or not OmegaConf.is_list(config.seeds):
        raise LikewiseError(
            f"{path}: methods must be a mapping of names to lists, and seeds must be a list"
        )
    if not config.seeds:
        raise LikewiseError(f"{path}: seeds is empty; name at least one, such as [0, 1, 2]")
    for seed in config.seeds:
        if not isinstance(seed, int) or isinstance(seed, bool) or config.seeds.count(seed) > 1:
            raise LikewiseError(
                f"{path}: seeds must be different whole numbers, and {list(config.seeds)} are not"
            )
    for method in config.methods:
        check_name("method", str(method))
    for label in config.datasets or ():
        check_name("data set", str(label))
    if config.baseline is not None and config.baseline not in config.methods:
        raise LikewiseError(
            f"{path}: baseline {config.baseline} is not a method; the methods are "
            f"{', '.join(config.methods)}"
        )
    if strange := [name for name in config.deterministic if name not in config.methods]:
        raise LikewiseError(
            f"{path}: deterministic names {', '.join(strange)}, no method; the methods are "
            f"{', '.join(config.methods)}"
        )
    if config.tune is not None:
        tune = OmegaConf.merge(
            {"trials": None, "seed": 1000, "space": {}, "spaces": {}}, config.tune
        )
        unknown = set(tune.spaces) - set(config.methods)
        if not tune.trials or unknown:
            why = (
                f"spaces names {', '.join(unknown)}, no method" if unknown else "trials is missing"
            )
            raise LikewiseError(f"{path}: tune: {why}")
        config.tune = tune


def check_methods(study: Study) -> None:
    """Refuse two methods that are the same run, as an override of the very part that tells them
    apart makes them.

    Raises:
        LikewiseError: names the two.
    """
    seen: dict[str, str] = {}
    for method in study.config.methods:
        config = compose(study.fixed(method), study.config_dir)
        content: Any = OmegaConf.to_container(config)
        for key in COSMETIC:
            content.pop(key, None)
        if study.config.tune is not None:
            content["tune"] = str(study.config.tune.spaces.get(method))
        other = seen.setdefault(json.dumps(content, sort_keys=True, default=str), method)
        if other != method:
            because = f" with {' '.join(study.overrides)}" if study.overrides else ""
            raise LikewiseError(
                f"the methods {other} and {method} are the same run{because}, so there is nothing "
                "to compare; override what they share, or change the study's methods"
            )


def run_configs(study: Study) -> list[DictConfig]:
    """Compose the configs of all runs before the first run is trained.

    Raises:
        LikewiseError: for a tuned study whose search has not found anything yet.
    """
    check_methods(study)
    tuned = {method: _tuned(study, method) for method in study.config.methods}
    configs = []
    first, once = study.config.seeds[0], study.config.deterministic
    for seed in study.config.seeds:
        for method in study.config.methods:
            if method in once and seed != first:
                continue
            overrides = [*study.fixed(method), *tuned[method], f"seed={seed}"]
            config = compose(overrides, study.config_dir)
            config.name, config.study = method, study.name
            # The folder of a data set's part lies one deeper, as its name says.
            config.output = str(study.folder.parents[study.name.count("/")])
            config.primary = study.config.primary
            configs.append(config)
    return configs


def budgets(study: Study) -> list[Budget]:
    """Return the budget of each method's search; empty for a study without a search."""
    if study.config.tune is None:
        return []
    from likewise.studies.tuning import budget

    found = [budget(study.search(method)) for method in study.config.methods]
    return [one for one in found if one is not None]


def _tuned(study: Study, method: str) -> list[str]:
    if study.config.tune is None:
        return []
    from likewise.studies.tuning import budget

    found = budget(study.search(method))
    if found is None:
        raise LikewiseError(
            f"the search for {method} has not finished a trial; run likewise study {study.name}"
        )
    return found.overrides


def run_study(study: Study, loader: Loader | None = None) -> list[Path]:
    """Run the searches and the training that are not finished; return the folders of all runs.

    If another process works on a run, its end is awaited. A run that fails stops the study;
    finished runs are kept and skipped next time.
    """
    from likewise.experiment.experiment import Loader
    from likewise.report.leaks import report_leaks
    from likewise.runs.checks import check
    from likewise.runs.folder import first_process

    loader = loader or Loader()
    check_methods(study)
    # An impossible combination is found now, not after hours of training.
    configs = [compose(study.fixed(method), study.config_dir) for method in study.config.methods]
    for config in configs:
        config.primary = study.config.primary
        # A run that this one reads may be one of this study's, which are trained in their order.
        with suppress(MissingRun):
            check(loader.experiment(config))
    if first_process():
        # If only some methods remove leaks, the leaks of the original data are counted.
        as_it_is = min(configs, key=lambda config: bool(config.remove_leaks))
        report_leaks(loader.data(as_it_is), study.folder)
    if study.config.tune is not None:
        if config.trainer.devices not in (1, "1", "auto"):
            raise LikewiseError(
                f"tune searches on one device, not trainer.devices={config.trainer.devices}; "
                "start one process per device instead; the processes share the study"
            )
        methods = list(study.config.methods)
        _all(lambda place: _search(study, methods[place], loader), len(methods))
    configs = run_configs(study)
    folders: dict[int, Path] = {}

    def work(place: int) -> str:
        folders[place], line = _run(configs[place], f"[{place + 1}/{len(configs)}]", loader)
        return line

    _all(work, len(configs))
    return [folders[place] for place in range(len(configs))]


def _all(work: Callable[[int], str], number: int) -> None:
    """Do every task and print its line; tasks of other processes, and what reads them, come last.

    Raises:
        MissingRun: a task reads a run that no process is working on.
    """
    from likewise.runs.folder import RunBusy, first_process

    left = list(range(number))
    while left:
        busy: list[int] = []
        missing: dict[int, MissingRun] = {}
        for place in left:
            try:
                line = work(place)
                if first_process():
                    print(line, flush=True)
            except RunBusy:
                busy.append(place)
            except MissingRun as error:
                missing[place] = error
        if len(busy) + len(missing) == len(left):
            if not busy:
                raise next(iter(missing.values()))
            time.sleep(1)
        left = sorted([*busy, *missing])


def _search(study: Study, method: str, loader: Loader) -> str:
    from likewise.studies.tuning import search

    found = search(study.search(method), loader)
    chosen = " ".join(found.overrides)
    return f"tuned {method}: {found.trials} trials, validation {found.score:.4f} with {chosen}"


def _run(config: DictConfig, place: str, loader: Loader) -> tuple[Path, str]:
    """Train a run; return its folder and a line about it."""
    from likewise.runs.folder import is_finished, read_result
    from likewise.runs.progress import TrainingProgress
    from likewise.runs.train import train

    title = f"{place} {config.name} seed {config.seed}"
    started, skipped = time.perf_counter(), is_finished(loader.experiment(config).folder)
    folder = train(config, (TrainingProgress(title, config.primary),), loader)
    score = read_result(folder)["metrics"][f"test/{config.primary}"]
    took = "finished before" if skipped else f"{time.perf_counter() - started:.0f} s"
    return folder, f"{title}: {config.primary} {score:.4f} ({took})"
