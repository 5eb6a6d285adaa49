# Everything a newcomer needs: `make run` and `make test`. No index, path or tool outside Python is named here.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
# What Python has compiled is kept, wherever it is told otherwise: tests start hundreds of processes.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help run test test-faults check bench lock messages clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

.venv/run.installed: requirements/run.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing One Cloak into .venv; the first time this takes about a minute." >&2
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/run.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev.installed: .venv/run.installed requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

run: .venv/run.installed ## start the bot (the console, while no account is configured)
	@$(BIN)/onecloak run

test: .venv/dev.installed ## every test but the long fault tests
	@$(BIN)/python -m pytest -n auto --dist worksteal -m "not faults"

test-faults: .venv/dev.installed ## the long fault tests: hundreds of kills
	@$(BIN)/python -m pytest -m faults -o faulthandler_timeout=1200

check: .venv/dev.installed ## linters, types, the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/hadolint Dockerfile
	@$(BIN)/python -m pytest -q tests/test_layers.py

bench: .venv/dev.installed ## make bench NAME=pipeline: measure; the last line is one JSON object
	@$(BIN)/python -m tests.bench.$(NAME)

lock: .venv/dev.installed ## pin the newest allowed versions, with hashes
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile -q -U --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	    --extra build pyproject.toml -o requirements/run.txt
	@$(BIN)/uv pip compile -q -U --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	    --extra build --extra dev -c requirements/run.txt pyproject.toml -o requirements/dev.txt

messages: .venv/dev.installed ## bring the catalogs up to date with the texts in the code
	@$(BIN)/python -m tests.catalogs

clean: ## remove what make installed; the data stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache *.egg-info
