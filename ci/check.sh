#!/usr/bin/env bash
# What CI and a person run: install, style, types, documentation, the build itself, tests (with the real C-simulation).
set -euo pipefail
cd "$(dirname "$0")/.."
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 TF_CPP_MIN_LOG_LEVEL=3

step() { echo "== $*"; }

step install
bash ci/debian.sh
make --silent setup PYTHON="${PYTHON:-python3}"
export PATH="$PWD/.venv/bin:$PATH"

step style
ruff check .
ruff format --check .

step types
mypy

step docs
make docs

step build
fasttrig build --target fpga

step tests
python -m pytest -n 2 --dist worksteal -m "not nightly" "$@"
