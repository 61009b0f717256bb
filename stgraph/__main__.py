"""``python -m stgraph``."""

import sys

from stgraph.cli import main

if __name__ == "__main__":
    sys.exit(main())
