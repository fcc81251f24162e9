# Each target does all of its own set-up: a virtual environment in .venv with the versions of constraints.txt.
#
#   make plan         plan the bundled fleet of 5,000 services into build/plan, and check the plan
#   make test         run the tests
#   make lint         ruff, mypy (strict), import directions
#   make test-system  run the tests that start PostgreSQL, PgBouncer, Valkey, Ansible …; says which packages are missing
#   make test-clusters  run the tests on local clusters of Dask and Ray (installs both)
#   make bench        run the short benchmarks and print their figures (a few minutes)
#   make bench-full   run all of them, write benchmarks/RESULTS.md: DATA=/folder NOTE="what changed" (hours)
#   make bench-peers  environments of the peers that need their own, for bench-full: PYTHON312=python3.12
#   make clean        remove everything that the targets above made
#
# PYTHON=python3.12 make …  uses another interpreter (3.11 or newer).

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
FLEET := fixtures/fleet-5000
PLAN := build/plan
PYTHON312 ?= python3.12
PEERS := build/peers

# modules are compiled when they are first imported; most of them never are
PIP_OPTIONS := --quiet --no-compile

# where something forbids it, every command that a test runs compiles all that it imports: seconds each
export PYTHONDONTWRITEBYTECODE :=
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
# the packages that build this one come with the pinned versions, too
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_BUILD_CONSTRAINT := $(CURDIR)/constraints.txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help plan test lint test-system test-clusters bench bench-full bench-peers clean

help:
	@sed -n 's/^#   make/  make/p' Makefile

plan: $(VENV)/installed
	$(RUN) -m placement plan $(FLEET) -o $(PLAN)
	$(RUN) -m placement check $(PLAN) --fleet $(FLEET)

test: $(VENV)/installed-dev
	$(RUN) -m pytest -n 2 -m "not system and not cluster"

lint: $(VENV)/installed-dev
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports --no-logo

# what is missing is named, with its Debian packages: it fails where CI=true, elsewhere its tests are skipped
test-system: $(VENV)/installed-dev
	$(RUN) -m pytest -m system tests/system

# one after another: each starts a cluster that takes all cores
test-clusters: $(VENV)/installed-clusters
	$(RUN) -m pytest -m cluster

bench: $(VENV)/installed-dev
	$(RUN) -m benchmarks short

bench-full: $(VENV)/installed-dev
	@test -n "$(DATA)" || { echo 'make bench-full DATA=/folder: see benchmarks/README.md for the public data' >&2; exit 1; }
	$(RUN) -m benchmarks full --data "$(DATA)" --note "$(NOTE)"

bench-peers: $(PEERS)/rebalancer/made $(PEERS)/vpsolver/made
	@command -v glpsol > /dev/null || echo "VPSolver also needs GLPK's glpsol (Debian: glpk-utils)" >&2

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment that was left half made has no working pip and is made anew.
$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; $(PYTHON) is not. Try: make PYTHON=python3.12" >&2; exit 1; }
	@$(RUN) -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/installed: pyproject.toml constraints.txt $(VENV)/made
	$(RUN) -m pip install $(PIP_OPTIONS) -e . -c constraints.txt
	@touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt $(VENV)/made
	$(RUN) -m pip install $(PIP_OPTIONS) -e '.[dev]' -c constraints.txt
	@touch $@ $(VENV)/installed

# Rebalancer's wheel is for Python 3.12 and later
$(PEERS)/rebalancer/made: benchmarks/peers/requirements-rebalancer.txt
	$(PYTHON312) -m venv --clear $(@D)
	$(@D)/bin/python -m pip install $(PIP_OPTIONS) -r $<
	@touch $@

# --no-deps: VPSolver's programs need none of what its Python package names
$(PEERS)/vpsolver/made: benchmarks/peers/requirements-vpsolver.txt
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/python -m pip install $(PIP_OPTIONS) --no-deps -r $<
	@touch $@

$(VENV)/installed-clusters: pyproject.toml constraints.txt $(VENV)/made
	$(RUN) -m pip install $(PIP_OPTIONS) -e '.[dev,dask,ray]' -c constraints.txt
	@touch $@ $(VENV)/installed-dev $(VENV)/installed
