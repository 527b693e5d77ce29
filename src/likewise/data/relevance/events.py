"""What people did with products."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.data.finding import Finding
from likewise.data.histories import Histories, group_events
from likewise.data.relevance.base import SPLITS
from likewise.data.relevance.behaviour import Behaviour
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class Trust:
    """Whom people say they trust.

    Attributes:
        user, trusts: int64 [t], users of the events or others.
    """

    user: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    trusts: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    def __len__(self) -> int:
        """How many statements there are."""
        return len(self.user)


@dataclass(frozen=True)
class Events(Behaviour):
    """What people did with products, one event per row.

    Attributes:
        events: columns ``user`` (int64 or string) and ``product`` (int64, rows of the catalogue),
            in the order of time within a user, and what else the source knows, such as ``time``
            and ``rating``.
        splits: rows (int64) of the events of each split.
        trust: between users; empty where nothing is known of it.
        ordered: whether the order within a user is that of time; ``False`` where it is not known.
    """

    events: Dataset
    splits: Mapping[str, np.ndarray]
    trust: Trust = field(default_factory=Trust)
    ordered: bool = True

    kind = "events of users"
    advice = "choose data that do, such as data=amazon_reviews or data=ciao"
    unit = "event"
    columns = ("product",)
    product_columns = ("product",)
    shared = "users with an event of the earlier split after one of the later split"

    @property
    def product(self) -> np.ndarray:
        """int64 [m], rows of the catalogue."""
        # A column without rows may come as another type.
        return self.column("product").astype(np.int64) if not len(self) else self.column("product")

    @property
    def user(self) -> np.ndarray:
        """[m], int64 or string."""
        return self.column("user")

    def __len__(self) -> int:
        """How many events there are."""
        return len(self.events)

    def column(self, name: str) -> np.ndarray:
        """One column of the events."""
        values: Any = self.events.with_format("numpy")[name]
        return np.asarray(values[:])

    def check(self, products: int) -> None:
        """See ``Relevance``."""
        for name in ("user", "product"):
            self._require(name in self.events.column_names, f"events have no column {name}")
        super().check(products)
        if "time" in self.events.column_names:
            user, time = self.user_codes, self.column("time")
            order = np.argsort(user, kind="stable")
            same = np.diff(user[order]) == 0
            ordered = not (same & (np.diff(time[order]) < 0)).any()
            self._require(ordered, "the events of a user are not in the order of time")
        if len(self.trust.user) != len(self.trust.trusts):
            raise LikewiseError("each statement of trust needs a user and whom that user trusts")

    def describe(self) -> list[tuple[str, str]]:
        """See ``Relevance``."""
        rows = [("events", f"{len(self):,} ({', '.join(self.events.column_names)})")]
        rows += [(f"{name} events", f"{len(chosen):,}") for name, chosen in self.splits.items()]
        if len(self.trust):
            rows.append(("trust", f"{len(self.trust):,} statements"))
        return rows + self.leak_counts()

    def leak_counts(self) -> list[tuple[str, str]]:
        """See ``Relevance``.

        A user with a later event in an earlier split is a leak, except where the splits leave
        out products. Users or products that are in ``train`` are a leak only where the splits
        leave out users or products.
        """
        counts = self.leaks(np.zeros(0, np.int64))
        user, product = self.user_codes, self.product
        rows = []
        for name in (name for name in SPLITS[1:] if name in self.splits):
            users, products = (np.unique(part[self.splits[name]]) for part in (user, product))
            later = [
                f"{count:,} of {len(users):,} users have a later event in {earlier}"
                for (earlier, tested), count in counts.items()
                if tested == name
            ]
            known = [
                int(np.isin(found, part[self.splits["train"]]).sum())
                for found, part in ((users, user), (products, product))
            ]
            seen = (
                f"{known[0]:,} of these users and {known[1]:,} of {len(products):,} products are "
                "in train"
            )
            rows.append((f"{name} leaks", "; ".join([*later, seen])))
        return rows

    def leaks(self, contents: np.ndarray) -> dict[tuple[str, str], int]:
        """Users of whom the earlier split knows what happened after an event of the later one.

        By the pair of splits (earlier, later). Users stand in all splits by design.
        """
        user = self.user_codes
        count = int(user.max(initial=-1)) + 1
        first, last = {}, {}
        for name in (name for name in SPLITS if name in self.splits):
            rows = self.splits[name]
            first[name], last[name] = np.full(count, len(user)), np.full(count, -1)
            np.minimum.at(first[name], user[rows], rows)
            np.maximum.at(last[name], user[rows], rows)
        return {
            (earlier, later): int((last[earlier] > first[later]).sum())
            for earlier, later in combinations(first, 2)
        }

    def problems(self, catalogue: Dataset) -> Iterator[Finding]:
        """See ``Relevance``."""
        for (earlier, later), count in self.leaks(np.arange(len(catalogue))).items():
            if count:
                sentence = f"{count:,} users have an event of {earlier} after one of {later}"
                yield Finding("leaks", sentence)
        yield from super().problems(catalogue)

    @cached_property
    def _users(self) -> tuple[np.ndarray, np.ndarray]:
        return np.unique(self.user, return_inverse=True)

    @property
    def user_names(self) -> np.ndarray:
        """[users], the users as the source calls them, ascending."""
        return self._users[0]

    @property
    def person(self) -> np.ndarray:
        """int64 [m], see ``user_codes``."""
        return self.user_codes

    def person_names(self, catalogue: Dataset) -> np.ndarray:
        """[users], see ``user_names``."""
        return self.user_names

    @property
    def user_codes(self) -> np.ndarray:
        """int64 [m], the place of the user of each event in ``user_names``."""
        return self._users[1]

    def persons(self, rows: np.ndarray) -> np.ndarray:
        """int64 [users], who did the events of some rows, ascending."""
        return np.unique(self.user_codes[rows])

    def histories(self, rows: np.ndarray, users: np.ndarray) -> Histories:
        """What some users did.

        Args:
            rows: int64, the events that are known; those of a user stay in their order of time.
            users: int64 [u], places in ``user_names``, ascending and each once.
        """
        return group_events(self.user_codes, self.product, rows, users)
