# Every target sets up what it needs in .venv first; the second time that costs nothing.
#
#   PYTHON=python3.12 make test        another Python (3.11 or newer)
#   TORCH_INDEX=URL make test          take torch from this package index: the CPU or a CUDA build (see README)

PYTHON ?= python3
TORCH_INDEX ?=
JOBS ?= 2

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PINS := -c constraints.txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check fix schemas bench hostile pictures registry clean

help:  ## Say what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/demo  ## Walk the main job on the registry in this folder: pull, audit, stack, merge, push
	@$(BIN)/python -m registry.scripts.demo

test: $(VENV)/dev  ## Run all tests
	@$(BIN)/python -m pytest -q -n $(JOBS)

check: $(VENV)/dev  ## Format, lint, types, layers, schemas, docs and the rules of the house
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/house

fix: $(VENV)/dev schemas  ## Mend what a program can mend: format, imports, schemas
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

schemas: $(VENV)/dev  ## Write the JSON Schemas again
	@$(BIN)/adapterhub schema --folder schemas

bench: $(VENV)/dev  ## Measure against the peers and write the pages in benchmarks/
	@$(BIN)/python -m benchmarks

hostile: $(VENV)/dev  ## Send a server 10,000 random requests as each of four callers
	@$(BIN)/python -m tests.clients.hostile

pictures: $(VENV)/dev  ## Take the pictures of docs/server.md again, with chromium
	@$(BIN)/python -m tests.server.web.pictures docs/pictures list-desk-light adapter-desk-dark base-phone-light

registry: $(VENV)/dev  ## Train the adapters of registry/ again
	@$(BIN)/python -m registry.scripts.build

clean:  ## Throw .venv and all caches away
	rm -rf $(VENV) .clients .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# torch comes first and alone, because it is the one package that may have an index of its own.
$(VENV)/torch: constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "adapterhub needs Python 3.11 or newer; say which with make PYTHON=…")'
	@echo "setting up $(VENV): torch, then the rest; this takes a few minutes the first time"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install $(PINS) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch
	@touch $@

$(VENV)/demo: $(VENV)/torch pyproject.toml
	@$(PIP) install $(PINS) -e '.[demo]'
	@touch $@

$(VENV)/dev: $(VENV)/torch pyproject.toml
	@$(PIP) install $(PINS) -e '.[dev]'
	@touch $@ $(VENV)/demo
