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

LEARN_PROXIES = ("cross_entropy", "proxy_anchor")


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
