"""Inverse propensity scoring, plain and self-normalised."""

from __future__ import annotations

import numpy as np

from likewise.metrics.off_policy import LoggedRounds, OffPolicyEstimator


class InversePropensityScore(OffPolicyEstimator):
    """The mean reward with importance weights, w r; unbiased.

    Horvitz and Thompson, "A Generalization of Sampling Without Replacement from a Finite Universe",
    1952; Strehl et al., "Learning from Logged Implicit Exploration Data", NIPS 2010.
    """

    label = "IPS"
    predicts = False

    def terms(self, rounds: LoggedRounds) -> np.ndarray:
        """See ``OffPolicyEstimator``."""
        return rounds.weights * rounds.reward


class SelfNormalisedScore(OffPolicyEstimator):
    """The weighted mean reward, Σ w r / Σ w; consistent, and always within the range of rewards.

    Swaminathan and Joachims, "The Self-Normalized Estimator for Counterfactual Learning", NIPS
    2015. The terms are V + w (r − V) / mean(w) with the estimate V. Their mean is V, and the
    variance of their mean is that of the ratio by the delta method.
    """

    label = "SNIPS"
    predicts = False

    def terms(self, rounds: LoggedRounds) -> np.ndarray:
        """See ``OffPolicyEstimator``; NaN if all weights are 0."""
        weights = rounds.weights
        if not weights.any():
            return np.full(len(rounds), np.nan)
        value = float(weights @ rounds.reward / weights.sum())
        return value + weights * (rounds.reward - value) / weights.mean()
