# Every target that needs the environment creates it first, once: it is made again only when
# pyproject.toml or constraints.txt change.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
OLDEST := .venv-oldest
JOBS   ?= 2
# tests/conftest.py has the order.
DIST   := --dist loadfile --no-loadscope-reorder

# One thread a process: tests and data loaders run several processes, which would fight for the cores.
test pytest fast doctest nightly slow oldest: export OMP_NUM_THREADS := 1
test pytest fast doctest nightly slow oldest: export WANDB_MODE := offline
export NO_ALBUMENTATIONS_UPDATE := 1

.DEFAULT_GOAL := help
.PHONY: help install demo test check format lint type pytest fast nightly slow oldest doctest bench profile sheet docs build clean clean-runs

help:  ## List every target
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(READY)  ## Create .venv and install kdiqa in it, with what is tested (constraints.txt)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "kdiqa needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Type: make install PYTHON=python3.12")'
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(READY)  ## Train teacher, student and distilled student on real photographs, in minutes
	$(BIN)/python -m kdiqa.train experiment=akd_demo

test: check  ## Everything that must hold: format, lint, types, tests, doctests. What CI runs

check: lint type pytest  ## The same as make test

format: $(READY)  ## Rewrite the sources in the one format
	$(BIN)/ruff check --fix --exit-zero --quiet .
	$(BIN)/ruff format .

lint: $(READY)  ## Format and lint, changing nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

type: $(READY)  ## Types, by mypy
	$(BIN)/mypy

pytest: $(READY)  ## Tests and doctests but the slow ones, JOBS at a time (JOBS=0: one after the other)
	$(BIN)/python -m pytest -n $(JOBS) $(DIST) -m 'not slow'

fast: $(READY)  ## Tests that start no command and no second process
	$(BIN)/python -m pytest -n $(JOBS) $(DIST) -m 'not slow and not process and not ddp and not gpu'

nightly: slow oldest  ## What make test leaves out: slow tests, and the tests on the oldest versions allowed

slow: $(READY)  ## Repetitions: many kills, fuzzing with more seeds, the browser, Ray
	$(BIN)/python -m pytest -n $(JOBS) $(DIST) -m slow

oldest: $(OLDEST)/.ready  ## Tests that start no command, on the lower bounds of pyproject.toml (constraints-oldest.txt)
	$(OLDEST)/bin/python -m pytest -n $(JOBS) $(DIST) -m 'not slow and not process and not gpu' tests

$(OLDEST)/.ready: pyproject.toml constraints-oldest.txt
	test -x $(OLDEST)/bin/pip || $(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --disable-pip-version-check -c constraints-oldest.txt \
	  -e '.[export,completion]' pytest pytest-xdist
	@touch $@

doctest: $(READY)  ## Only the examples in docstrings
	$(BIN)/python -m pytest kdiqa

bench: $(READY)  ## Measure speed, all comparisons one by one, and record it; with real images: ARGS="--data BIQ2021"
	$(BIN)/python -m bench --write $(ARGS)

profile: $(READY)  ## Print where a training step's time goes; another experiment: ARGS="experiment=…"
	$(BIN)/python -m bench.step_times experiment=akd_demo compare=null \
	  trainer.max_epochs=2 trainer.limit_val_batches=2 trainer.limit_test_batches=2 \
	  "teacher_overrides=['trainer.max_epochs=1','trainer.limit_val_batches=2','trainer.limit_test_batches=2']" $(ARGS)

sheet: $(READY)  ## Draw one picture of all distortions and one of the presets, in sheets/
	mkdir -p sheets
	$(BIN)/python -m kdiqa.distortions --output sheets/kadid.png
	$(BIN)/python -m kdiqa.distortions --presets --output sheets/presets.png

docs: $(READY)  ## Build the documentation in site/, which needs no network; ARGS=serve: look at it while you write
	$(BIN)/python -c 'import mkdocstrings' 2>/dev/null || $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs $(if $(ARGS),$(ARGS),build --strict)

build: $(READY)  ## Build the wheel and the source archive in dist/
	$(BIN)/python -m build --no-isolation

clean:  ## Remove caches and built files; keeps .venv and logs/
	rm -rf build dist site .mypy_cache .pytest_cache .ruff_cache
	find kdiqa tests bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

clean-runs:  ## Remove all runs: logs/, outputs/, multirun/
	rm -rf logs outputs multirun
