# Two commands: `make build` (a verified firmware project of the default models) and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: build test setup docs nightly bench fit clean

build: $(VENV)/.core
	$(BIN)/fasttrig build --target fpga

test:
	PYTHON=$(PYTHON) bash ci/check.sh

# The property tests at their nightly size.
nightly: $(VENV)/.test
	FASTTRIG_NETWORKS=1000 FASTTRIG_CSIM=200 $(BIN)/python -m pytest -m "nightly or not nightly" tests/ladder tests/unit/hostile tests/unit/fixed tests/unit/quantise tests/project/test_zoo.py tests/unit/data/test_jet_samples.py

bench: $(VENV)/.test
	$(BIN)/uv pip install --quiet --python $(BIN)/python -c ci/constraints.txt -e '.[bench]'
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

# Constants and error table of the estimator, from its table of reports.
fit: $(VENV)/.core
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m fasttrig.estimate.fit

# The documentation site, into build/docs; a warning is an error.
docs: $(VENV)/.test
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs

setup: $(VENV)/.test

$(VENV)/bin/uv:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c ci/constraints.txt uv

$(VENV)/.core: pyproject.toml ci/constraints.txt $(VENV)/bin/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python -c ci/constraints.txt -e '.[rtl]'
	@touch $@

$(VENV)/.test: pyproject.toml ci/constraints.txt $(VENV)/bin/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python -c ci/constraints.txt -e '.[test,sim,rtl,docs]'
	@touch $@ $(VENV)/.core

clean:
	rm -rf build
