"""Pictures of explanations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.explanations.base import Attribution
from likewise.explanations.pair import ProductPair

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(pair: ProductPair, found: Attribution) -> Figure:
    """Draw the contributions on the words and pictures of both products, or as bars."""
    from likewise.figures.explanations import ExplainedSide, contribution_bars, explained_pair

    title = f"Contributions to the score {found.score:.3f}; blue raises it, orange lowers it"
    if found.units != pair.units:
        names = [unit.text for unit in found.units]
        return contribution_bars(names, found.values, f"{' | '.join(pair.ids)}\n{title}")
    pictures = next(iter(pair.pictures.values()), None)
    sides = []
    for place, side in enumerate(("left", "right")):
        own = [
            (unit, value)
            for unit, value in zip(found.units, found.values.tolist(), strict=True)
            if unit.side == side
        ]
        heat = [value for unit, value in own if unit.column == "image"]
        sides.append(
            ExplainedSide(
                pair.ids[place],
                [(unit.text, value) for unit, value in own if unit.column != "image"],
                pictures[place].cpu().numpy() if heat and pictures is not None else None,
                np.array(heat).reshape(pair.grid, pair.grid) if heat else None,
            )
        )
    return explained_pair(sides, title)
