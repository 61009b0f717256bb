# Each target sets up what it needs in .venv, and only when something changed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SPARSE_STAMP := $(VENV)/.sparse
DOCS_STAMP := $(VENV)/.docs
# Two cores are the common floor: one thread a test worker keeps the workers from fighting over them.
WORKERS ?= 2

.PHONY: demo test sparse lint docs bench fuzz killbench clean

demo: $(STAMP)
	$(BIN)/stgraph demo

# After `make sparse` the tests also demand that the compiled packages are in use.
test: $(STAMP)
	OMP_NUM_THREADS=1 STGRAPH_EXPECT_SPARSE=$(if $(wildcard $(SPARSE_STAMP)),1,0) $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

# The speed table, beside the named peers: about a quarter of an hour on two idle cores. See docs/speed.md.
bench: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -W ignore -m benchmarks.speed

# 200 signals at random moments; about half an hour on one core.
killbench: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -W ignore -m benchmarks.kill $(KILLS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The documentation site, in docs/_build/html; every tutorial is run, and a warning or a dead link is an error.
docs: $(DOCS_STAMP)
	rm -rf docs/_build/html docs/notebooks
	OMP_NUM_THREADS=1 $(BIN)/sphinx-build -q -W --keep-going -b html -d docs/_build/doctrees docs docs/_build/html
	$(BIN)/python docs/check_site.py docs/_build/html

# Mutated files of every kind for MINUTES; what is found is kept in runs/fuzz. See docs/robustness.md.
MINUTES ?= 60
fuzz: $(STAMP)
	$(BIN)/python -m tests.fuzz --minutes $(MINUTES) --processes $(WORKERS)

# torch-scatter and torch-sparse exist as source only and must be compiled against the torch that is installed. pip would
# reuse a wheel built for another torch, so wheels are kept in a folder named by torch, Python, platform and compiler.
# Python's own flags ask for debugging information, a quarter to a half of the compiler's work here: -g0 leaves it out.
sparse: $(SPARSE_STAMP)

$(SPARSE_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet -c constraints.txt 'setuptools<82' wheel
	@set -e; \
	key=$$($(BIN)/python -c 'import sys, sysconfig, torch; print("torch" + torch.__version__, sys.implementation.cache_tag, sysconfig.get_platform(), sep="-")'); \
	wheels="$${XDG_CACHE_HOME:-$$HOME/.cache}/stgraph/wheels/$$key-$$($${CXX:-c++} -dumpfullversion)"; \
	if ! ls "$$wheels"/torch_scatter-*.whl "$$wheels"/torch_sparse-*.whl > /dev/null 2>&1; then \
	  echo "Building torch-scatter and torch-sparse; 10 to 20 minutes on 2 cores. Wheels are kept in $$wheels"; \
	  flags=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_config_var("CFLAGS"), "-g0")'); \
	  mkdir -p "$$wheels"; pids=; \
	  for package in torch-scatter torch-sparse; do \
	    CFLAGS="$$flags" CXXFLAGS="$$flags" $(BIN)/python -m pip wheel --quiet --no-build-isolation --no-cache-dir --no-deps -c constraints.txt -w "$$wheels" $$package & pids="$$pids $$!"; \
	  done; \
	  for pid in $$pids; do wait $$pid; done; \
	fi; \
	$(BIN)/python -m pip install --quiet --no-index --no-deps --force-reinstall --find-links "$$wheels" torch-scatter torch-sparse
	touch $@

$(DOCS_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[docs]'
	touch $@

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(STAMP): pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) runs docs/_build docs/notebooks .pytest_cache .ruff_cache .mypy_cache
