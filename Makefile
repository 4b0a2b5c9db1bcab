# `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# of a checkout that was moved or copied, the environment is mended
$(shell sh scripts/at-home $(VENV) || rm -f $(VENV)/.benchmark $(VENV)/.test)

.DEFAULT_GOAL := help
.PHONY: help benchmark test test-cluster quick ui setup setup-dev lint lock clean

help: ## list what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

benchmark: setup ## set up, run the whole benchmark on the demo songs, print the table; made before is not made again
	@$(BIN)/sepbench run

test: setup-dev ## set up, then lint, check types and run every test but the long ones of test-cluster
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile -m "not cluster"

test-cluster: setup-dev ## the long tests that start Slurm (apt-get install slurm-wlm; as root) and Ray on this machine
	@$(BIN)/pytest -m cluster

quick: setup-dev ## what to run before each commit: the same without tests that take over a second (tests/over_a_second.txt)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile -m "not slow and not browser and not cluster and not over_a_second" --durations 10 --durations-min 3

ui: setup ## open the pages: what is stale, what runs, the table, Dagster, MLflow
	@$(BIN)/sepbench ui

lint: setup-dev ## lint, format and check types
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/mypy

lock: setup-dev ## renew the lock files from pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	@echo uv | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade - -o requirements-uv.lock

clean: ## remove the environment and caches; data/ stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info

setup: $(VENV)/.benchmark ## make .venv with all that the benchmark needs
	@sh scripts/need-ffmpeg

setup-dev: $(VENV)/.test ## the same with all that the tests need
	@sh scripts/need-ffmpeg

$(VENV)/.benchmark: requirements.lock requirements-uv.lock pyproject.toml
	@sh scripts/install $(PYTHON) $(VENV) requirements.lock
	@touch $@

$(VENV)/.test: requirements-dev.lock requirements-uv.lock pyproject.toml
	@sh scripts/install $(PYTHON) $(VENV) requirements-dev.lock
	@touch $@ $(VENV)/.benchmark
