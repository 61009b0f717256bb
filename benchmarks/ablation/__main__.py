"""``python -m benchmarks.ablation table=stgkd seeds=5``."""

import sys

from stgraph.cli import main

if __name__ == "__main__":
    sys.exit(main(["ablate", *sys.argv[1:]]))
