# `make demo` trains the main job, `make test` runs the tests; both set up .venv by themselves.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
SHELL := /bin/bash

.PHONY: setup demo test bench lint format clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml requirements.txt constraints/tested.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	touch $@

demo: setup
	$(BIN)/infogan train mnist --out runs/demo --overwrite

test: setup
	$(BIN)/python -m pytest

# PORT: a checkout of the port to measure beside; MODEL: a trained run for encode's categories
bench: setup
	$(BIN)/python benchmarks/bench.py $(if $(PORT),--port $(PORT)) $(if $(MODEL),--model $(MODEL))
	$(BIN)/python benchmarks/scale.py

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
