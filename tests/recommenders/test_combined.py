"""Recommenders made of others, every part of the group, and saving."""

from __future__ import annotations

from pathlib import Path

import hydra
import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from safetensors.torch import load_file, save_file
from scipy.stats import rankdata, zscore

from likewise.data.histories import Histories
from likewise.errors import LikewiseError
from likewise.experiment.composition import shipped
from likewise.recommenders.base import Recommender
from likewise.recommenders.combined.rank_fusion import RankFusion
from likewise.recommenders.combined.social import Social
from likewise.recommenders.counts.cooccurrence import Cooccurrence
from likewise.recommenders.counts.item_knn import ItemKnn
from likewise.recommenders.counts.popular import Popular
from likewise.recommenders.counts.repeat import Repeat

# Those that need an encoder, attributes or gradient steps are tried elsewhere.
OTHERS = {
    *("attribute_content", "attribute_transitions", "content", "content_links", "gru", "hybrid"),
    *("finished_run", "none", "sasrec", "two_steps"),
}
PARTS = sorted({path.stem for path in (shipped("configs") / "recommender").glob("*.yaml")} - OTHERS)
NEED_IMPLICIT = ("als", "bpr")


def composed(*overrides: str) -> Recommender:
    """A recommender of the group."""
    with hydra.initialize_config_dir(str(shipped("configs")), version_base="1.3"):
        return instantiate(hydra.compose(overrides=list(overrides))["recommender"])


@pytest.mark.parametrize("part", PARTS)
def test_every_part_learns_is_saved_and_serves_strangers(
    part: str, small_shop, tmp_path: Path
) -> None:
    if part in NEED_IMPLICIT:
        pytest.importorskip("implicit")
    _, histories, data = small_shop
    recommender = composed(f"+recommender={part}")
    recommender.fit(histories, data, 0)
    found = recommender.scores(histories)
    assert found.dtype == torch.float32
    assert found.shape == (len(histories), 14)
    assert found.isfinite().all()
    # Nobody had the last product.
    assert (found[:, 13] <= found.min(1).values).all()
    state = {name: value.contiguous() for name, value in recommender.state_dict().items()}
    save_file(state, tmp_path / "weights.safetensors")
    fresh = composed(f"+recommender={part}")
    fresh.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    assert torch.equal(fresh.scores(histories), found)
    torch.testing.assert_close(fresh.scores(histories[3:9]), found[3:9])
    assert fresh.scores(Histories.of([[], [0, 0], list(range(14))])).isfinite().all()
    assert fresh.scores(histories[3:3]).shape == (0, 14)


def smoothed(scores: np.ndarray, share: float, steps: int) -> np.ndarray:
    """The scores of the people of ``small_shop`` over its network, by hand."""
    # Person 0 of the network did nothing, so the places are one less.
    trusts = {2: [3, 4], 3: [2], 4: [5], 6: [2]}
    for _ in range(steps):
        scores = np.stack(
            [
                (1 - share) * own + share * np.mean([scores[v] for v in trusts.get(u, [u])], axis=0)
                for u, own in enumerate(scores)
            ]
        )
    return scores


@pytest.mark.parametrize("base", [ItemKnn, Popular, Repeat])
@pytest.mark.parametrize(("share", "steps"), [(0.0, 1), (0.3, 1), (0.6, 2), (1.0, 3)])
def test_social_smooths_over_the_network(small_shop, base: type, share: float, steps: int) -> None:
    _, histories, data = small_shop
    alone, recommender = base(), Social(base(), share, steps)
    alone.fit(histories, data, 0)
    recommender.fit(histories, data, 0)
    own = alone.scores(histories).numpy()
    found = recommender.scores(histories).numpy()
    np.testing.assert_allclose(found, smoothed(own, share, steps), rtol=1e-5, atol=1e-6)


