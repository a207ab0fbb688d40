# Everything a newcomer needs: each target makes its own virtual environment on first use.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# One more than there are processors: many tests wait for processes and pages.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(1 + len( \
	os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count())))')
SOURCES := pyproject.toml setup.py constraints.txt \
	$(wildcard src/searchtransfer/operators/backends/_native/*)

.PHONY: help demo test ray coverage check pyright clones format bench tables docs dist sanitize arm clean

help:
	@echo "make demo      install, then make a real photo sharp with the other eye of its stereo pair"
	@echo "make test      install, then pass all tests"
	@echo "make ray       test on a real Ray cluster of two workers on this machine"
	@echo "make coverage  pass all tests, and say which lines and branches they ran"
	@echo "make check     format, lint, strict types"
	@echo "make pyright   the types once more, by pyright (which takes itself from npm)"
	@echo "make clones    look for logic that stands twice"
	@echo "make format    put the code in order"
	@echo "make bench     measure the search on this machine: tables and plots in bench/"
	@echo "make tables    measure what the pages state again: ARGS=--list says what it needs"
	@echo "make docs      build the pages into site/"
	@echo "make dist      build sdist and wheel into dist/, and check what they hold"
	@echo "make sanitize  test the compiled kernel under AddressSanitizer and UBSan"
	@echo "make arm       test the compiled kernel on an emulated ARM processor (see tests/arm.sh)"
	@echo "make clean     remove what the other targets made"

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=...") if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(VENV)/bin/python $(SOURCES)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[demo]'
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python $(SOURCES)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/.demo

$(VENV)/.bench: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[bench]'
	@touch $@

demo: $(VENV)/.demo
	$(BIN)/searchtransfer demo

test: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

ray: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[test,album,ray]'
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/batch/test_on_ray.py $(ARGS)

coverage: $(VENV)/.dev
	$(BIN)/coverage erase
	OMP_NUM_THREADS=1 $(BIN)/coverage run -m pytest -n $(WORKERS) $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

pyright: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet -c constraints.txt 'pyright[nodejs]'
	$(BIN)/pyright

clones: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet -c constraints.txt pylint
	$(BIN)/pylint --recursive=y --disable=all --enable=duplicate-code --min-similarity-lines=4 \
		--ignore-imports=y --ignore-signatures=y --ignore-docstrings=y --ignore-comments=y \
		src benchmarks tests attacks docs

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks.search.sweep --json bench/search.json $(ARGS)
	$(BIN)/python -m benchmarks.search.page bench/search.json --page bench/search-speed.md --pictures bench/pictures

tables: $(VENV)/.bench
	$(BIN)/python -m benchmarks tables $(ARGS)

docs: $(VENV)/.dev
	$(BIN)/mkdocs build --strict

dist: $(VENV)/.dev
	rm -rf build dist
	$(BIN)/python -m build
	$(BIN)/python tests/distribution.py dist/*

sanitize: $(VENV)/.dev
	PYTHON=$(abspath $(BIN)/python) tests/sanitize.sh

arm: $(VENV)/.dev
	PYTHON=$(abspath $(BIN)/python) tests/arm.sh

clean:
	rm -rf $(VENV) build dist site bench mutants .coverage* .pytest_cache .ruff_cache .mypy_cache .hypothesis
	rm -f src/searchtransfer/operators/backends/*.so
