# Two commands: `make build` (a verified firmware project of the default models) and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: build test setup docs nightly hgq bench fit clean

build: $(VENV)/.core
	$(BIN)/fasttrig build --target fpga

test:
	PYTHON=$(PYTHON) bash ci/check.sh

# The property tests at their nightly size.
nightly: $(VENV)/.test
	FASTTRIG_NETWORKS=1000 FASTTRIG_CSIM=200 $(BIN)/python -m pytest -m "nightly or not nightly" tests/ladder tests/unit/hostile tests/unit/fixed tests/unit/quantise tests/project/test_zoo.py tests/unit/data/test_jet_samples.py tests/cli/test_emulate_many.py

# Random networks of HGQ2, run in an environment of its own, against fasttrig: HGQ_SEED, HGQ_NETWORKS of each kind.
HGQ_SEED     ?= 1
HGQ_NETWORKS ?= 10

hgq: $(VENV)/.test
	$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python .venv-hgq
	$(BIN)/uv pip install --quiet --python .venv-hgq/bin/python 'HGQ2>=0.2,<0.3' 'keras>=3.15,<3.16' jax
	.venv-hgq/bin/python tests/data/hgq/make.py build/hgq $(HGQ_SEED) $(HGQ_NETWORKS)
	FASTTRIG_HGQ=build/hgq $(BIN)/python -m pytest tests/unit/frontends/test_hgq.py

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
