"""Policies, contexts, reward models and their losses, by worked examples and brute force."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from datasets import Dataset
from hydra.utils import instantiate
from omegaconf import OmegaConf
from sklearn.linear_model import LogisticRegression

from likewise.data.catalogue import ProductData, make_catalogue
from likewise.data.contexts import FEATURES, Contexts
from likewise.data.relevance import LoggedFeedback
from likewise.errors import LikewiseError
from likewise.losses.off_policy import OffPolicyLoss, PolicyRounds
from likewise.losses.off_policy_dr import DoublyRobustLoss
from likewise.losses.off_policy_ips import IpsLoss
from likewise.losses.off_policy_snips import SnipsLoss
from likewise.policies.base import Policy
from likewise.policies.linear import LinearPolicy
from likewise.policies.rewards import RewardModel, cross_fitted
from likewise.policies.signals import AttributeSignal, ClickRateSignal, HistorySignal, TitleSignal
from likewise.policies.similarity import SimilarityPolicy
from likewise.policies.thompson import ThompsonSampling

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
TITLES = ["red lamp", "red lamp", "blue rug", "green cup"]


def feedback() -> LoggedFeedback:
    context = Dataset.from_dict(
        {
            "user": [1, 2, 3],
            "time": [1.0, 2.0, 3.0],
            "device": ["phone", "desk", None],
            "age": [0.0, math.e - 1, 3.0],
            "affinity": [[2.0, 0, 2, 0], [0.0, 0, 0, 0], [0.0, 1, 0, 0]],
        }
    )
    splits = {"train": np.arange(3), "validation": np.arange(0), "test": np.arange(0)}
    return LoggedFeedback(
        context, np.array([0, 1, 1]), np.array([1, 2, 1]), np.array([1.0, 0, 0]), np.ones(3), splits
    )


def shop() -> ProductData:
    colours = [[{"name": "colour", "value": title.split()[0]}] for title in TITLES]
    columns = {"product_id": list("abcd"), "title": TITLES, "attributes": colours}
    log = feedback()
    return ProductData(make_catalogue(columns), {"train": np.arange(4)}, "f", (log,))


def test_contexts() -> None:
    found = Contexts.of(feedback(), np.arange(3), 4)
    assert found.features.shape == (3, FEATURES)
    assert found.links.tolist() == [[0.5, 0, 0.5, 0], [0, 0, 0, 0], [0, 1, 0, 0]]
    # Position, device and age; a missing device and an age of 0 count nothing.
    assert found.features.abs().sum(1).tolist() == pytest.approx([2, 3, 1 + math.log(4)])
    # The same column and value are read in the same way in any log.
    alone = Contexts.of(feedback(), np.array([1]), 4)
    assert torch.equal(alone.features[0], found.features[1])
    assert Contexts.of(feedback(), np.array([], np.int64), 4).features.shape == (0, FEATURES)


def contexts(links: list[list[float]], position: int = 1) -> Contexts:
    rows = len(links)
    return Contexts(torch.zeros(rows, FEATURES), torch.tensor(links), torch.full((rows,), position))


def test_signals() -> None:
    module = SimpleNamespace(data=shop())
    links = torch.tensor([[1.0, 0, 0, 0]])
    signals = {"history": HistorySignal(), "attributes": AttributeSignal(), "title": TitleSignal()}
    for signal in signals.values():
        signal.prepare(module)
    assert signals["history"](links).tolist() == [[1, 0, 0, 0]]
    assert signals["attributes"](links)[0].tolist() == pytest.approx([1, 1, 0, 0])
    assert signals["title"](links)[0].tolist() == pytest.approx([1, 1, 0, 0])
    rate = ClickRateSignal(prior_rounds=3.0)
    rate.prepare(module)
    # (1 + 1) / 4, (0 + 1) / 5, 1 / 3 and 1 / 3, the largest scaled to 1.
    assert rate(links)[0].tolist() == pytest.approx([1, 0.4, 2 / 3, 2 / 3])


def test_similarity_policy_by_hand() -> None:
    policy = SimilarityPolicy(
        {"history": HistorySignal(), "other": HistorySignal()}, {"history": 3, "other": 4}, 0.5
    )
    found = policy.logits(contexts([[1.0, 0, 0, 0]]))
    assert found[0].tolist() == pytest.approx([(0.6 + 0.8) / 0.5, 0, 0, 0])
    assert policy.describe() == "weights history 0.60, other 0.80; temperature 0.500"


def test_candidate_sources_are_a_mixture() -> None:
    """By brute force: half of the time the best product of the signal, else the whole catalogue."""
    policy = SimilarityPolicy({"history": HistorySignal()}, candidates=1)
    links = [[0.5, 0.25, 0.25, 0.0]]
    whole = np.exp(links[0]) / np.exp(links[0]).sum()
    expected = 0.5 * np.array([1.0, 0, 0, 0]) + 0.5 * whole
    found = policy.log_probabilities(contexts(links)).exp()[0].detach().numpy()
    assert found == pytest.approx(expected)
    assert policy.describe().endswith("sources history 0.50, whole catalogue 0.50")
    policy.log_probabilities(contexts(links))[0, 3].backward()
    assert all(torch.isfinite(one.grad).all() for one in policy.parameters())


def test_thompson_sampling_has_the_exact_probabilities() -> None:
    """Of two products with Beta(2, 1) and Beta(1, 1), the first has the higher draw in 2/3."""
    policy = ThompsonSampling([2, 1], [1, 1], positions=2, draws=50_000)
    found = [policy.log_probabilities(contexts([[0.0, 0]], k)).exp()[0, 0].item() for k in (1, 2)]
    assert found == pytest.approx([2 / 3, 1 / 3], abs=0.01)
    for mistake, expected in (
        (lambda: policy.logits(contexts([[0.0, 0]], 3)), "positions 1 to 2"),
        (lambda: policy.logits(contexts([[0.0, 0, 0]])), "among 2 products"),
        (lambda: ThompsonSampling([1, 0], [1, 1]), "above 0"),
        (lambda: SimilarityPolicy({"a": HistorySignal()}, {"b": 1.0}), "must name signals"),
        (lambda: SimilarityPolicy({"a": HistorySignal()}, {"a": 0.0}), "must not all be 0"),
        (lambda: SimilarityPolicy({"a": HistorySignal()}, temperature=0.0), "temperature=0.0"),
    ):
        with pytest.raises(LikewiseError, match=expected):
            mistake()


def test_published_priors_of_open_bandit() -> None:
    for campaign, products in (("all", 80), ("men", 34), ("women", 46)):
        config = OmegaConf.load(CONFIGS / f"policy/bts_{campaign}.yaml")
        policy = instantiate(config, draws=100)
        assert policy.shares.shape == (3, products)
        assert policy.shares.sum(1).tolist() == pytest.approx([1, 1, 1])
        assert isinstance(policy, Policy)


def log(rounds: int = 300) -> tuple[Contexts, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    features = torch.from_numpy(generator.normal(size=(rounds, 5))).float()
    links = torch.from_numpy(generator.dirichlet(np.ones(3), rounds)).float()
    action = generator.integers(0, 3, rounds)
    reward = (generator.random(rounds) < 0.2 + 0.3 * action).astype(float)
    return Contexts(features, links, torch.ones(rounds, dtype=torch.int64)), action, reward


def test_reward_model_is_logistic_regression_on_dense_columns() -> None:
    found, action, reward = log()
    model = RewardModel().fit(found, action, reward)
    features, links = found.features.numpy(), found.links.numpy()

    def columns(product: np.ndarray) -> np.ndarray:
        linked = links[np.arange(len(product)), product]
        return np.column_stack([features, np.eye(3)[product], linked])

    expected = LogisticRegression(max_iter=1000).fit(columns(action), reward)
    predicted = model.predict(found)
    for product in range(3):
        probabilities = expected.predict_proba(columns(np.full(len(reward), product)))[:, 1]
        assert predicted[:, product] == pytest.approx(probabilities, abs=1e-3)
    graded = RewardModel().fit(found, action, 5 * reward)
    assert graded.predict(found).mean() == pytest.approx(5 * reward.mean(), rel=0.2)
    constant = RewardModel().fit(found, action, np.full(len(reward), 2.0))
    assert np.array_equal(constant.predict(found), np.full((len(reward), 3), 2.0))


def test_no_round_is_predicted_from_its_own_reward() -> None:
    """Each prediction stays when the reward of its round changes, and others move."""
    found, action, reward = log(60)
    first = cross_fitted(found, action, reward, 20, 3, 0)
    assert first.shape == (20, 3)
    for row in (40, 55):
        changed = reward.copy()
        changed[row] = 1 - changed[row]
        again = cross_fitted(found, action, changed, 20, 3, 0)
        assert np.array_equal(again[row - 40], first[row - 40])
        assert not np.array_equal(again, first)


LOSSES: dict[str, tuple[OffPolicyLoss, float]] = {
    # Weights are 2, 1/2 and 1; rewards 1, 0 and 1.
    "ips": (IpsLoss(), -3 / 3),
    "clipped": (IpsLoss(max_weight=1.5), -2.5 / 3),
    "snips": (SnipsLoss(), -3 / 3.5),
    # The mean prediction is 1/4; errors are 1/2, -1/2 and 1/2 on those of 1/2.
    "dr": (DoublyRobustLoss(), -(0.25 + (1 - 0.25 + 0.5) / 3)),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses_and_their_gradients(name: str) -> None:
    """Values by hand, and gradients of unclipped losses by finite differences."""
    loss, expected = LOSSES[name]
    logits = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    predicted = torch.tensor([[0.5, 0.0], [0.5, 0.0], [0.5, 0.0]], dtype=torch.float64)

    def value(logits: torch.Tensor) -> torch.Tensor:
        rounds = PolicyRounds(
            logits.log_softmax(0).expand(3, 2),
            torch.tensor([0, 0, 0]),
            torch.tensor([0.25, 1.0, 0.5], dtype=torch.float64),
            torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64),
            predicted,
        )
        return loss(rounds)

    assert value(logits).item() == pytest.approx(expected)
    (gradient,) = torch.autograd.grad(value(logits), logits)
    if name != "clipped":
        step = 1e-6 * torch.eye(2, dtype=torch.float64)
        slopes = [(value(logits + one) - value(logits - one)).item() / 2e-6 for one in step]
        assert gradient.tolist() == pytest.approx(slopes, abs=1e-6)
    else:
        # min(w, 1.5) r ∇ log π, which is 1/2 for the first logit.
        assert gradient[0].item() == pytest.approx(-(1.5 + 1) / 3 * 0.5)


def test_linear_policy_starts_as_uniform() -> None:
    found = LinearPolicy(4).log_probabilities(contexts([[0.0, 0, 0, 1]])).exp()
    assert found[0].tolist() == pytest.approx([0.25] * 4)
