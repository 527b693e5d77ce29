"""Requests that schemathesis makes from the description of the API, valid ones and others."""

from __future__ import annotations

from pathlib import Path

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from likewise.serving.api import make_app
from likewise.serving.run import ServedRun


def test_every_answer_is_as_described(pictures_run: Path, words_run: Path) -> None:
    """No request fails on the server, and every answer is one that the description allows."""
    app = make_app([ServedRun(pictures_run), ServedRun(words_run)])
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    called = set()
    for result in schema.get_all_operations():
        operation = result.ok()
        json_body = operation.method == "post" and "picture" not in operation.path
        modes = [GenerationMode.POSITIVE, *([GenerationMode.NEGATIVE] if json_body else [])]
        for mode in modes:

            @settings(
                max_examples=3,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def check(case: schemathesis.Case) -> None:
                # Most valid requests name products that the catalogue does not have.
                case.call_and_validate(excluded_checks=[positive_data_acceptance])
                called.add((case.method.lower(), case.path))

            check()
    assert len(called) == 9
