"""``python -m benchmarks.ranking --runs runs/ablate/stats_ranking --seeds 3``: share of frames in order, by row.

The runs are those of ``stgraph ablate table=stats_ranking``. The rows "lstm" and "mean_lstm" of ``table=stats_2`` are
also ranked attention without its loss: ``--runs runs/ablate/stats_2 --pairs mean_ranked:mean_lstm ranked:lstm``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.ranking.order import KINDS, SPLITS, Pair, summary
from benchmarks.ranking.page import page
from stgraph.training import run_record

PAIRS = ("mean_ranked:mean_ranked_without", "ranked:ranked_without")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ranking", description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path("runs/ablate/stats_ranking"))
    parser.add_argument("--pairs", nargs="+", default=PAIRS, metavar="WITH:WITHOUT")
    parser.add_argument("--seeds", type=int, default=3, help="how many: 0, 1, ...")
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results/stats_ranking"))
    chosen = parser.parse_args(arguments)
    seeds = range(chosen.seeds)
    splits: dict[str, dict[str, Any]] = {split: {} for split in SPLITS}
    for names in chosen.pairs:
        trained, _, without = names.partition(":")
        orders = []
        for seed in seeds:
            orders.append(Pair(trained, without, chosen.runs).measure(seed))
            shown = ", ".join(f"{kind} {100 * orders[-1]['test'][kind].mean:.1f}" for kind in KINDS)
            print(f"{trained}, seed {seed}: {shown} (test)", flush=True)
        for split, rows in splits.items():
            rows[trained] = {"compared with": without, **summary([one[split] for one in orders], seeds)}
    result = {"splits": splits, "seeds": list(seeds), **run_record(0)}
    chosen.results.mkdir(parents=True, exist_ok=True)
    (chosen.results / "order.json").write_text(json.dumps(result, indent=1) + "\n")
    (chosen.results / "order.md").write_text(page(result))
    print(page(result))


if __name__ == "__main__":
    main()
