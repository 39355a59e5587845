# The verbs of daily work. `make demo` and `make test` set up what they need first.

PYTHON ?= python3
BIN := .venv/bin
# Wheels only: nothing is compiled on the machine that installs.
LOCKED := --quiet --require-hashes --only-binary :all:
PIP := $(BIN)/python -m pip install --disable-pip-version-check $(LOCKED)
UV := $(BIN)/uv pip install --python $(BIN)/python $(LOCKED)
# A file's tests stay in one process, because they share what they made. Two cores keep four processes busy: they wait
# for servers much of the time.
WORKERS ?= 4
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations 40
.DEFAULT_GOAL := help
# Where it is set, every process compiles every module again: seconds of each test process and of each program started.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test test-slow test-all test-containers lint types wheels check bench client lock clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

# One stamp for each lock file: a changed lock file installs again, an unchanged one costs nothing.
.venv/installed: requirements.lock requirements-setup.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Inkloom needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)."; \
		echo "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the locked dependencies into .venv"
# uv is many times faster; pip takes over where only pip is set up for a mirror.
	@$(PIP) -r requirements-setup.lock
	@$(UV) -r requirements.lock || $(PIP) -r requirements.lock
	@touch $@

.venv/installed-dev: requirements-dev.lock .venv/installed
	@echo "Installing the locked tools of development into .venv"
	@$(UV) -r requirements-dev.lock || $(PIP) -r requirements-dev.lock
	@touch $@

setup: .venv/installed-dev ## make .venv from the lock files: what runs, and the tools of development

demo: .venv/installed ## turn the example story into a chapter, offline; needs no tool of development
	@$(BIN)/python -m inkloom demo

test: setup ## run the tests of daily work; they start the servers they need
	@$(PYTEST) -m "not slow"

test-slow: setup ## run the tests that are slow by nature
	@$(PYTEST) -m slow

test-all: setup ## run every test
	@$(PYTEST)

lint: setup ## style, formatting and import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

types: setup ## strict type check
	@$(BIN)/mypy

wheels: setup ## ask the package index whether every locked package has a wheel for every Python
	@$(BIN)/python -m scripts.check_lock

# A Docker engine, root, debootstrap and Go are needed; what takes long to make is kept in STANDINS.
STANDINS ?= $(HOME)/.cache/inkloom/standins

test-containers: setup ## bring the compose file up on a Docker engine, and kill, restart and upgrade it
	@tests/containers/standins.sh $(STANDINS)
	@$(BIN)/python -m tests.containers.whole

check: lint types wheels test-all ## all that CI runs

bench: setup ## measure everything on an idle machine; writes bench/RESULTS.md
	@$(BIN)/python -m bench.results

client: setup ## make the typed Python client from the API's description
	@$(BIN)/python -m scripts.make_client

# The development lock is resolved under the pins of production, so both can be installed together.
RESOLVE := $(BIN)/uv pip compile --universal --python-version 3.11 --upgrade \
	--generate-hashes --no-emit-index-url --no-header --quiet

lock: setup ## resolve the dependencies of pyproject.toml again
	@$(RESOLVE) pyproject.toml --extra c2pa -o requirements.lock
	@$(RESOLVE) --group setup -o requirements-setup.lock
	@$(RESOLVE) --group dev -c requirements.lock -o requirements-dev.lock
	@$(BIN)/python -m scripts.check_lock

clean: ## remove what was built, keep what was made
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
