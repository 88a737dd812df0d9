# `make` lists what can be made. Everything runs in .venv, which `make install` creates once.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
PORT   ?= 8000
SELECT ?= -m "not slow"
PIP    := PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
export JAX_COMPILATION_CACHE_DIR ?= .cache/jax

.DEFAULT_GOAL := help
.PHONY: help install demo serve test lint evidence attack peers docs

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP)  ## create .venv with the extras clinic, bayes, tune and dev

$(STAMP): pyproject.toml constraints.txt
	@echo "installing into $(VENV) (a few minutes, once)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Posology needs Python 3.11 or newer; set PYTHON=..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "python3 -m venv failed; on Debian: apt-get install python3-venv"; exit 1; }
	@$(PIP) $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[clinic,bayes,tune,dev]' 2>$(VENV)/install.log || { tail -n 20 $(VENV)/install.log; exit 1; }
	@touch $(STAMP)

demo: install  ## learn a dosing policy and try it against the standard of care
	@$(BIN)/python -m posology demo

serve: install  ## open the clinic with made-up patients on http://127.0.0.1:8000 (PORT=...)
	@$(BIN)/python -m posology serve --demo --port $(PORT)

test: install  ## run the tests (make test SELECT= runs the slow ones too)
	@$(BIN)/python -m pytest -n 2 -q $(SELECT)

lint: install  ## check style, types and the direction of imports
	@$(BIN)/ruff check src tests docs
	@$(BIN)/mypy
	@$(BIN)/lint-imports

evidence: install  ## make or go on with the evidence in docs/results (ONLY=name: one result)
	@$(BIN)/python -m posology evidence $(ONLY)

peers: .venv-peers/.installed  ## create .venv-peers with what the benchmarks are compared with

.venv-peers/.installed: constraints-peers.txt constraints.txt pyproject.toml
	@$(PYTHON) -m venv .venv-peers
	@$(PIP) .venv-peers/bin/python -m pip install --quiet --constraint constraints.txt --constraint constraints-peers.txt diffrax stable-baselines3 torch --editable . 2>.venv-peers/install.log || { tail -n 20 .venv-peers/install.log; exit 1; }
	@touch $@

attack: install  ## ask the clinic's interface made-up requests for five minutes (MINUTES=...)
	@POSOLOGY_ATTACK_MINUTES=$(or $(MINUTES),5) $(BIN)/python -m pytest -q -m slow tests/clinic/test_fuzz.py

docs: install  ## build the documentation in docs/_build/html
	@$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"
