"""The verb ``likewise compare``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from likewise.errors import LikewiseError
from likewise.verbs.arguments import add_study

if TYPE_CHECKING:
    from likewise.evidence.comparison import Comparison
    from likewise.studies.study import Study


HELP = "compare the finished runs of a study, or of any folder"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options and overrides of the verb."""
    add_study(parser, "name of a study, or a folder of runs")
    parser.add_argument("--baseline", help="the method to measure the others by (folders)")
    parser.add_argument("--primary", help="the metric that ranks (folders)")


def run(options: Namespace) -> None:
    """Compare the finished runs, without training."""
    from likewise.runs.folder import finished_folder
    from likewise.studies.study import Study, open_study, run_configs

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
    finished = []
    for part in opened.parts():
        folders = [finished_folder(config) for config in run_configs(part)]
        finished.append((part, [place for place in folders if place is not None]))
        if len(finished[-1][1]) < len(folders):
            print(f"{part.name}: {len(finished[-1][1])} of {len(folders)} runs are finished")
    compare_parts(opened, finished)


def _primary(folder: Path, wanted: str | None) -> str:
    """Return the metric that ranks the runs of a folder: the given one, or their own."""
    from likewise.evidence.results import read_finished

    found = sorted({run.primary for run in read_finished(folder) if run.primary})
    if wanted is None and len(found) > 1:
        raise LikewiseError(
            f"the runs in {folder} were ranked by {' and '.join(found)}; say which to compare with "
            f"--primary, such as --primary {found[0]}"
        )
    return wanted or next(iter(found), "map_at_r")


def compare_parts(opened: Study, finished: Iterable[tuple[Study, list[Path]]]) -> None:
    """Compare each data set of a study on its own, then rank over all of them.

    Args:
        opened: the study.
        finished: its parts with the folders of their runs. A data set is compared before the next
            one is asked for, so that its page is there while the next one is trained.
    """
    from likewise.report.ranks import write_ranks

    comparisons = []
    for part, folders in finished:
        if opened.config.datasets:
            print(f"\n{part.name}")
        comparisons.append(_compare(part, folders))
    if opened.config.datasets:
        print(f"\n{write_ranks(comparisons, opened.name, opened.folder)}")
        print(f"ranks     {opened.folder / 'RESULTS.md'}")


def _compare(opened: Study, folders: list[Path] | None) -> Comparison:
    from likewise.evidence.comparison import compare_runs
    from likewise.evidence.results import read_finished, read_run, told_apart
    from likewise.report.page import write_report
    from likewise.report.results_page import track, write_tables
    from likewise.report.terminal import print_table
    from likewise.studies.study import budgets

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
    print_table(comparison.summaries, comparison.primary, comparison.leaders)
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
