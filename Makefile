# Everything runs from a fresh checkout with Python 3.11 and make: each target sets itself up.
SHELL := bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
# One process a core; a test group (a Prefect server, a database) stays in one process.
PYTEST := $(PY) -m pytest -n auto --dist loadgroup

.DEFAULT_GOAL := all
.PHONY: all help setup test lint prove prove-long demo up bench docs photograph photograph-prefect constraints clean

all: test lint ## test, then lint

help: ## show these lines
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1|\2/' | column -t -s '|'

setup: $(STAMP) ## make .venv and install everything, at the versions of constraints.txt

$(STAMP): pyproject.toml constraints.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or later is needed; say which with: make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(PY) || "$(PYTHON)" -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

test: $(STAMP) ## the rules, fast: under 10 minutes
	$(PYTEST) -q tests

lint: $(STAMP) ## the house's own laws, and ruff's
	$(PY) -m ruff check .
	$(PY) -m pytest -q tests/test_house.py

prove: $(STAMP) ## kills, real servers, seeds: under 60 minutes
	$(PY) -m pytest -q -m prove --hypothesis-profile=prove --timeout=1800 tests

prove-long: $(STAMP) ## the longer proofs, by hand
	$(PY) -m pytest -q -m prove_long --hypothesis-profile=prove --timeout=0 tests

demo: $(STAMP) ## real chains over a real shop's purchases; writes var/demo/report.html
	$(PY) -m demo

up: $(STAMP) ## start everything on this machine: Prefect server, deployments, worker; Ctrl-C stops it
	@exec $(VENV)/bin/relance up

bench: $(STAMP) ## measure against the floors; writes docs/benchmarks.md
	$(PY) -m benchmarks --write docs/benchmarks.md

docs: $(STAMP) ## write what is generated again: commands, chains, views, columns of files, lists, pictures, prefect.yaml
	$(PY) -m flows.cli.documented docs
	$(PY) -m flows.cli.inserted docs
	$(PY) -m warehouse.loading.documented docs/loading.md
	$(PY) -m flows.deployments

photograph: ## take the picture of the demo's report in the README (after make demo; needs chromium)
	chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1000,2360 \
	  --screenshot=docs/images/report.png file://$(CURDIR)/var/demo/report.html

photograph-prefect: $(STAMP) ## take the pictures of docs/marketer.md: the browser's proof, five minutes (needs chromium)
	PICTURES=docs/images $(PY) -m pytest -q -m prove tests/prove/test_browser.py tests/prove/test_before_a_wave.py

constraints: ## resolve afresh in an environment of its own and rewrite constraints.txt
	rm -rf build/constraints
	"$(PYTHON)" -m venv build/constraints
	build/constraints/bin/python -m pip install --quiet --disable-pip-version-check '.[dev]'
	build/constraints/bin/python -m pip freeze --exclude relance | grep -E '^[A-Za-z0-9._-]+==' > build/constraints.txt
	mv build/constraints.txt constraints.txt
	rm -rf build/constraints

clean: ## remove what the targets made, the environment apart; a home of your own stays
	rm -rf build dist var/demo .pytest_cache .hypothesis *.egg-info
