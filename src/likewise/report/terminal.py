"""The table of a comparison on the terminal, with as many columns as fit."""

from __future__ import annotations

from collections.abc import Sequence

from likewise.evidence.results import MethodSummary
from likewise.report.columns import further_columns, main_columns
from likewise.report.tables import Cell, Leaders, footnote, grid

# Names of several words take a second line from this width on.
NAME_WIDTH = 30
# The width of output to a file or another program.
FILE_WIDTH = 100
SHORT = {
    "parameters": "params",
    "flops_per_product": "MFLOPs",
    "train_products_per_second": "train/s",
    "embed_products_per_second": "embed/s",
    "peak_memory_mb": "MB",
    "peak_device_memory_mb": "GPU MB",
}


def print_table(summaries: Sequence[MethodSummary], primary: str, leaders: Leaders) -> None:
    """Print the primary metric, costs and further metrics, as far as the width allows.

    Leaders are bold and have a star.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    available = console.width if console.is_terminal else FILE_WIDTH
    candidates = [*main_columns(summaries, primary), *further_columns(summaries, primary)]
    rows = grid(summaries, candidates, leaders)
    names = [row[0].mean for row in rows]
    longest_word = max(len(word) for name in names for word in name.split())
    name_width = max(longest_word, min(NAME_WIDTH, max(map(len, names))))
    # The spread of a cost is in the wider tables; here it would leave no room for the next one.
    texts = [
        [_text(cell, column.is_metric) for cell, column in zip(row[2:], candidates, strict=True)]
        for row in rows
    ]
    labels = [SHORT.get(column.key, column.label) for column in candidates]
    used = max(name_width, len("method")) + 1 + max(5, *(len(row[1].mean) for row in rows))
    shown: list[int] = []
    for place, label in enumerate(labels):
        width = max(len(label), *(len(row[place]) for row in texts)) + 1
        if place == 0 or used + width <= available:
            shown.append(place)
            used += width
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("method", min_width=name_width, max_width=name_width)
    table.add_column("seeds", justify="right", no_wrap=True)
    for place in shown:
        table.add_column(labels[place], justify="right", no_wrap=True)
    for row, line in zip(rows, texts, strict=True):
        styles = ["bold" if row[place + 2].leads else "" for place in shown]
        values = [Text(line[place], style) for place, style in zip(shown, styles, strict=True)]
        table.add_row(Text(row[0].mean), row[1].mean, *values)
    # A name too long for the terminal is wrapped by it, not cut here.
    console = Console(width=max(available, used))
    console.print(table)
    console.print(footnote(summaries, "*"), style="dim", highlight=False, markup=False)


def _text(cell: Cell, with_spread: bool) -> str:
    return f"{cell if with_spread else cell.mean}{'*' if cell.leads else ' '}"
