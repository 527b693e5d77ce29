"""Explanations of a run's own test pairs, drawn beside its other pictures."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from likewise.data.module import ProductModule
from likewise.errors import LikewiseError
from likewise.experiment.experiment import Experiment
from likewise.experiment.parts import make_explanation
from likewise.experiment.targets import is_part
from likewise.explanations.pair import ProductPair
from likewise.matchers.base import Matcher
from likewise.scorer import Scorer
from likewise.tasks.base import ExamplePair


def explain_examples(
    experiment: Experiment,
    examples: Sequence[ExamplePair],
    scorer: Scorer,
    module: ProductModule,
    device: torch.device,
) -> tuple[dict[str, str], list[str]]:
    """Draw each example as ``explanation_<i>.png`` in the folder of a run with an ``explanation``.

    Returns:
        Captions by title, and a sentence if they cannot be explained: a run that has been trained
        is not lost because its model cannot be explained in the chosen way.
    """
    captions: dict[str, str] = {}
    problems: list[str] = []
    if not examples or not is_part(experiment.config.get("explanation")):
        return captions, problems
    from likewise.explanations.drawing import draw
    from likewise.figures.base import png_bytes

    # The tasks that give examples are scored by pairs.
    assert isinstance(scorer, Matcher)
    explanation = make_explanation(experiment.config)
    try:
        if explanation.learns:
            explanation.learn(scorer, module)
        for place, example in enumerate(examples, 1):
            pair = ProductPair(
                scorer,
                module.readers,
                module.data.catalogue,
                example.rows,
                explanation.grid,
                device,
            )
            found = explanation.explain(pair)
            title = f"explanation_{place}"
            (experiment.folder / f"{title}.png").write_bytes(png_bytes(draw(pair, found)))
            what = f"{example.what}: {' and '.join(pair.ids)}"
            captions[title] = f"{what[0].upper()}{what[1:]}. {found.meaning}"
    except LikewiseError as error:
        problems.append(f"Examples were not explained: {error}.")
    return captions, problems
