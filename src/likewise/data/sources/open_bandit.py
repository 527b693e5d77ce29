"""Open Bandit Dataset: what a fashion shop showed under two policies, and what was clicked.

Saito, Aihara, Matsutani and Narita, "Open Bandit Dataset and Pipeline: Towards Realistic and
Reproducible Off-Policy Evaluation", NeurIPS Datasets and Benchmarks 2021.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from likewise.data.catalogue import ProductData, make_catalogue
from likewise.data.relevance import LoggedFeedback
from likewise.data.sources.files import find_folder, fingerprint, read_table
from likewise.data.time_split import time_splits
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import DatasetInfo

CAMPAIGNS = ("all", "men", "women")
POLICIES = ("random", "bts")
ITEM_FEATURES = [f"item_feature_{number}" for number in range(4)]
USER_FEATURES = [f"user_feature_{number}" for number in range(4)]


@dataclass(frozen=True)
class OpenBandit:
    """The log of one policy in one campaign, ``<policy>_<campaign>.parquet`` or ``obp``'s CSV.

    The relevance is ``LoggedFeedback``. A choice is one item (``action``) at one ``position`` (1
    left, 2 centre, 3 right) of one impression; its ``reward`` is 1 for a click, else 0, and its
    ``propensity`` the probability that the policy shows this item at this position. The columns of
    its ``context`` are ``user``, ``time`` (seconds since 1970, UTC), ``user_feature_0`` to
    ``user_feature_3`` (hashed) and ``affinity`` (float32, one for each product: how often the user
    clicked it before). The source names no users: ``user`` numbers those with the same four
    features.

    Off-policy estimates use the whole log. Its splits divide it by time, for models that are to be
    trained on the earlier choices. All products are in ``splits["train"]``.

    Args:
        path: the folder of the files; ``None`` looks in ``$LIKEWISE_DATA/open_bandit`` and
            ``data/open_bandit``.
        campaign: ``all``, ``men`` or ``women``.
        policy: the policy that made the log: ``random`` (uniform) or ``bts`` (Bernoulli Thompson
            sampling).
        validation_share, test_share: shares of the events, by time; the latest ones are test.
        download: fetch the sample of 10,000 events per log if there is none.
        url: the URL of the folder ``obd``, with ``<policy>/<campaign>/<campaign>.csv``.
        sha256: hashes of the fetched files, by name; a file with another hash is refused. None is
            built in.
    """

    path: str | None = None
    campaign: str = "all"
    policy: str = "random"
    validation_share: float = 0.1
    test_share: float = 0.2
    download: bool = False
    url: str = "https://raw.githubusercontent.com/st-tech/zr-obp/master/obd"
    sha256: Mapping[str, str] = field(default_factory=dict)

    def load(self) -> ProductData:
        """Read the log; the events are in the order of time."""
        for key, value, known in (
            ("campaign", self.campaign, CAMPAIGNS),
            ("policy", self.policy, POLICIES),
        ):
            if value not in known:
                raise LikewiseError(f"data.{key}={value} must be one of {', '.join(known)}")
        items_path, log_path = self._paths()
        kinds = {"item_id": pa.int64(), "item_feature_0": pa.float64()}
        kinds |= dict.fromkeys(ITEM_FEATURES[1:], pa.string())
        items = read_table(items_path, kinds).sort_by("item_id")
        log = read_table(log_path, _log_columns(items["item_id"].to_pylist()))
        events = _events(log.sort_by("timestamp"), items, log_path)
        nobody = np.zeros(0, np.int64)
        return ProductData(
            catalogue=make_catalogue(_columns(items), _info(self.campaign)),
            splits={"train": np.arange(len(items)), "validation": nobody, "test": nobody},
            fingerprint=fingerprint(
                [items_path, log_path],
                validation_share=self.validation_share,
                test_share=self.test_share,
            ),
            relevance=(_feedback(events, self.validation_share, self.test_share),),
        )

    def _paths(self) -> tuple[Path, Path]:
        folder = f"{self.policy}/{self.campaign}"
        files = [f"{folder}/item_context.csv", f"{folder}/{self.campaign}.csv"]
        parquet = f"{self.policy}_{self.campaign}.parquet"
        home = find_folder(
            "open_bandit",
            self.path,
            [parquet, files[1]],
            advice="set data.path to their folder or data.download=true to fetch a sample",
            urls={file: f"{self.url}/{file}" for file in files} if self.download else None,
            sha256=self.sha256,
        )
        if (home / parquet).is_file():
            return home / f"items_{self.campaign}.parquet", home / parquet
        return home / files[0], home / files[1]


def _log_columns(item_ids: list[int]) -> dict[str, pa.DataType]:
    return {
        "timestamp": pa.timestamp("us", "UTC"),
        "item_id": pa.int64(),
        "position": pa.int64(),
        "click": pa.int64(),
        "propensity_score": pa.float64(),
        **dict.fromkeys(USER_FEATURES, pa.string()),
        **{_affinity(item): pa.float32() for item in item_ids},
    }


def _affinity(item: int) -> str:
    return f"user-item_affinity_{item}"


def _events(log: pa.Table, items: pa.Table, path: Path) -> pa.Table:
    product = pc.index_in(log["item_id"], items["item_id"].combine_chunks())
    if product.null_count:
        first = log["item_id"].filter(pc.is_null(product))[0].as_py()
        raise LikewiseError(f"{path} shows the item {first}, which the item file does not hold")
    propensity = log["propensity_score"].to_numpy()
    if not ((propensity > 0) & (propensity <= 1)).all():
        raise LikewiseError(f"{path} has a propensity_score that is not above 0 and at most 1")
    click = log["click"].to_numpy()
    if not np.isin(click, (0, 1)).all():
        raise LikewiseError(f"{path} has a click that is neither 0 nor 1")
    user = pc.binary_join_element_wise(
        *(log[name] for name in USER_FEATURES), " ", null_handling="replace"
    )
    affinity = np.stack([log[_affinity(i)].to_numpy() for i in items["item_id"].to_pylist()], 1)
    return pa.table(
        {
            "user": user.combine_chunks().dictionary_encode().indices.cast(pa.int64()),
            "product": product.cast(pa.int64()),
            "time": log["timestamp"].cast(pa.int64()).to_numpy() / 1e6,
            "position": log["position"],
            "click": click,
            "propensity": propensity,
            **{name: log[name] for name in USER_FEATURES},
            "affinity": pa.FixedSizeListArray.from_arrays(affinity.reshape(-1), len(items)),
        }
    )


def _feedback(log: pa.Table, validation_share: float, test_share: float) -> LoggedFeedback:
    from datasets import Dataset

    columns = {name: log[name].to_numpy() for name in ("product", "position", "propensity")}
    return LoggedFeedback(
        context=Dataset(log.drop_columns([*columns, "click"])),
        action=columns["product"],
        position=columns["position"],
        reward=log["click"].to_numpy().astype(np.float64),
        propensity=columns["propensity"],
        splits=time_splits(log["time"].to_numpy(), validation_share, test_share),
    )


def _columns(items: pa.Table) -> dict[str, list[Any]]:
    rows = zip(*(items[name].to_pylist() for name in ITEM_FEATURES), strict=True)
    return {
        "product_id": [str(item) for item in items["item_id"].to_pylist()],
        "attributes": [
            [{"name": n, "value": str(v)} for n, v in zip(ITEM_FEATURES, row, strict=True)]
            for row in rows
        ],
    }


def _info(campaign: str) -> DatasetInfo:
    from datasets import DatasetInfo

    return DatasetInfo(
        description=f"Open Bandit Dataset, campaign {campaign}: recommendations and clicks.",
        citation=(
            "Saito, Aihara, Matsutani and Narita, Open Bandit Dataset and Pipeline: Towards "
            "Realistic and Reproducible Off-Policy Evaluation, NeurIPS Datasets and Benchmarks "
            "2021"
        ),
        homepage="https://research.zozo.com/data.html",
        license="CC BY 4.0",
    )
