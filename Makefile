# Two commands: `make demo` and `make test`. Both make what they need; see README.md.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
# Node comes from a Python wheel, so that nothing but Python need be there beforehand.
NPM := scripts/npm --prefix web
RESET ?=

.PHONY: venv demo serve test test-long score checks lint types imports unit web web-test api-client lock api-client-update clean debian screenshots

venv: $(VENV)/.runtime

demo: $(VENV)/.runtime web/dist/.built
	@$(BIN)/hub demo $(if $(RESET),--reset)

serve: $(VENV)/.runtime web/dist/.built
	@$(BIN)/hub serve

# What starts no servers and times nothing goes side by side; the tests then have the machine to themselves.
test: $(VENV)/.dev web/node_modules/.installed
	+@$(MAKE) --no-print-directory -j2 --output-sync=target checks
	+@$(MAKE) --no-print-directory unit

checks: types web/dist/.built web-test debian lint imports api-client

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports

# Dozens of tests start a hub: what is compiled once is kept, whatever the environment says of that.
# Three workers for two cores: a third of their time is waiting. In the order of tests/conftest.py, the longest first.
unit: $(VENV)/.dev web/dist/.built
	PYTHONDONTWRITEBYTECODE= scripts/in-memory $(BIN)/pytest -n 3 --dist loadscope --no-loadscope-reorder -m "not long" $(PYTEST_ARGS)

test-long: $(VENV)/.dev web/dist/.built debian
	$(BIN)/pytest -m long --timeout 3600 $(PYTEST_ARGS)

# hub detect and hub rul on labelled recordings, for developers who have them; docs/predictive.md has the table.
score: $(VENV)/.dev
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python scripts/score.py $(SCORE_ARGS)

web: web/dist/.built

web-test: web/node_modules/.installed
	$(NPM) run --silent lint
	$(NPM) run --silent check
	$(NPM) run --silent test

# The committed description of the API and the client made from it must be what the code says today.
api-client: $(VENV)/.dev web/node_modules/.installed
	$(BIN)/hub openapi > build/openapi.json.new
	@diff -q build/openapi.json.new web/openapi.json || { echo "web/openapi.json is behind the code: run 'make api-client-update' and commit"; exit 1; }
	@$(NPM) run --silent generate -- --check >/dev/null || { echo "web/src/api/schema.d.ts is behind web/openapi.json: run 'make api-client-update' and commit"; exit 1; }

api-client-update: $(VENV)/.dev web/node_modules/.installed
	$(BIN)/hub openapi > web/openapi.json
	$(NPM) run --silent generate

# Mosquitto, mbpoll, Chromium, InfluxDB and VictoriaMetrics for the tests that need them; installed where that is allowed, else the tests say so.
debian:
	@scripts/install-test-servers

# Hash-locked, for every Python from 3.11 on; no registry is named in them.
lock: $(VENV)/.dev
	$(BIN)/python -m pip install -q uv
	$(BIN)/uv pip compile pyproject.toml $(LOCK_FLAGS) -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra dev -c requirements.lock $(LOCK_FLAGS) -o requirements-dev.lock
LOCK_FLAGS := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet

# The pictures in docs/screens, as the browser story saw them.
screenshots: $(VENV)/.dev web/dist/.built debian
	HUB_SCREENSHOTS=docs/screens $(BIN)/pytest tests/stories/test_desk.py

clean:
	rm -rf $(VENV) build web/node_modules web/dist

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or say where with 'make PYTHON=/path/to/python3'"; exit 1; }
	@echo "· making the virtual environment ($$($(PYTHON) --version))"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Python's venv module is incomplete (on Debian and Ubuntu: apt-get install python3-venv)"; exit 1; }

$(VENV)/.runtime: requirements.lock pyproject.toml | $(VENV)/bin/python
	@scripts/timed "installing Python packages, checked by hash" $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@scripts/timed "installing the hub itself" $(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@scripts/timed "installing development packages, checked by hash" $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@mkdir -p build
	@touch $@

web/node_modules/.installed: web/package-lock.json $(VENV)/.runtime
	@scripts/timed "installing the front end's packages" $(NPM) ci --no-audit --no-fund --loglevel=error
	@touch $@

WEB_SOURCES := $(shell find web/src web/public web/index.html web/vite.config.ts web/package.json web/tsconfig*.json -type f 2>/dev/null)
web/dist/.built: $(WEB_SOURCES) web/node_modules/.installed
	@scripts/timed "building the front end" $(NPM) run --silent build
	@touch $@
