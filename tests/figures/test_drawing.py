"""Figures come out as PNG, whatever is missing from the data."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from likewise.evidence.results import Estimate, MethodSummary
from likewise.figures.base import OTHER, SAME, png_bytes
from likewise.figures.products import neighbour_gallery, similarity_heat_map
from likewise.report.figures import (
    bars_with_spread,
    cost_front,
    learning_curves,
    quality_against_cost,
)

NAMES = ["shirt", "a name that is much too long for a small picture"]


def is_picture(png: bytes) -> bool:
    """Whether it decodes to something that is not blank."""
    import io

    from matplotlib.image import imread

    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    pixels = imread(io.BytesIO(png))
    return bool(pixels[..., :3].std() > 0)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_gallery_marks_groups_by_sign_and_colour(channels: int) -> None:
    from matplotlib.colors import to_hex

    generator = np.random.default_rng(0)
    images = generator.integers(0, 255, (6, channels, 12, 10)).astype(np.uint8)
    groups = np.array([0, 0, 0, 1, 1, 1])
    figure = neighbour_gallery(
        images,
        groups,
        np.array([0, 4]),
        np.array([[1, 3], [5, 3]]),
        np.array([[0.9, 0.5], [0.8, -0.25]]),
        NAMES,
    )
    (axes,) = figure.axes
    titles = [text.get_text() for text in axes.texts]
    assert titles[1:3] == ["✓ 0.90", "✗ 0.50"]
    assert titles[4:] == ["✓ 0.80", "✓ -0.25"]
    assert [to_hex(box.get_edgecolor()).upper() for box in axes.patches[1:3]] == [SAME, OTHER]
    # A picture stands in its border, upright and in its own proportions.
    for picture, box in zip(axes.images, axes.patches, strict=True):
        left, right, bottom, top = picture.get_extent()
        assert (left, top) == pytest.approx(box.get_xy())
        assert (bottom - top) / (right - left) == pytest.approx(12 / 10)
    assert is_picture(png_bytes(figure))


def test_heat_map_names_each_group_once() -> None:
    figure = similarity_heat_map(np.eye(5), np.array([0, 0, 1, 1, 1]), NAMES, "cosine")
    axes = figure.axes[0]
    assert list(axes.get_xticks()) == [0.5, 3.0]
    assert axes.get_yticklabels()[0].get_text() == "shirt"
    assert is_picture(png_bytes(figure))


def test_the_front_holds_what_nothing_beats_in_both() -> None:
    points = {"a": (1, 0.5), "b": (2, 0.4), "c": (2, 0.7), "d": (5, 0.7), "e": (9, 0.8)}
    rows = [
        MethodSummary(name, 1, 1, {"q": Estimate(quality, None)}, {"c": Estimate(price, None)})
        for name, (price, quality) in points.items()
    ]
    assert [row.name for row in cost_front(rows, "q", "c")] == ["a", "c", "e"]
    assert [row.name for row in cost_front(rows, "q", "c", dear_is_good=True)] == ["e"]
    beaten = [row for row in rows if row.name != "e"]
    assert [row.name for row in cost_front(beaten, "q", "c", dear_is_good=True)] == ["d"]


def test_mean_curve_ends_with_the_shortest_seed() -> None:
    short = [{"epoch": 0, "train/loss": 2.0}, {"epoch": 1, "train/loss": 1.0}]
    long = [*short, {"epoch": 2, "train/loss": 0.5}]
    histories = {"cnn": [short, long, []], "rnn": [long]}
    figure = learning_curves(histories, "train/loss")
    mean = next(line for line in figure.axes[0].lines if line.get_label() == "cnn")
    assert list(mean.get_xdata()) == [0, 1]
    assert list(mean.get_ydata()) == [2.0, 1.0]
    assert is_picture(png_bytes(figure))


def test_curves_without_data_still_draw() -> None:
    assert is_picture(png_bytes(learning_curves({"cnn": [[]]}, "train/loss")))


def test_quality_leaves_out_methods_without_the_cost() -> None:
    rows = [
        MethodSummary("a", 2, 2, {"m": Estimate(0.5, 0.1)}, {"c": Estimate(10, 0.0)}),
        MethodSummary("b", 1, 1, {"m": Estimate(0.7, None)}, {"c": Estimate(1e6, None)}),
        MethodSummary("c", 1, 1, {"m": Estimate(0.7, None)}, {}),
    ]
    figure = quality_against_cost(rows, "m", "c", divide_by=10)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["front", "a", "b"]
    assert figure.axes[0].get_xscale() == "log"
    assert [found.lines[0].get_xdata()[0] for found in figure.axes[0].containers] == [1, 1e5]
    assert is_picture(png_bytes(figure))


def test_bars_show_each_seed_and_no_spread_for_one() -> None:
    figure = bars_with_spread({"a": [0.1, 0.2, 0.3], "b": [0.4]}, "score")
    dots = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [len(line.get_xdata()) for line in dots] == [3, 1]
    assert [len(found.lines[2]) for found in figure.axes[0].containers] == [1, 0]
    assert is_picture(png_bytes(figure))


def test_more_methods_than_colours() -> None:
    values = {f"method {number}": [number / 20] for number in range(12)}
    assert is_picture(png_bytes(bars_with_spread(values, "score")))


def test_pyplot_is_left_alone() -> None:
    loaded = "matplotlib.pyplot" in sys.modules
    png_bytes(bars_with_spread({"a": [0.1]}, "score"))
    assert ("matplotlib.pyplot" in sys.modules) == loaded
