"""Off-policy estimates beside those of obp 0.4.1, an independent implementation.

obp has dependencies of its own, so the check has two steps, each in its environment:

    LIKEWISE_DATA=... python scripts/check_against_obp.py export FILE.npz     # with likewise
    python scripts/check_against_obp.py check FILE.npz                        # with obp 0.4.1

The random log of each campaign of the Open Bandit Dataset values the policy bts; its true value is
the click rate of the log of bts, with Student's interval. Both sides get the same probabilities and
the same predicted rewards. The check fails where estimates differ by more than 1e-6. obp also
computes the probabilities of bts, from other random draws.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

CAMPAIGNS = ("all", "men", "women")
THRESHOLD, SHRINKAGE = 10.0, 100.0
TOLERANCE = 1e-6


def export(path: Path) -> None:
    """Write the rounds of each campaign, and our estimates with their intervals."""
    import torch
    from hydra.utils import instantiate
    from omegaconf import OmegaConf

    from likewise.data.contexts import Contexts
    from likewise.data.relevance import LoggedFeedback
    from likewise.data.sources.open_bandit import OpenBandit
    from likewise.metrics.direct_method import DirectMethod
    from likewise.metrics.doubly_robust import DoublyRobust, ShrunkDoublyRobust, SwitchDoublyRobust
    from likewise.metrics.importance_sampling import InversePropensityScore, SelfNormalisedScore
    from likewise.metrics.interval import mean_interval
    from likewise.metrics.off_policy import LoggedRounds
    from likewise.policies.rewards import cross_fitted

    estimators = [
        DirectMethod(),
        InversePropensityScore(),
        SelfNormalisedScore(),
        DoublyRobust(),
        SwitchDoublyRobust(THRESHOLD),
        ShrunkDoublyRobust(SHRINKAGE),
    ]
    configs = Path(__file__).resolve().parents[1] / "configs/policy"
    saved: dict[str, np.ndarray] = {"names": np.array([one.label for one in estimators])}
    for campaign in CAMPAIGNS:
        data = OpenBandit(campaign=campaign, policy="random").load()
        log, products = data.get(LoggedFeedback), len(data.catalogue)
        contexts = Contexts.of(log, np.arange(len(log)), products)
        policy = instantiate(OmegaConf.load(configs / f"bts_{campaign}.yaml"))
        with torch.no_grad():
            probability = policy.log_probabilities(contexts).double().exp().numpy()
        predicted = cross_fitted(contexts, log.action, log.reward, len(log), 3, 0)
        here = np.arange(len(log)), log.action
        rounds = LoggedRounds(
            log.reward,
            log.propensity,
            probability[here],
            predicted[here],
            (probability * predicted).sum(1),
            (probability * ~log.shown(products)[log.position]).sum(1),
        )
        found = [one.estimate(rounds).interval for one in estimators]
        other = OpenBandit(campaign=campaign, policy="bts").load().get(LoggedFeedback)
        truth = mean_interval(other.reward)
        saved |= {
            f"{campaign} action": log.action,
            f"{campaign} position": log.position,
            f"{campaign} reward": log.reward,
            f"{campaign} propensity": log.propensity,
            f"{campaign} probability": probability,
            f"{campaign} predicted": predicted,
            f"{campaign} shares": policy.shares.numpy(),
            f"{campaign} ours": np.array([[one.mean, one.low, one.high] for one in found]),
            f"{campaign} truth": np.array([truth.mean, truth.low, truth.high]),
        }
    np.savez(path, **saved)


def check(path: Path) -> None:
    """Print our estimates, obp's, the difference and the relative error."""
    from obp import ope
    from obp.policy import BernoulliTS

    saved = np.load(path)
    estimators = [
        ope.DirectMethod(),
        ope.InverseProbabilityWeighting(),
        ope.SelfNormalizedInverseProbabilityWeighting(),
        ope.DoublyRobust(),
        ope.SwitchDoublyRobust(tau=THRESHOLD),
        ope.DoublyRobustWithShrinkage(lambda_=SHRINKAGE),
    ]
    worst = 0.0
    columns = "campaign | estimator | value % [95 %] | obp | difference | relative error [by truth]"
    print(f"| {columns} |\n|{'---|' * 6}")
    for campaign in CAMPAIGNS:
        truth, low, high = saved[f"{campaign} truth"]
        print(f"| {campaign} | on-policy (truth) | {_percent(truth, low, high)} | | | |")
        values = saved[f"{campaign} ours"]
        for name, estimator, mine in zip(saved["names"], estimators, values, strict=True):
            theirs = estimator.estimate_policy_value(
                reward=saved[f"{campaign} reward"],
                action=saved[f"{campaign} action"],
                pscore=saved[f"{campaign} propensity"],
                action_dist=saved[f"{campaign} probability"][:, :, None],
                estimated_rewards_by_reg_model=saved[f"{campaign} predicted"][:, :, None],
                position=np.zeros(len(saved[f"{campaign} action"]), int),
            )
            difference = float(mine[0] - theirs)
            worst = max(worst, abs(difference))
            error = abs(mine[0] - truth) / truth
            ends = sorted(abs(mine[0] - one) / one for one in (low, high))
            within = 0.0 if low <= mine[0] <= high else ends[0]
            print(
                f"| {campaign} | {name} | {_percent(*mine)} | {100 * theirs:.4f} | "
                f"{difference:+.1e} | {error:.1%} [{within:.1%}, {ends[1]:.1%}] |"
            )
        policy = BernoulliTS(
            n_actions=saved[f"{campaign} shares"].shape[1],
            len_list=3,
            is_zozotown_prior=True,
            campaign=campaign,
            random_state=12345,
        )
        shares = policy.compute_batch_action_dist(n_sim=100_000, n_rounds=1)[0].T
        apart = np.abs(shares - saved[f"{campaign} shares"]).max()
        print(f"| {campaign} | probabilities of bts, largest difference | | | {apart:.1e} | |")
    if worst > TOLERANCE:
        raise SystemExit(f"an estimate differs by {worst:.1e}")


def _percent(mean: float, low: float, high: float) -> str:
    return f"{100 * mean:.4f} [{100 * low:.4f}, {100 * high:.4f}]"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=["export", "check"])
    parser.add_argument("file", type=Path)
    options = parser.parse_args()
    (export if options.step == "export" else check)(options.file)
