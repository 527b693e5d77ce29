.PHONY: demo test lint bench clean
.SILENT:

PY := .venv/bin/python
# Touched only after a complete install, so that an interrupted one is taken up again.
STAMP := .venv/.installed

demo: $(STAMP)
	scripts/fetch_fashion_mnist.sh
	.venv/bin/likewise study encoders

test: $(STAMP)
	$(PY) -m pytest

lint: $(STAMP)
	$(PY) -m ruff check --quiet .
	$(PY) -m ruff format --quiet --check . || \
	  { echo "Some files are not formatted; run: $(PY) -m ruff format ." >&2; exit 1; }
	$(PY) -m mypy --no-error-summary

bench: $(STAMP)
	$(PY) scripts/benchmark_evaluation.py
	$(PY) scripts/benchmark_training.py

clean:
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache .hypothesis build dist runs
	find src tests scripts -type d \( -name __pycache__ -o -name '*.egg-info' \) -prune \
	  -exec rm -rf {} +

$(STAMP): requirements.lock pyproject.toml scripts/bootstrap.sh
	scripts/bootstrap.sh
	touch $@
