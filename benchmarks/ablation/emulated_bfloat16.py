"""A sweep with bfloat16 on a processor that has no such products.

``python -m benchmarks.ablation.emulated_bfloat16 table=training_speed "rows=[sixteen_captions_bf16]"`` takes the settings of
``stgraph ablate``. Without AVX512-BF16 PyTorch computes a product of bfloat16 matrices number by number, and training takes
17 times as long as with float32. Here it is computed in float32 and then rounded to bfloat16, as the processors that have
such products do: they sum in float32 and round the sum. Scores are those of bfloat16; times say nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any
from unittest import mock

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from stgraph.cli import main
from stgraph.experiments import Cell
from stgraph.experiments.run_cell import CellTask, run_cell

aten = torch.ops.aten
PRODUCTS = {aten.mm.default, aten.addmm.default, aten.bmm.default, aten.baddbmm.default}


class EmulatedBfloat16(TorchDispatchMode):
    """Computes products of bfloat16 matrices in float32, and rounds them."""

    def __torch_dispatch__(
        self, func: Callable, types: Sequence[type], args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Runs one operation."""
        kwargs = kwargs or {}
        if func not in PRODUCTS or args[-1].dtype != torch.bfloat16:
            return func(*args, **kwargs)
        return func(*tree_map_only(torch.Tensor, torch.Tensor.float, args), **kwargs).bfloat16()


def run_emulated(task: CellTask) -> Cell:
    """Runs one cell."""
    with EmulatedBfloat16():
        return run_cell(task)


if __name__ == "__main__":
    from benchmarks.ablation import emulated_bfloat16  # the name by which a worker process finds the function

    with mock.patch("stgraph.commands.ablate.run_cell", emulated_bfloat16.run_emulated):
        sys.exit(main(["ablate", *sys.argv[1:]]))
