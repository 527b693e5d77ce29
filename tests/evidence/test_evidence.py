"""What runs prove: by the clusters they recorded, and with what other methods know of seeds."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import stats

from likewise.data.catalogue import ProductData, make_catalogue
from likewise.data.relevance import Groups
from likewise.evidence.clusters import number_clusters
from likewise.evidence.contrasts import contrasts, per_query
from likewise.evidence.leaders import leaders
from likewise.evidence.results import read_finished, summarise
from likewise.evidence.seed_variance import pool_seeds
from likewise.evidence.statistics import paired_test
from likewise.tasks import retrieval

SCRIPT = Path(__file__).parents[2] / "scripts" / "simulate_evidence.py"


@pytest.fixture(scope="module")
def simulate() -> ModuleType:
    """``scripts/simulate_evidence.py``."""
    spec = importlib.util.spec_from_file_location("simulate_evidence", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Its dataclasses look their module up.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def most(repetitions: int) -> float:
    """A share of false findings that a test of level 5 % exceeds once in 1,000 simulations."""
    return float(stats.binom.ppf(0.999, repetitions, 0.05)) / repetitions


def test_grouped_queries_keep_the_level_that_independent_ones_exceed(simulate: ModuleType) -> None:
    setting = simulate.Setting("", kind="groups", methods=2)
    found = simulate.rates(setting, ["independent", "unpooled"], 400)
    assert found["independent"].mean() > most(400)
    assert found["unpooled"].mean() <= most(400)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "groups", "clusters": 10},
        {"kind": "groups", "unequal": True},
        {"kind": "pairs", "clusters": 60},
        {"kind": "one catalogue", "clusters": 40},
    ],
)
def test_few_and_unequal_groups_and_pairs_keep_it_too(
    simulate: ModuleType, changes: dict[str, object]
) -> None:
    setting = simulate.Setting("", methods=2, **changes)
    found = simulate.rates(setting, ["independent", "unpooled"], 200)
    assert found["independent"].mean() > found["unpooled"].mean()
    assert found["unpooled"].mean() <= most(200)


@pytest.mark.parametrize("heterogeneity", [0.0, 2.0])
def test_pooled_variances_keep_the_level(simulate: ModuleType, heterogeneity: float) -> None:
    setting = simulate.replace(simulate.LUCK, heterogeneity=heterogeneity)
    found = simulate.rates(setting, ["pooled", "Smyth"], 400)
    assert found["pooled"].mean() <= most(400)
    if heterogeneity:
        # Five methods do not tell how much their variances differ; taking them at their word
        # would be too bold.
        assert found["Smyth"].mean() > found["pooled"].mean() + 0.02


def test_pooling_finds_more_with_three_seeds(simulate: ModuleType) -> None:
    setting = next(one for one in simulate.power_settings() if one.name == "3 seeds")
    found = simulate.rates(setting, ["unpooled", "pooled"], 200)
    assert found["pooled"].mean() > found["unpooled"].mean() + 0.1


def write_runs(folder: Path, clusters: list[str] | None, **columns: list[str]) -> np.ndarray:
    """Four methods with three seeds on 40 units; their scores, [methods, seeds, units]."""
    generator = np.random.default_rng(0)
    scores = 0.5 + generator.normal(0, 0.02, (4, 3, 1)) + generator.normal(0, 0.1, (4, 3, 40))
    scores[:, :, 7] = np.nan
    for method in range(4):
        for seed in range(3):
            run = folder / f"{method}-{seed}"
            run.mkdir()
            content = {
                "id": f"{method}{seed}",
                "name": f"m{method}",
                "seed": seed,
                "metrics": {"test/r": float(np.nanmean(scores[method, seed]))},
                "cost": {},
            }
            if clusters is not None:
                content["clusters"] = clusters
            (run / "result.json").write_text(json.dumps(content))
            ids = [f"p{unit}" for unit in range(40)]
            table = {"unit_id": ids, "r": scores[method, seed], **columns}
            pq.write_table(pa.table(table), run / "per_query.parquet")
    return scores


def test_units_of_runs_of_earlier_versions_are_read(tmp_path: Path) -> None:
    scores = write_runs(tmp_path, None)
    for path in sorted(tmp_path.rglob("per_query.parquet"))[:3]:
        pq.write_table(pq.read_table(path).rename_columns({"unit_id": "product_id"}), path)
    units = [f"p{unit}" for unit in range(40)]
    for run in read_finished(tmp_path):
        names, found = per_query(run, "r")
        assert names == units
        np.testing.assert_array_equal(found, scores[int(run.name[1:]), run.seed])


def test_runs_are_tested_by_the_clusters_they_recorded(tmp_path: Path) -> None:
    groups = [f"g{unit // 10}" for unit in range(40)]
    scores = write_runs(tmp_path, ["group"], group=groups)
    found = contrasts(read_finished(tmp_path), "r", "m0", pool_seed_variance=False)
    assert [contrast.name for contrast in found] == ["m1", "m2", "m3"]
    numbers = number_clusters([np.array(groups)])
    expected = [paired_test(scores[one], scores[0], clusters=numbers) for one in (1, 2, 3)]
    assert [contrast.test for contrast in found] == expected
    assert expected[0].p_value != paired_test(scores[1], scores[0]).p_value


def test_pairs_of_runs_that_recorded_nothing_are_clustered_by_product(tmp_path: Path) -> None:
    sides = {"left_id": [f"a{unit % 6}" for unit in range(40)]}
    sides["right_id"] = [f"b{unit // 5}" for unit in range(40)]
    scores = write_runs(tmp_path, None, **sides)
    found = contrasts(read_finished(tmp_path), "r", "m0", pool_seed_variance=False)
    numbers = number_clusters([np.array(side) for side in sides.values()])
    assert found[0].test == paired_test(scores[1], scores[0], clusters=numbers)


def test_seed_variances_are_pooled_unless_asked_not_to(tmp_path: Path) -> None:
    scores = write_runs(tmp_path, [])
    results = read_finished(tmp_path)
    pooled = pool_seeds({f"m{one}": list(np.nanmean(scores[one], axis=1)) for one in range(4)})
    assert pooled is not None
    shared = pooled.difference("m2", "m0")
    assert shared is not None
    expected = paired_test(scores[2], scores[0], seed_variance=shared)
    assert all(contrast.pooled for contrast in contrasts(results, "r", "m0"))
    found = contrasts(results, "r", "m0")[1].test
    assert found.p_value == pytest.approx(expected.p_value)
    alone = contrasts(results, "r", "m0", pool_seed_variance=False)[1].test
    assert alone == paired_test(scores[2], scores[0])
    assert alone.difference.mean == found.difference.mean
    assert alone.p_value != found.p_value


def test_queries_are_clustered_by_groups_that_training_did_not_see() -> None:
    splits = {"train": np.array([0, 2]), "test": np.array([1, 3, 6]), "new": np.array([1, 4])}
    known = np.arange(6)
    data = ProductData(
        make_catalogue({"product_id": [str(row) for row in range(7)]}),
        splits,
        "test",
        (Groups.of(np.array([0, 0, 1, 1, 2, 2]), ["a", "b", "c"], splits, known),),
    )
    assert retrieval._clusters(data, "test") == ()
    assert retrieval._clusters(data, "new") == ("group",)


def test_leaders_are_those_the_corrected_test_does_not_tell_from_the_best(tmp_path: Path) -> None:
    """Also of a metric that no study ranks by, and whose low values are good."""
    generator = np.random.default_rng(4)
    shifts = {"r": [0.0, 0.01, 2.0, 2.02], "loss": [0.0, 3.0, 3.0, 3.0], "kept": [1.0] * 4}
    for method in range(4):
        for seed in range(3):
            noise = {name: generator.normal(0, 0.1, 40) + shifts[name][method] for name in shifts}
            folder = tmp_path / f"{method}-{seed}"
            folder.mkdir()
            content = {
                "id": f"{method}{seed}",
                "name": f"m{method}",
                "seed": seed,
                "metrics": {f"test/{name}": float(found.mean()) for name, found in noise.items()},
                "specifications": {
                    "r": {"label": "R"},
                    "loss": {"label": "loss", "higher_is_better": False},
                },
                "cost": {"parameters": 1},
            }
            (folder / "result.json").write_text(json.dumps(content))
            table = {"unit_id": [f"p{unit}" for unit in range(40)], **noise}
            del table["kept"]
            pq.write_table(pa.table(table), folder / "per_query.parquet")
    results = read_finished(tmp_path)
    found = leaders(results, summarise(results, "r"))
    # Only what the runs kept of each query can be tested.
    assert found == {"test/r": {"m2", "m3"}, "test/loss": {"m0"}}
