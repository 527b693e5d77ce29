"""The answer of a study in words, not stronger than its evidence."""

from __future__ import annotations

from collections.abc import Sequence

from likewise.evidence.contrasts import Contrast
from likewise.evidence.results import Estimate, MethodSummary, specification


def verdict(
    summaries: Sequence[MethodSummary],
    primary: str,
    against_baseline: Sequence[Contrast],
    against_best: Sequence[Contrast],
) -> list[str]:
    """Return the answer of a study in one to three sentences.

    Args:
        summaries: summaries of the methods, the best first.
        against_baseline: contrasts with the baseline; empty where there is none.
        against_best: contrasts with the first of ``summaries``.
    """
    label, best = specification(summaries, primary).label, summaries[0]
    seeds = f"{best.seeds} seed{'s' if best.seeds > 1 else ''}"
    value = f"{_number(best.metrics[f'test/{primary}'])} over {seeds}"
    if len(summaries) == 1:
        return [f"{best.name} alone was run: its {label} is {value}."]
    said = [f"{best.name} has the highest {label}, {value}."]
    own = next((contrast for contrast in against_baseline if contrast.name == best.name), None)
    if own is not None:
        said.append(_against_baseline(own))
    elif against_baseline:
        said.append("It is the baseline: no method was found to be better.")
    close = [contrast for contrast in against_best if not contrast.differs]
    if own is not None:
        close = [contrast for contrast in close if contrast.name != own.reference]
    if close:
        names = ", ".join(contrast.name for contrast in close)
        said.append(f"These runs do not tell it from {names}{_how_many(close)}.")
    return said


def caveat(summaries: Sequence[MethodSummary], pooled: bool = False) -> str:
    """Say what the intervals cover and what they do not.

    Args:
        summaries: summaries of all methods.
        pooled: whether the tests pool the variance over seeds of the methods.
    """
    fewest = min(summary.seeds for summary in summaries)
    if fewest == 1:
        return "A method of one seed has no interval: its luck cannot be told from a difference."
    return (
        f"Intervals and tests are at 95 % over seeds and test products ({fewest} seeds or more); "
        "products that depend on each other, such as those of one group that training did not see, "
        "count as one draw. "
        + ("For the tests the methods inform each other's variance over seeds. " if pooled else "")
        + "The tests are corrected after Holm for the number of methods; they speak of this data, "
        "this training budget and these settings."
    )


def _number(value: Estimate) -> str:
    return f"{value.mean:.4f}" + ("" if value.spread is None else f" ± {value.spread:.4f}")


def _against_baseline(contrast: Contrast) -> str:
    interval = contrast.test.difference
    if contrast.test.seeds < 2:
        return (
            f"It is {interval.mean:.4f} above the baseline {contrast.reference}, but one seed each "
            "cannot tell a difference from luck."
        )
    size = f"{interval.mean:.4f}, 95 % interval {interval.low:.4f} to {interval.high:.4f}"
    if contrast.differs:
        return f"It beats the baseline {contrast.reference} by {size} ({p_text(contrast)})."
    return (
        f"These runs do not tell it from the baseline {contrast.reference}: the difference is "
        f"{size} ({p_text(contrast)}){_how_many([contrast])}."
    )


def p_text(contrast: Contrast) -> str:
    """Format the adjusted p-value."""
    value = contrast.p_adjusted
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def _how_many(open_: Sequence[Contrast]) -> str:
    needed = [contrast.test.seeds_needed for contrast in open_]
    known = [number for number in needed if number is not None]
    if not known:
        return ""
    least, most = min(known), max(known)
    span = f"{least}" if least == most else f"{least} to {most}"
    return f"; differences of the sizes seen would need about {span} seeds"
