"""Cleaning of a catalogue by all steps in one pass, with a record of their changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from likewise.data.catalogue import catalogue_features, with_info
from likewise.data.cleaning.steps import Step
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import Dataset

EXAMPLES = 3


@dataclass
class Change:
    """What a step changed in a column.

    Attributes:
        step, column: their names.
        count: number of products whose value the step changed.
        examples: up to three changed values, before and after the step; ``None`` is missing.
    """

    step: str
    column: str
    count: int
    examples: list[tuple[Any, Any]]

    def sentence(self) -> str:
        """Describe the change in words, with the first example."""
        before, after = (_short(value) for value in self.examples[0])
        return f"{self.step} changed {self.count:,} × {self.column}: {before} → {after}"


def clean_catalogue(catalogue: Dataset, steps: Mapping[str, Step]) -> tuple[Dataset, list[Change]]:
    """Run all steps in their order; return the cleaned catalogue and the changes.

    The catalogue is read and written once, in batches. For a catalogue on disk, changed columns go
    to a new file next to it; a catalogue in memory stays in memory. Pictures are not decoded unless
    a step does so.

    Raises:
        LikewiseError: for a step with a column that no catalogue has, and for results that cannot
            be written.
    """
    from datasets import Image, concatenate_datasets

    for name, step in steps.items():
        if strange := sorted(set(step.columns) - set(catalogue_features())):
            raise LikewiseError(
                f"cleaning.{name}.columns names {strange[0]}, but the columns of a catalogue are "
                f"{', '.join(catalogue_features())}"
            )
    tally = Tally({name: step.for_catalogue(catalogue) for name, step in steps.items()})
    read = {column for step in tally.steps.values() for column in step.reads}
    names = [name for name in catalogue.column_names if name in read]
    if not names or not len(catalogue):
        return catalogue, []

    part, rest = catalogue.select_columns(names), catalogue.remove_columns(names)
    pictures = [name for name in names if isinstance(part.features[name], Image)]
    for name in pictures:
        part = part.cast_column(name, Image(decode=False))
    with _no_progress_bars():
        part = _written(part, tally, rows=100 if pictures else 1000)
        for name in pictures:
            part = part.cast_column(name, catalogue.features[name])
        cleaned = concatenate_datasets([part, rest], axis=1) if rest.column_names else part
    cleaned = cleaned.select_columns(catalogue.column_names)
    return with_info(cleaned, catalogue.info), tally.changes()


def _written(part: Dataset, tally: Tally, rows: int) -> Dataset:
    """Run the steps on the columns of ``part`` in batches of ``rows``."""
    from datasets.fingerprint import Hasher

    try:
        return part.map(
            tally.clean,
            batched=True,
            batch_size=rows,
            writer_batch_size=rows,
            features=part.features,
            # A result from the cache would lack the record of changes.
            load_from_cache_file=False,
            # The same cleaning overwrites its earlier file.
            new_fingerprint=Hasher.hash([part._fingerprint, repr(tally.steps)]),
        )
    except OSError as error:
        raise LikewiseError(
            f"the cleaned catalogue cannot be written ({error}); free some disk space, "
            "or keep it in a folder with write permission"
        ) from error


class Tally:
    """Runs steps in their order and records what they changed."""

    def __init__(self, steps: Mapping[str, Step]) -> None:
        self.steps = steps
        self._changes: dict[tuple[str, str], Change] = {}

    def clean(self, batch: Mapping[str, list]) -> dict[str, list]:
        """Return the batch after all steps."""
        values = dict(batch)
        for name, step in self.steps.items():
            before, values = values, step.clean(values)
            for column in step.columns:
                if column in values and before[column] != values[column]:
                    self._count(name, column, before[column], values[column])
        return values

    def changes(self) -> list[Change]:
        """Return the changes, in the order of the steps."""
        order = list(self.steps)
        return sorted(self._changes.values(), key=lambda change: order.index(change.step))

    def _count(self, name: str, column: str, before: list, after: list) -> None:
        change = self._changes.setdefault((name, column), Change(name, column, 0, []))
        changed = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
        change.count += len(changed)
        for old, new in changed[: EXAMPLES - len(change.examples)]:
            old, new = _where_they_differ(old, new)
            change.examples.append((self.steps[name].shown(old), new))


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _where_they_differ(old: Any, new: Any) -> tuple[Any, Any]:
    """The first differing items of two lists of texts or attributes; plain values unchanged."""
    if isinstance(old, list) and isinstance(new, list):
        return _where_they_differ(*next(p for p in zip(old, new, strict=True) if p[0] != p[1]))
    if isinstance(old, dict) and isinstance(new, dict):
        return _where_they_differ(*next((old[k], new[k]) for k in old if old[k] != new[k]))
    return old, new


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    from datasets import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    if are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()
