# Everything here works on a fresh machine with make and Python 3.11 or newer: each target installs what it needs
# into .venv, once. The stamps in .venv depend on the lock files, so a second run starts at once.
# Written for GNU make 3.81, which macOS has.

SHELL  := /bin/sh
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet
PYTEST := $(BIN)/python -m pytest

# The first of these that is new enough makes the virtual environment. `make demo PYTHON=/path/to/python3` overrides.
PYTHON  :=
PYTHONS := $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11)

# Where this is set, each of the hundreds of processes that tests start compiles every module anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo serve test coverage golden bench test-storm soak fuzz lint types fmt db-check lock sbom clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

# ------------------------------------------------------------------------------------------------ use it

demo: $(VENV)/.main ## Watch one bad rollout, and what its customers hear (no accounts needed)
	@$(BIN)/trusthub demo

serve: $(VENV)/.main ## Run the service on http://127.0.0.1:8000
	@$(BIN)/trusthub serve

# ------------------------------------------------------------------------------------------------ work on it

test: $(VENV)/.dev chromium ## Run all tests; T=tests/domain runs some of them
ifdef T
	@$(PYTEST) $(T)
else
	@$(PYTEST) --numprocesses=auto
endif

coverage: $(VENV)/.dev chromium ## Run all tests and say what they do not reach, which takes about three times as long
	@$(PYTEST) --numprocesses=auto --cov --cov-report=term

golden: $(VENV)/.dev ## Write the golden files anew; read the diff before you commit it
	@TRUSTHUB_GOLDEN=write $(PYTEST) --numprocesses=auto $(T)

bench: $(VENV)/.dev ## Run the benchmarks, one after the other
	@$(PYTEST) -p no:randomly --capture=no $(or $(T),tests/benchmarks)

test-storm: $(VENV)/.dev ## Send 2000 messages through kills, sleeps, restarts and faults, on each database
	@STORM=long $(PYTEST) --quiet tests/services/test_delivery_storm.py

soak: $(VENV)/.dev ## Use the hub in every way at once for 30 minutes on each database, with a fault each minute (MINUTES=5)
	@SOAK=$(or $(MINUTES),30) $(PYTEST) --quiet -p no:randomly $(if $(DATABASE),-k $(DATABASE)) tests/e2e/test_soak.py

fuzz: $(VENV)/.dev ## Damage real requests for 5 minutes: no parser may raise what is not an answer (SECONDS=60)
	@$(BIN)/python -m tests.sources.fuzz $(or $(SECONDS),300)

lint: $(VENV)/.dev ## Check style, types, imports and templates
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { echo "Not formatted. Run: make fmt" >&2; exit 1; }
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/djlint --check --lint templates

types: $(VENV)/.dev ## Check types only
	@$(BIN)/mypy

fmt: $(VENV)/.dev ## Format code and templates
	@$(BIN)/ruff check --quiet --select I --fix .
	@$(BIN)/ruff format .
	@$(BIN)/djlint --quiet --reformat templates || true # it exits 1 when it changed something

db-check: $(VENV)/.main ## Check that the migrations make exactly the tables the code describes
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && export TRUSTHUB_DATABASE_URL="sqlite:///$$folder/check.db" \
	  && $(BIN)/trusthub db upgrade && $(BIN)/trusthub db check

# --generate-hashes: pip then takes no file that was not there when somebody looked. --universal: one file for
# Linux and macOS. --no-strip-extras: what is asked for as `name[extra]` must be pinned so, or pip looks at a newer
# release first and stops for the hash it lacks. What is pinned stays pinned; `make lock UPGRADE=--upgrade` moves everything.
UPGRADE :=
COMPILE  = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
             --no-emit-index-url --no-strip-extras --no-config --custom-compile-command "make lock" $(UPGRADE)

lock: $(VENV)/.dev ## Write requirements/*.txt anew from pyproject.toml and requirements/*.in
	@$(PIP) install uv
	@$(COMPILE) pyproject.toml requirements/build.in --output-file requirements/main.txt
	@$(COMPILE) pyproject.toml --extra postgres requirements/build.in \
	  --constraint requirements/main.txt --output-file requirements/postgres.txt
	@$(COMPILE) pyproject.toml --extra apprise --extra kubernetes --extra otel --extra postgres requirements/build.in requirements/dev.in \
	  --constraint requirements/main.txt --output-file requirements/dev.txt

sbom: $(VENV)/.main ## Write what an installation consists of to build/sbom.json (CycloneDX)
	@$(PIP) install cyclonedx-bom
	@mkdir -p build
	@PYTHONWARNINGS=ignore $(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-file build/sbom.json requirements/postgres.txt
	@echo "build/sbom.json lists $$(grep -c '"purl"' build/sbom.json) packages."

clean: ## Remove everything that make and the tools made, but no data (var/)
	@rm -rf $(VENV) build dist htmlcov .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache \
	  .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ------------------------------------------------------------------------------------------------ set-up

.PHONY: chromium
chromium: $(VENV)/.dev
	@$(BIN)/python -m tests.browser.chromium

# What runs the service. The project itself is installed so that a change in the checkout counts at once.
$(VENV)/.main: requirements/main.txt pyproject.toml
	@$(call make_venv)
	@echo "Installing what trusthub needs into $(VENV) (once) ..."
	@$(PIP) install --require-hashes --requirement requirements/main.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# dev.txt holds everything in main.txt, in the same versions.
$(VENV)/.dev: requirements/dev.txt requirements/main.txt pyproject.toml
	@$(call make_venv)
	@echo "Installing what the tests and linters need into $(VENV) (once) ..."
	@$(PIP) install --require-hashes --requirement requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $(VENV)/.main $@

# Debian and Ubuntu leave `ensurepip` out of python3: as root we may cure that, otherwise we say how to.
define make_venv
if $(BIN)/python -m pip --version >/dev/null 2>&1; then exit 0; fi; \
for candidate in $(PYTHONS); do \
  if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then python=$$candidate; break; fi; \
done; \
if [ -z "$$python" ]; then \
  echo "trusthub needs Python 3.11 or newer; none of these is: $(PYTHONS). Try: make PYTHON=/path/to/python3" >&2; exit 1; \
fi; \
if ! $$python -c 'import ensurepip, venv' >/dev/null 2>&1; then \
  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
    echo "Installing python3-venv ..."; \
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3-venv; } \
      >/dev/null 2>&1; \
  fi; \
  if ! $$python -c 'import ensurepip, venv' >/dev/null 2>&1; then \
    echo "$$python cannot make a virtual environment. On Debian or Ubuntu: sudo apt install python3-venv" >&2; exit 1; \
  fi; \
fi; \
$$python -m venv --clear $(VENV)
endef
