"""What each verb of the command line does."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from likewise.config import compose, search_path, shipped
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from likewise.studies.comparison import Comparison
    from likewise.studies.study import Study


def train(options: Namespace) -> None:
    """Train one configuration, or with ``-m`` every one of a Hydra multirun."""
    if not options.multirun:
        _train_one(compose(options.overrides, options.config_dir))
        return
    import hydra

    more = search_path(options.config_dir)
    sys.argv = ["likewise train", "--multirun", *options.overrides, *more]
    app = hydra.main(str(shipped("configs")), "train", version_base="1.3")
    app(_train_one)()


def _train_one(config: DictConfig) -> None:
    from likewise.studies.progress import TrainingProgress
    from likewise.studies.run import first_process, read_result, run_name
    from likewise.studies.train import train

    name = run_name(config)
    _say_findings(config)
    folder = train(config, (TrainingProgress(f"{name} seed {config.seed}", config.primary),))
    if not first_process():
        return
    scores = read_result(folder)["metrics"]
    line = "  ".join(f"{key} {value:.4f}" for key, value in scores.items())
    print(f"{name} seed {config.seed}  {line}\n{folder}", flush=True)


def _say_findings(config: DictConfig) -> None:
    """What reading the data left out or mended, which a score must not hide."""
    from likewise.studies.build import load_data
    from likewise.studies.run import first_process

    if first_process():
        for finding in load_data(config).findings:
            print(f"data: {finding}", flush=True)


def study(options: Namespace) -> None:
    """Run what a study lacks, then compare."""
    from likewise.studies.run import first_process
    from likewise.studies.study import open_study, run_study

    opened = open_study(options.study, options.output, options.overrides, options.config_dir)
    if options.dry_run:
        for part in opened.parts():
            _list_runs(part)
        return
    print(" ".join(opened.config.question.split()), flush=True)
    folders = {}
    for part in opened.parts():
        _say_findings(compose(part.fixed(next(iter(part.config.methods))), part.config_dir))
        folders[part.name] = run_study(part)
    if first_process():
        _compare_parts(opened, folders)


def _list_runs(opened: Study) -> None:
    from likewise.studies.run import is_finished
    from likewise.studies.study import budgets, run_configs
    from likewise.studies.train import prepare

    tune = opened.config.tune
    if tune is not None:
        done = {found.method: found.trials for found in budgets(opened)}
        for method in opened.config.methods:
            print(f"{done.get(method, 0)} of {tune.trials} trials  {method}")
        if len(done) < len(opened.config.methods):
            runs = len(opened.config.methods) * len(opened.config.seeds)
            print(f"to run    {runs} runs, with what the trials find")
            return
    for config in run_configs(opened):
        folder = prepare(config)
        print(f"{'finished' if is_finished(folder) else 'to run  '}  {folder}")


def compare(options: Namespace) -> None:
    """Compare what is finished, without training anything."""
    from likewise.studies.run import is_finished
    from likewise.studies.study import Study, open_study, run_configs
    from likewise.studies.train import prepare

    folder = Path(options.study)
    if folder.is_dir() and not (folder / "study.yaml").is_file():
        from omegaconf import OmegaConf

        primary = _primary(folder, options.primary)
        config = OmegaConf.create(
            {
                "question": f"How do the runs in {folder} compare?",
                "primary": primary,
                "baseline": options.baseline,
                "tune": None,
            }
        )
        _compare(Study(folder.resolve().name, config, folder), None)
        return
    opened = open_study(options.study, options.output, options.overrides, options.config_dir)
    finished = {}
    for part in opened.parts():
        folders = [prepare(config) for config in run_configs(part)]
        finished[part.name] = [place for place in folders if is_finished(place)]
        if len(finished[part.name]) < len(folders):
            print(f"{part.name}: {len(finished[part.name])} of {len(folders)} runs are finished")
    _compare_parts(opened, finished)


def _primary(folder: Path, wanted: str | None) -> str:
    """The metric that ranks the runs of a folder: the one asked for, or the one they ranked by."""
    from likewise.studies.results import read_finished

    found = sorted({run.primary for run in read_finished(folder) if run.primary})
    if wanted is None and len(found) > 1:
        raise LikewiseError(
            f"the runs in {folder} were ranked by {' and '.join(found)}; say which to compare with "
            f"--primary, such as --primary {found[0]}"
        )
    return wanted or next(iter(found), "map_at_r")


def _compare_parts(opened: Study, folders: dict[str, list[Path]]) -> None:
    from likewise.studies.ranks import write_ranks

    comparisons = []
    for part in opened.parts():
        if opened.config.datasets:
            print(f"\n{part.name}")
        comparisons.append(_compare(part, folders[part.name]))
    if opened.config.datasets:
        print(f"\n{write_ranks(comparisons, opened.name, opened.folder)}")
        print(f"ranks     {opened.folder / 'RESULTS.md'}")


def _compare(opened: Study, folders: list[Path] | None) -> Comparison:
    from likewise.studies.comparison import compare_runs, track, write_tables
    from likewise.studies.report import write_report
    from likewise.studies.results import read_finished, read_run, told_apart
    from likewise.studies.study import budgets
    from likewise.studies.tables import print_table

    if folders is None:
        finished = read_finished(opened.folder)
        results = [run for run in finished if f"test/{opened.config.primary}" in run.metrics]
        if results and len(results) < len(finished):
            others = len(finished) - len(results)
            said = "1 run that has" if others == 1 else f"{others} runs that have"
            verb = "is" if others == 1 else "are"
            print(f"{said} no {opened.config.primary} {verb} left out")
        results = told_apart(results or finished)
    else:
        results = [read_run(folder) for folder in folders]
    if not results:
        raise LikewiseError(f"there is no finished run in {opened.folder}")
    comparison = compare_runs(opened.facts(), results, opened.folder, budgets(opened))
    print_table(comparison.summaries, comparison.primary)
    print(*comparison.verdict(), *(f"Caution: {doubt}" for doubt in comparison.doubts()), sep="\n")
    if comparison.leaks:
        print(f"Leaks: {comparison.leaks.sentence()}")
    said_before = _text(opened.folder / "RESULTS.md")
    files = [*write_tables(comparison), write_report(comparison)]
    if said_before != _text(opened.folder / "RESULTS.md"):
        track(comparison, files)
    print(f"report    {opened.folder / 'report.html'}")
    print(f"tables    {opened.folder / 'RESULTS.md'} (also CSV and LaTeX)")
    wandb_runs = sorted(opened.folder.glob("wandb/*run-*"))
    if wandb_runs:
        print(
            f"W&B runs  {opened.folder / 'wandb'} "
            f"({len(wandb_runs)}; `wandb sync {opened.folder / 'wandb'}/offline-run-*` uploads)"
        )
    return comparison


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def evaluate(options: Namespace) -> None:
    """Score a finished run on a split, under any similarity or protocol."""
    from likewise.studies.build import make_task
    from likewise.studies.saved import open_run

    more = [f"task.protocol={options.protocol}"] if options.protocol else []
    run = open_run(options.run, [*options.overrides, *more], tuple(options.allow))
    run.check_split(options.split)
    task = make_task(run.config)
    task.check(run.data, options.split)
    result = task.test(run.encoder, run.module, options.split, run.device)
    for name, value in result.scores.items():
        print(f"{name} {value:.6f}")


def embed(options: Namespace) -> None:
    """Write product ids and embeddings (lists of float32) of a split."""
    from likewise.studies.saved import open_run, write_embeddings

    run = open_run(options.run, options.overrides, tuple(options.allow))
    path = Path(options.to or Path(options.run) / f"embeddings-{options.split}.parquet")
    write_embeddings(path, run, options.split)
    print(path)


def matrix(options: Namespace) -> None:
    """Write the full matrix, or with a threshold or top-k the pairs."""
    from likewise.similarity.matrix import write_matrix, write_pairs
    from likewise.studies.saved import open_run

    limits = []
    if options.top_k is not None:
        limits.append(f"top{options.top_k}")
    if options.threshold is not None:
        limits.append(f"threshold{options.threshold:g}")
    pairs = bool(limits)
    name = "-".join(["pairs", options.split, *limits]) + ".parquet"
    path = Path(
        options.to or Path(options.run) / (name if pairs else f"matrix-{options.split}.npy")
    )
    run = open_run(options.run, options.overrides, tuple(options.allow))
    embeddings = run.embeddings(options.split)
    if pairs:
        write_pairs(
            embeddings,
            run.product_ids(options.split),
            run.similarity,
            path,
            threshold=options.threshold,
            top_k=options.top_k,
        )
    else:
        write_matrix(embeddings, run.similarity, path)
    print(path)


def data(options: Namespace) -> None:
    """Describe a data set, report on its quality, or check that nothing would spoil a study."""
    from likewise.studies.build import load_data
    from likewise.studies.data_report import print_report, write_data_report

    actions = ("describe", "report", "check")
    action, overrides = "describe", list(options.overrides)
    if overrides and "=" not in overrides[0]:
        action = overrides.pop(0)
    if action not in actions:
        raise LikewiseError(f"likewise data {action} is unknown; it can be {', '.join(actions)}")
    config = compose(overrides, options.config_dir)
    loaded = load_data(config)
    if action == "describe":
        print_report(loaded, [])
        return
    from likewise.data.quality import find_problems

    problems = find_problems(loaded)
    print_report(loaded, problems)
    if action == "report":
        name = str(config.data._target_).split(".")[-2]
        path = Path(config.output) / "data" / f"{name}-{loaded.fingerprint}.html"
        print(f"report{'':<16} {write_data_report(name, loaded, problems, path)}")
        return
    spoiling = [finding.sentence for finding in problems if finding.spoils]
    if spoiling:
        raise LikewiseError(
            f"{len(spoiling)} finding(s) would spoil a study: {'; '.join(spoiling)}"
        )


def doctor(options: Namespace) -> None:
    """Say what is installed, which device is used, and where data and logs go."""
    import shutil

    from likewise.studies.environment import describe
    from likewise.studies.tracking import has_key

    found = describe()
    for key in ("python", "platform", "device", "threads", "git_commit"):
        print(f"{key:<12} {found[key]}")
    for name, version in found["packages"].items():
        print(f"{name:<24} {version or 'MISSING'}")
    print(f"configs      {shipped('configs')}")
    print(f"W&B          {'online (a key is configured)' if has_key() else 'offline'}")
    print(f"free disk    {shutil.disk_usage('.').free / 1e9:.1f} GB")
    missing = [name for name, version in found["packages"].items() if version is None]
    if missing:
        raise LikewiseError(f"not installed: {', '.join(missing)}; install requirements.lock again")
