"""Finished runs in, everything that is said about them out: tables, results and report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from likewise.atomic import atomic
from likewise.studies import build, tables
from likewise.studies.evidence import Contrast, contrasts
from likewise.studies.leak_report import LeakReport, read_leaks
from likewise.studies.results import MethodSummary, RunResult, by_method, doubts, summarise
from likewise.studies.tracking import Tracking
from likewise.studies.verdict import caveat, verdict

if TYPE_CHECKING:
    from likewise.studies.tuning import Budget


@dataclass(frozen=True)
class Comparison:
    """What is known of a study's methods, the best first.

    Attributes:
        study: its facts: ``name``, ``question``, ``primary`` and where known ``baseline``,
            ``methods``, ``seeds``, ``overrides``, ``pool_seed_variance``.
        baseline: the method the others are measured by; ``None`` where it has no run.
        against_baseline, against_best: every other method's contrasts, the best first.
        budgets: what the search for each method got; empty without one.
        leaks: between the splits of the data, where they were looked for.
        folder: where the study's files are.
    """

    study: Mapping[str, Any]
    results: Sequence[RunResult]
    summaries: Sequence[MethodSummary]
    baseline: str | None
    against_baseline: Sequence[Contrast]
    against_best: Sequence[Contrast]
    budgets: Sequence[Budget]
    leaks: LeakReport | None
    folder: Path

    @property
    def primary(self) -> str:
        """The metric that ranks."""
        return str(self.study["primary"])

    def verdict(self) -> list[str]:
        """The answer, a few sentences."""
        return verdict(self.summaries, self.primary, self.against_baseline, self.against_best)

    def caveat(self) -> str:
        """What the evidence does and does not say."""
        return caveat(self.summaries, any(contrast.pooled for contrast in self.against_best))

    def doubts(self) -> list[str]:
        """What makes the runs hard to compare."""
        found = doubts(self.results)
        wanted = self.study.get("baseline")
        if wanted and self.baseline is None:
            found.append(f"The baseline {wanted} has no finished run.")
        return found


def compare_runs(
    study: Mapping[str, Any],
    results: Sequence[RunResult],
    folder: Path,
    budgets: Sequence[Budget] = (),
) -> Comparison:
    """Summaries and tests of at least one finished run.

    Args:
        study: see ``Comparison``.
        results: of its runs.
        folder: where the study's files are.
        budgets: what the search for each method got.
    """
    primary = str(study["primary"])
    summaries = summarise(results, primary)
    methods = by_method(results)
    wanted = study.get("baseline") or next(iter(study.get("methods") or ()), None)
    baseline = wanted if wanted in methods else None
    order = [summary.name for summary in summaries]

    def ordered(reference: str) -> list[Contrast]:
        found = contrasts(results, primary, reference, bool(study.get("pool_seed_variance", True)))
        return sorted(found, key=lambda contrast: order.index(contrast.name))

    return Comparison(
        study,
        results,
        summaries,
        baseline,
        ordered(baseline) if baseline else [],
        ordered(order[0]),
        budgets,
        read_leaks(folder),
        folder,
    )


def write_tables(comparison: Comparison) -> list[Path]:
    """``RESULTS.md``, and ``table`` and ``evidence`` as CSV and LaTeX, into the study's folder."""
    summaries, primary = comparison.summaries, comparison.primary
    rows = tables.evidence(summaries, comparison.against_baseline, primary)
    texts = {
        "RESULTS.md": results_page(comparison),
        "table.csv": tables.to_csv(summaries, primary),
        "table.tex": tables.to_latex(summaries, primary),
        "evidence.csv": tables.evidence_csv(comparison.against_baseline),
        "evidence.tex": tables.latex_table(rows),
    }
    for name, text in texts.items():
        with atomic(comparison.folder / name) as partial:
            partial.write_text(text, encoding="utf-8")
    return [comparison.folder / name for name in texts]


def track(comparison: Comparison, files: Sequence[Path]) -> None:
    """Log the comparison where its runs were logged.

    Args:
        files: tables, report and pictures to keep with it.
    """
    path = comparison.results[0].folder / "config.yaml"
    if not path.is_file():
        return
    config = OmegaConf.load(path)
    build.check_targets(OmegaConf.to_container(config.logger))
    tracking: Tracking = build.make(config.logger)
    shown = tables.columns(comparison.summaries, comparison.primary)
    heads = ["method", "seeds", *(column.label for column in shown)]
    grid = [[str(cell) for cell in row] for row in tables.grid(comparison.summaries, shown)]
    named = {
        "methods": [heads, *grid],
        "evidence": tables.evidence(
            comparison.summaries, comparison.against_baseline, comparison.primary
        ),
    }
    if comparison.budgets:
        named["budgets"] = tables.budget_rows(comparison.budgets)
    leaked = comparison.folder / "leaks.png"
    pictures = [leaked] if leaked.is_file() else []
    tracking.compared(comparison.folder, str(comparison.study["name"]), named, [*files, *pictures])


def results_page(comparison: Comparison) -> str:
    """The study as one Markdown page: what a paper's table and its caption would say."""
    study, results = comparison.study, comparison.results
    rows = tables.evidence(comparison.summaries, comparison.against_baseline, comparison.primary)
    devices = sorted({str(run.environment.get("device")) for run in results})
    seconds = sum(run.cost.get("train_seconds", 0.0) for run in results)
    parts = [
        f"# {study['name']}",
        " ".join(str(study["question"]).split()),
        "**" + " ".join(comparison.verdict()) + "**",
        *(f"Caution: {doubt}" for doubt in comparison.doubts()),
        tables.to_markdown(comparison.summaries, comparison.primary),
        "## Evidence",
        tables.markdown_table(rows),
        comparison.caveat(),
        *([f"Leaks: {comparison.leaks.sentence()}"] if comparison.leaks else []),
        *(
            ["## Equal budgets", tables.markdown_table(tables.budget_rows(comparison.budgets))]
            if comparison.budgets
            else []
        ),
        "## How it was made",
        f"{len(results)} runs, {seconds / 60:.1f} minutes of training in all, on "
        f"{', '.join(devices)}. Generated by `likewise study {study['name']}`; the page changes "
        "with its runs, not by hand.",
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"
