"""Every shipped loss under every similarity it fits, and what contrastive learning optimises."""

from __future__ import annotations

import pytest
import torch
from pytorch_metric_learning.losses import NTXentLoss, SupConLoss

from likewise.data.module import ProductModule
from likewise.data.products import Products, take, to_float
from likewise.errors import LikewiseError
from likewise.experiment.composition import compose, shipped
from likewise.experiment.experiment import Loader
from likewise.experiment.parts import make_method

LOSSES = sorted(
    path.stem
    for path in (shipped("configs") / "loss").glob("*.yaml")
    if not path.stem.startswith(("pair_", "next_", "off_policy_", "in_batch_", "reinforce"))
)

LEARN_PROXIES = ("cross_entropy", "proxy_anchor", "sum")


def method_of(small: list[str], *overrides: str):
    config = compose([*small, "encoder=mlp", *overrides])
    experiment = Loader().experiment(config)
    torch.manual_seed(0)
    return make_method(experiment.config), experiment.module()


def first(module: ProductModule, number: int) -> tuple[Products, torch.Tensor]:
    products, groups = module.split("train")
    return to_float(take(products, slice(0, number))), groups[:number]


@pytest.mark.parametrize("similarity", ["cosine", "dot", "euclidean", "jaccard"])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_trains_under_a_similarity_or_says_what_fits(
    loss: str, similarity: str, small: list[str]
) -> None:
    overrides = [f"loss={loss}", f"similarity={similarity}"]
    overrides += ["encoder.nonnegative=true"] if similarity == "jaccard" else []
    # A memory of one batch, so that the number of comparisons stays the same.
    overrides += ["loss.memory_size=48"] if loss == "cross_batch_memory" else []
    refused = (
        (loss == "arcface" and similarity != "cosine")
        or (loss in LEARN_PROXIES and similarity == "jaccard")
        or (loss == "contrastive" and similarity == "euclidean")
        or (loss == "contrastive_euclidean" and similarity != "euclidean")
    )
    if refused:
        with pytest.raises(LikewiseError, match=r"(loss|similarity)="):
            method_of(small, *overrides)
        return
    method, module = method_of(small, *overrides)
    products, groups = first(module, 48)
    optimizer = method.adamw(method.encoder, method.loss)
    values = []
    for _ in range(12):
        value = method.training_loss(products, groups)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert all(value == value for value in values)
    assert min(values[6:]) < values[0] or values[0] == 0


def test_arcface_refuses_another_measure_than_its_own(small: list[str]) -> None:
    with pytest.raises(LikewiseError, match="similarity=cosine"):
        method_of(small, "loss=arcface", "similarity=dot")


def test_a_sum_of_losses_is_weighted_and_each_loss_has_the_similarity(small: list[str]) -> None:
    weights = ["loss.weights.groups=0.5", "loss.weights.proxies=2", "similarity=euclidean"]
    method, module = method_of(small, "loss=sum", *weights)
    products, groups = first(module, 24)
    embeddings = method.encoder(products)
    parts = method.loss.losses
    assert all(
        float(one.distance(*torch.tensor([[[3.0, 4]], [[0.0, 0]]]))) == 5 for one in parts.values()
    )
    expected = 0.5 * parts["groups"](embeddings, groups) + 2 * parts["proxies"](embeddings, groups)
    torch.testing.assert_close(method.loss(embeddings, groups), expected)
    with pytest.raises(LikewiseError, match="scale=-1 must be above 0"):
        method_of(
            small, "loss=sum", "+loss@loss.losses.third=arcface", "loss.losses.third.scale=-1"
        )


def test_a_sum_needs_a_weight_for_each_loss(small: list[str]) -> None:
    with pytest.raises(LikewiseError, match=r"such as \+loss\.weights\.third=1\.0"):
        method_of(small, "loss=sum", "+loss@loss.losses.third=arcface")


