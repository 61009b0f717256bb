"""How well these features predict a caption's subject: a linear classifier on the same splits.

``python -m benchmarks.vrd.probe --data DIR``. It generates no words; its accuracy is about the best that a captioner
can reach.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize

from benchmarks.vrd.data import prepare, split_of, subject
from stgraph.experiments import mean_interval, paired_interval
from stgraph.features.store import FeatureStore
from stgraph.training import run_record

OUT = Path(__file__).parents[1] / "results" / "vrd" / "probe.json"
SPLITS = {"reported": (0, 1, 2, 3, 4), "chosen on": (100, 101, 102, 103, 104)}


def shares(features: np.ndarray, subjects: np.ndarray, train: list[int], test: list[int]) -> dict[str, float]:
    """Share of correct subjects of the test videos, by a linear classifier and by the nearest training video."""
    fitted = LogisticRegression(C=10, max_iter=1000).fit(10 * features[train], subjects[train])
    nearest = (features[test] @ features[train].T).argmax(1)
    found = {
        "linear": fitted.predict(10 * features[test]),
        "nearest": subjects[train][nearest],
    }
    return {name: float((said == subjects[test]).mean()) for name, said in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    chosen = parser.parse_args()
    captions = {
        name: (entry[0] if isinstance(entry, list) else entry)
        for name, entry in json.loads((chosen.data / "captions.json").read_text()).items()
    }
    with tempfile.TemporaryDirectory() as folder:
        prepare(chosen.data, Path(folder), ())
        store = FeatureStore(Path(folder) / "vrd.h5")
        names = sorted(captions)
        features = normalize(np.stack([store[name].appearance.mean(0).numpy() for name in names]))
    subjects = np.array([subject(captions[name]) for name in names])
    place = {name: number for number, name in enumerate(names)}
    result: dict[str, object] = {}
    for kind, seeds in SPLITS.items():
        rows: dict[str, dict[int, float]] = {"linear": {}, "nearest": {}}
        for seed in seeds:
            split = split_of(names, seed)
            train, test = ([place[name] for name in split[part]] for part in ("train", "test"))
            for name, share in shares(features, subjects, train, test).items():
                rows[name][seed] = share
        pair = paired_interval(rows["linear"], rows["nearest"])
        result[kind] = {
            **{name: round(mean_interval(list(row.values())).mean, 4) for name, row in rows.items()},
            "difference": [round(value, 4) for value in (pair.mean, pair.low, pair.high)],
            "seeds": list(seeds),
        }
    result |= run_record(0)
    OUT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
