#!/usr/bin/env bash
# Tests and timings on a GPU, in under 10 minutes: benchmarks/on_gpu.sh [--out FILE.json]
# On a CPU with tiny sizes, to see that it runs: benchmarks/on_gpu.sh --cpu --tiny
# Needs torch, torch-geometric and this repository with its required Python packages, but neither Java, PyAV nor hydra.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python3)}
if [[ " $* " != *" --tiny "* ]]; then
  # Without the conftest, whose fixtures read configurations and videos.
  "$python" -m pytest tests/gpu/test_on_gpu.py --noconftest -p no:cacheprovider -q -rs
fi
exec "$python" -W ignore -m benchmarks.on_gpu "$@"