def test_a_memory_compares_with_earlier_batches_and_is_kept(small: list[str]) -> None:
    options = ["loss=cross_batch_memory", "loss.memory_size=40", "loss@loss.loss=supcon"]
    method, module = method_of(small, *options)
    products, groups = first(module, 36)
    embeddings = method.encoder(products).detach()
    earlier, own = slice(0, 24), slice(24, 36)
    method.loss(embeddings[earlier], groups[earlier])
    saved = method.state_dict()
    found = method.loss(embeddings[own], groups[own])
    # By hand: the 12 products, each with the 24 before it and the other 11 of its batch.
    logits = (
        torch.nn.functional.normalize(embeddings[own], dim=1)
        @ torch.nn.functional.normalize(embeddings, dim=1).T
        / method.loss.loss.temperature
    )
    same = groups[own, None] == groups[None]
    others = ~torch.eye(36, dtype=torch.bool)[own]
    log_share = logits - logits.masked_fill(~others, -torch.inf).logsumexp(1, keepdim=True)
    positive = same & others
    expected = -(log_share * positive).sum(1) / positive.sum(1)
    torch.testing.assert_close(found, expected.mean(), atol=1e-5, rtol=1e-5)
    again, _ = method_of(small, *options)
    again.load_state_dict(saved)
    torch.testing.assert_close(again.loss(embeddings[own], groups[own]), found)


def test_a_memory_refuses_what_it_cannot_compare(small: list[str]) -> None:
    with pytest.raises(LikewiseError, match="does not work with ArcFaceLoss"):
        method_of(small, "loss=cross_batch_memory", "loss@loss.loss=arcface")
    with pytest.raises(LikewiseError, match="needs labels, which method=contrastive does not"):
        method_of(small, "loss=cross_batch_memory", "method=contrastive", "encoder=contrastive")
    method, module = method_of(small, "loss=cross_batch_memory", "loss.memory_size=10")
    with pytest.raises(LikewiseError, match="memory_size=10 is below the batch of 24"):
        method.training_loss(*first(module, 24))
    method, module = method_of(small, "loss=cross_batch_memory", "loss.embedding_size=7")
    with pytest.raises(LikewiseError, match="must be the size of the embeddings, 16"):
        method.training_loss(*first(module, 24))


def test_the_similarity_chosen_is_the_one_the_loss_and_the_miner_use(small: list[str]) -> None:
    method, _ = method_of(small, "loss=triplet", "similarity=euclidean")
    a, b = torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, 0.0]])
    assert float(method.loss.distance(a, b)) == pytest.approx(5)
    assert float(method.miner.distance(a, b)) == pytest.approx(5)
    assert float(method.similarity.matrix(a, b)) == pytest.approx(5)


def test_with_two_views_a_product_supcon_is_ntxent() -> None:
    torch.manual_seed(0)
    embeddings = torch.randn(20, 8)
    products = torch.arange(10).repeat(2)
    one = SupConLoss(temperature=0.1)(embeddings, products)
    other = NTXentLoss(temperature=0.1)(embeddings, products)
    assert float(one) == pytest.approx(float(other), rel=1e-5)


def test_contrastive_learning_does_not_read_groups(small: list[str]) -> None:
    method, module = method_of(small, "encoder=contrastive")
    products, groups = first(module, 40)
    torch.manual_seed(1)
    with_groups = method.training_loss(products, groups).item()
    torch.manual_seed(1)
    without = method.training_loss(products, torch.zeros(40).long()).item()
    assert with_groups == without


def test_generated_products_enter_the_loss_after_the_start(small: list[str]) -> None:
    method, module = method_of(small, "encoder=gan_augmented", "method.generated_to_real_ratio=0.5")
    products, groups = first(module, 40)
    seen: list[int] = []
    method.encoder.base.register_forward_hook(lambda _m, _i, output: seen.append(len(output)))
    method._steps = 10
    method.generated_start = 0.5
    method.training_loss(products, groups)
    method.generated_start = 0.0
    method.training_loss(products, groups)
    assert seen == [40, 60]
