"""The papers' tables; ``python -m benchmarks.ablation`` is ``stgraph ablate`` in a checkout."""
