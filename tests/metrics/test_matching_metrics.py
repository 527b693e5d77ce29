"""Matching metrics against scikit-learn, and the thresholds they stand on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    f1_score,
    precision_score,
    recall_score,
)

from likewise.metrics.brier import Brier
from likewise.metrics.calibration_error import CalibrationError
from likewise.metrics.f1 import F1
from likewise.metrics.matching import Calibration, JudgedPairs
from likewise.metrics.pair_precision import PairPrecision
from likewise.metrics.pair_recall import PairRecall
from likewise.metrics.pr_auc import PRAUC
from likewise.thresholds.best_f1 import best_threshold


@st.composite
def judged(draw: st.DrawFn) -> JudgedPairs:
    size = draw(st.integers(4, 40))
    generator = np.random.default_rng(draw(st.integers(0, 10**6)))
    labels = generator.integers(0, 2, size)
    labels[:2] = 0, 1
    # Few different scores, so that there are ties.
    scores = generator.integers(0, draw(st.sampled_from([3, 1000])), size) / 7 + 0.2 * labels
    return JudgedPairs(scores, generator.random(size), labels, float(scores[0]))


@settings(max_examples=60, deadline=None)
@given(judged())
def test_metrics_are_scikit_learn_s(pairs: JudgedPairs) -> None:
    labels, predicted = pairs.labels, pairs.predicted
    expected = {
        F1(): f1_score(labels, predicted),
        PairPrecision(): precision_score(labels, predicted),
        PairRecall(): recall_score(labels, predicted),
        PRAUC(): average_precision_score(labels, pairs.scores),
        Brier(): brier_score_loss(labels, pairs.probabilities),
    }
    for metric, value in expected.items():
        assert metric(pairs) == pytest.approx(value), type(metric)
        assert len(metric.per_pair(pairs)) == len(labels)


@settings(max_examples=60, deadline=None)
@given(judged())
def test_no_threshold_has_a_better_f1(pairs: JudgedPairs) -> None:
    chosen = best_threshold(pairs.scores, pairs.labels)
    candidates = [*pairs.scores, pairs.scores.min() - 1]
    best = max(f1_score(pairs.labels, pairs.scores >= one) for one in candidates)
    assert f1_score(pairs.labels, pairs.scores >= chosen) == pytest.approx(best)


def test_the_values_of_pairs_have_the_error_of_f1() -> None:
    generator = np.random.default_rng(0)
    found, errors = [], []
    for _ in range(400):
        labels = (generator.random(600) < 0.2).astype(int)
        scores = generator.normal(size=600) + 1.5 * labels
        values = F1().per_pair(JudgedPairs(scores, scores, labels, 1.0))
        found.append(values.mean())
        errors.append(values.std() / 600**0.5)
    assert np.mean(errors) == pytest.approx(np.std(found), rel=0.1)


def test_calibration_error_by_hand() -> None:
    probabilities = np.array([0.05, 0.05, 0.65, 0.65, 1.0])
    labels = np.array([0, 1, 1, 1, 1])
    pairs = JudgedPairs(probabilities, probabilities, labels, 0.5)
    expected = (2 * abs(0.05 - 0.5) + 2 * abs(0.65 - 1) + 0) / 5
    assert CalibrationError(bins=10)(pairs) == pytest.approx(expected)


def test_calibration_makes_probabilities_of_scores() -> None:
    generator = np.random.default_rng(1)
    true = generator.uniform(0.02, 0.98, 20_000)
    labels = (generator.random(20_000) < true).astype(int)
    scores = 40 + 3 * np.log(true / (1 - true))
    calibration = Calibration.fit(scores, labels)
    assert np.abs(calibration(scores) - true).mean() < 0.02
    same = Calibration.fit(np.ones(4), np.array([0, 1, 0, 0]))(np.ones(5))
    assert same == pytest.approx(np.full(5, 0.25), abs=0.01)


def test_where_nothing_is_called_a_match() -> None:
    pairs = JudgedPairs(np.zeros(4), np.full(4, 0.1), np.zeros(4, int), 1.0)
    for metric in (F1(), PairPrecision(), PairRecall(), PRAUC()):
        assert np.isnan(metric(pairs))
