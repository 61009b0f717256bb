"""Builds cells for tests without training."""

from stgraph.experiments import Cell


def make_cell(row="a", seed=0, table="t", **scores):
    """Returns a cell with the given scores of its tested branch, "scene"; the default is CIDEr 0.5."""
    return Cell(
        table=table,
        row=row,
        seed=seed,
        settings_hash=f"{row}-{seed}",
        data_hash="d",
        overrides=("seed=0",),
        dataset="sample",
        split="test",
        chosen_on="val",
        tested="scene",
        videos=7,
        scores={"scene": scores or {"CIDEr": 0.5}},
        chosen={"scene": {"CIDEr": 0.4}},
        epoch=3,
        epochs=4,
        seconds={"train": 60.0},
        record={"commit": "0123456789abcdef", "device": "cpu, 1 threads"},
    )
