"""A small version of scripts/simulate_off_policy.py: estimators are right where they must be."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/simulate_off_policy.py"


def test_bias_and_coverage_on_a_bandit_of_known_value() -> None:
    study = runpy.run_path(str(SCRIPT))
    repetitions = 150
    value, found = study["simulate"](2.0, repetitions)
    results = {name: study["summary"](value, rows) for name, rows in found.items()}
    for name in ("IPS", "SNIPS", "DR"):
        bias, rmse, covered, refused = results[name]
        # Four standard errors of the mean error, and of a coverage of 95 %.
        assert abs(bias) < 4 * rmse / np.sqrt(repetitions), name
        assert covered > 0.95 - 4 * np.sqrt(0.95 * 0.05 / repetitions), name
        assert refused <= 2
    # The model ignores the context, and the interval of DM does not cover the error of the model.
    assert results["DM"][0] < -0.1
    assert results["DM"][2] < 0.5
    assert results["DRos"][1] < results["IPS"][1]


def test_a_perfect_model_makes_the_direct_method_right() -> None:
    study = runpy.run_path(str(SCRIPT))
    generator = np.random.default_rng(0)
    rate = np.tile(generator.uniform(0.1, 0.4, study["PRODUCTS"]), (study["CONTEXTS"], 1))
    uniform = np.full_like(rate, 1 / study["PRODUCTS"])
    policy = study["softmax"](10 * rate)
    rounds = study["draw_log"](generator, rate, uniform, policy)
    value = float((policy * rate).sum(1).mean())
    assert study["DirectMethod"]()(rounds) == pytest.approx(value, rel=0.1)