def test_social_uses_the_present_history_of_a_person_and_the_past_of_trusted_ones(
    small_shop,
) -> None:
    _, histories, data = small_shop
    recommender = Social(Repeat(), 0.25)
    # People stand in another order than in the data, and some are new.
    recommender.fit(histories.take(np.arange(len(histories))[::-1]), data, 0)
    now = Histories(np.array([13, 13, 13]), np.array([1, 2, 3]), np.array([3, 2, 1000]))
    found = recommender.scores(now).numpy()
    before = Repeat()
    before.fit(histories, data, 0)
    before = before.scores(histories).numpy()
    last = np.eye(14)[13]
    np.testing.assert_allclose(found[0], 0.75 * last + 0.25 * before[2], rtol=1e-6)
    np.testing.assert_allclose(found[1], 0.75 * last + 0.125 * (before[3] + before[4]), rtol=1e-6)
    np.testing.assert_array_equal(found[2], last)


def test_social_equals_smoothed_histories_for_a_linear_base(small_shop) -> None:
    _, histories, data = small_shop
    recommender = Social(ItemKnn(), 0.4, 2)
    recommender.fit(histories, data, 0)
    weights = recommender.base.weights.get()
    table = smoothed(histories.matrix(14).toarray(), 0.4, 2) @ weights
    np.testing.assert_allclose(recommender.scores(histories).numpy(), table, rtol=1e-5, atol=1e-6)


def test_social_without_trust_is_named(event_maker) -> None:
    data = event_maker(2, [[0, 1]])
    known = Histories(np.array([0, 1]), np.array([2]), np.array([0]))
    with pytest.raises(LikewiseError, match="who trusts whom"):
        Social(Popular()).fit(known, data, 0)
    with pytest.raises(LikewiseError, match="people of the data"):
        Social(Popular()).fit(Histories.of([[0]]), data, 0)


@pytest.mark.parametrize("how", ["ranks", "scores"])
def test_a_fusion_is_the_weighted_sum_of_its_parts(small_shop, how: str) -> None:
    _, histories, data = small_shop
    histories = histories[2:]
    parts = {"near": Cooccurrence(), "popular": Popular()}
    recommender = RankFusion(parts, {"near": 3.0}, how, constant=10)
    recommender.fit(histories, data, 0)
    expected = np.zeros((len(histories), 14))
    for weight, part in zip((3, 1), parts.values(), strict=True):
        scores = part.scores(histories).numpy().astype(np.float64)
        for person, row in enumerate(scores):
            fused = 1 / (10 + rankdata(-row, "min")) if how == "ranks" else zscore(row)
            expected[person] += weight * fused
    np.testing.assert_allclose(recommender.scores(histories).numpy(), expected, atol=1e-5)


def test_parts_are_composed_and_weighted_by_overrides(small_shop) -> None:
    _, histories, data = small_shop
    recommender = composed(
        "+recommender=rank_fusion",
        "+recommender@recommender.parts.friends=social",
        "recommender@recommender.parts.friends.base=repeat",
        "+recommender.weights.friends=0.5",
    )
    recommender.fit(histories, data, 0)
    assert list(recommender.parts) == ["alike", "near", "friends"]
    assert isinstance(recommender.parts["friends"].base, Repeat)
    assert recommender.weights == {"alike": 1, "near": 1, "friends": 0.5}
    assert recommender.scores(histories).isfinite().all()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"parts": {}}, "recommender.parts must name"),
        ({"parts": {"a": Popular()}, "weights": {"b": 1}}, "recommender.weights names b"),
        ({"parts": {"a": Popular()}, "weights": {"a": 0}}, "must be above 0"),
        ({"parts": {"a": Popular()}, "how": "votes"}, "recommender.how=votes"),
    ],
)
def test_a_wrong_fusion_is_named(options: dict, sentence: str) -> None:
    with pytest.raises(LikewiseError, match=sentence):
        RankFusion(**options)


def test_a_part_with_a_training_of_its_own_is_refused() -> None:
    part = Popular()
    part.trained_by = "next_product"
    with pytest.raises(LikewiseError, match=r"parts\.a is trained by next_product"):
        RankFusion({"a": part})
    with pytest.raises(LikewiseError, match="base is trained by next_product"):
        Social(part)
