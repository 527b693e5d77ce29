"""The user's own products: a table, a folder of pictures, or a data set of a hub."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.data.catalogue import SPLITS, ProductData
from likewise.data.memory import check_image_size
from likewise.data.relevance import Groups, Relevance
from likewise.data.table.base import named
from likewise.data.table.columns import CONTENTS, resolve
from likewise.data.table.relevance import (
    draw,
    named_shares,
    read_pairs,
    with_validation,
)
from likewise.data.table.rows import open_rows
from likewise.data.table.store import Stored, cache_folder, codes, store
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class TableSource:
    """Products of a file or folder, with columns named by configuration alone.

    Rows are read and repaired in batches into an Arrow file in the user's cache, which is
    mapped into memory; later calls take it from there until the table, a picture or an option
    changes. Broken rows are repaired if nothing has to be guessed and left out otherwise; both are
    counted in ``ProductData.findings``; ``likewise.data.table.findings.Defect`` lists the kinds:

    - left out: a line with too few or too many fields or that is not JSON; a product_id that an
      earlier row has; a picture that is missing, damaged, of one colour or under 8 pixels a side
      (with ``image_size: null`` the product stays for its text, if it has any); a row without
      anything to compare it by;
    - kept, but in no split: a missing group, an unknown split;
    - reported for the whole table: splits that cannot be evaluated, and what would help;
    - kept: without a title; without a price that cannot be read; a missing product_id becomes
      ``row-<place>``; control characters go, and bytes that are not of the encoding are read as
      Windows-1252.

    Args:
        path: a CSV, TSV, JSON Lines, JSON or Parquet file; a folder with pictures as
            ``<group>/<picture>`` or ``<split>/<group>/<picture>``; or what
            ``datasets.load_dataset`` takes, such as ``owner/name``.
        columns: the table's column for each of ``product_id title description brand category price
            attributes image reviews shop group split``; a column of that name needs no mention.
            ``attributes`` may be a list of columns, which become names and values. Products with
            one ``group`` are alike.
        pairs: a table of ``left_id``, ``right_id``, ``label`` (1 or 0) and maybe ``split``; then
            these are what is alike, and say which products a split has.
        image_root: folder of relative picture paths; ``None`` for the table's.
        image_size: side of the pictures in pixels, see ``likewise.data.letterbox``; ``None`` leaves
            them encoded, of any size.
        shares: of train, validation and test, where no column states a product's split.
        split_by: ``group`` draws whole groups, so that the test asks about unseen ones;
            ``product`` draws products of every group.
        split_seed: of the draw; not the seed of a run, so that all runs see the same splits.
        encoding: of CSV, TSV and JSON files.
    """

    path: str
    columns: Mapping[str, Any] = field(default_factory=dict)
    pairs: str | None = None
    image_root: str | None = None
    image_size: int | None = 64
    shares: Sequence[float] = (0.7, 0.1, 0.2)
    split_by: str = "group"
    split_seed: int = 0
    encoding: str = "utf-8"

    def load(self) -> ProductData:
        """Read the table; raises ``LikewiseError`` if it has no product."""
        self.check()
        rows = open_rows(self.path, self.encoding, cache_folder() / "datasets")
        roles = resolve(self.columns, rows.columns, self.path)
        if not set(CONTENTS) & set(roles):
            raise LikewiseError(
                f"{self.path} has no column named {', '.join(CONTENTS)}; say which is which, as in "
                f"data.columns.title=…; it has {named(rows.columns)}"
            )
        stored = store(rows, roles, self._image_root(), self.image_size)
        findings = list(stored.findings)
        if not len(stored.table):
            raise LikewiseError(
                f"no product of {self.path} can be used: {'; '.join(findings) or 'it has no rows'}"
            )
        if stored.repeated:
            findings.append(self._check_ids(stored, roles))
        groups = np.full(len(stored.table), -1, np.int64)
        names: list[str] = []
        if "group" in roles:
            groups, names = codes(_column(stored.table, "group"))
        relevance: list[Relevance] = []
        if self.pairs is not None:
            ids = _column(stored.table, "product_id")
            pairs, more = read_pairs(
                self.pairs,
                ids,
                named_shares(self.shares),
                self.split_seed,
                self.encoding,
                cache_folder() / "datasets",
            )
            relevance.append(pairs)
            findings += more
            splits = {name: pairs.products_of(name) for name in pairs.splits}
        else:
            splits, more = self._splits(stored.table, groups)
            findings += more
        known = np.flatnonzero(groups >= 0)
        if len(known):
            relevance.append(Groups.of(groups[known], names, splits, known))
        if relevance:
            # Of a split that a column of splits leaves empty, ``with_validation`` has spoken.
            stated = self.pairs is None and "split" in stored.table.column_names
            lacking = relevance[0].untellable().items()
            findings += [text for name, text in lacking if len(splits[name]) or not stated]
        else:
            findings.append(
                "it is unknown which products are similar, so nothing can be evaluated; name a "
                "column with data.columns.group=… or a file with data.pairs=…"
            )
        own = [name for name in ("group", "split", "place") if name in stored.table.column_names]
        digest = hashlib.sha256(stored.digest.encode())
        for part in splits.values():
            digest.update(np.ascontiguousarray(part).tobytes() + b"|")
        return ProductData(
            stored.table.remove_columns(own),
            splits,
            digest.hexdigest()[:16],
            tuple(relevance),
            findings,
        )

    def check(self) -> None:
        """Raise ``LikewiseError`` for an option that cannot be used."""
        for key in ("path", "encoding"):
            if not isinstance(getattr(self, key), str):
                raise LikewiseError(f"data.{key}={getattr(self, key)} must be a string in quotes")
        if not isinstance(self.columns, Mapping):
            raise LikewiseError(
                f"data.columns={self.columns} must be a mapping of roles to names of columns, such "
                "as {title: name}"
            )
        if self.split_seed < 0:
            raise LikewiseError(f"data.split_seed={self.split_seed} must be at least 0")
        named_shares(self.shares)
        if self.split_by not in ("group", "product"):
            raise LikewiseError(f"data.split_by={self.split_by} must be group or product")
        if self.image_size is not None:
            check_image_size(self.image_size)
        if self.image_root is not None and not Path(self.image_root).is_dir():
            raise LikewiseError(f"data.image_root={self.image_root} is not a folder")

    def _check_ids(self, stored: Stored, roles: Mapping[str, str | list[str]]) -> str:
        """A sentence on the column of ids; refuses one that most rows repeat."""
        column = roles["product_id"]
        total = stored.repeated + len(stored.table)
        if stored.repeated > total / 2:
            raise LikewiseError(
                f"{stored.repeated:,} of {total:,} rows of {self.path} repeat the product_id of an "
                f"earlier row, so the column {column} does not tell products apart; name one that "
                "does with data.columns.product_id=…, or rename it to get ids made of row numbers"
            )
        return (
            f"the product_id was read from the column {column}, where {stored.repeated:,} of "
            f"{total:,} rows repeat an earlier one"
        )

    def _image_root(self) -> Path:
        if self.image_root is not None:
            return Path(self.image_root)
        path = Path(self.path).expanduser()
        return path.parent if path.is_file() else path

    def _splits(
        self, table: Dataset, groups: np.ndarray
    ) -> tuple[dict[str, np.ndarray], list[str]]:
        """The splits as stated or drawn; of products with a group (-1 is none) if any has one."""
        shares = named_shares(self.shares)
        # Without a group nothing can be learnt from a product, nor searched for.
        usable = np.flatnonzero(groups >= 0) if (groups >= 0).any() else np.arange(len(groups))
        split_by = self.split_by if (groups >= 0).any() else "product"
        if "split" in table.column_names:
            stated, names = codes(_column(table, "split"))
            place = {name: names.index(name) if name in names else -2 for name in SPLITS}
            found = {name: usable[stated[usable] == place[name]] for name in SPLITS}
            return with_validation(found, groups, shares, split_by, self.split_seed)
        drawn = draw(groups[usable], shares, split_by, self.split_seed)
        return {name: usable[rows] for name, rows in drawn.items()}, []


def _column(table: Dataset, name: str) -> Any:
    """A column as Arrow has it, with nothing read into memory."""
    return table.data.table[name]
