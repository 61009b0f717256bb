"""Sparse-dense product whose pattern is sorted once and whose gradient reaches both factors."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from stgraph.large_tensors import empty
from stgraph.typing import FloatTensor, IndexTensor

__all__ = ["SparsePattern", "sparse_matmul"]

_LARGE = 2**25  # bytes of a result that glibc takes from the system anew for each call
_PART = 2**21  # bytes of its rows that are computed at a time


class SparsePattern:
    """Positions of the entries of an N x N matrix: rows of it and of its transpose, each as pointer, column and order.

    ``order`` is None for edges that are already sorted, as the builder returns them; then nothing is permuted.
    """

    def __init__(self, edge_index: IndexTensor, num_nodes: int) -> None:
        self.num_nodes = num_nodes
        self.row, self.col = edge_index[0], edge_index[1]
        self._sorted: dict[bool, tuple[Tensor, Tensor, Tensor | None]] = {}

    def rows(self, transpose: bool) -> tuple[Tensor, Tensor, Tensor | None]:
        """Pointers ``[N + 1]``, columns ``[E]`` and order of the edges, for the matrix or its transpose."""
        if transpose not in self._sorted:
            row, col = (self.col, self.row) if transpose else (self.row, self.col)
            order = None if bool((row[1:] >= row[:-1]).all()) else row.argsort(stable=True)
            pointer = row.new_zeros(self.num_nodes + 1)
            torch.cumsum(torch.bincount(row, minlength=self.num_nodes), 0, out=pointer[1:])
            self._sorted[transpose] = pointer, col if order is None else col.index_select(0, order), order
        return self._sorted[transpose]

    def matrix(self, weight: Tensor, transpose: bool) -> Tensor:
        """The weights as a torch CSR matrix."""
        pointer, col, order = self.rows(transpose)
        value = weight if order is None else weight.index_select(0, order)
        size = (self.num_nodes, self.num_nodes)
        return torch.sparse_csr_tensor(pointer, col, value, size, check_invariants=False)


class _SparseMatmul(torch.autograd.Function):
    """Product with cached transpose; torch's own sorts it in each backward pass and densifies the weights' gradient."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, x: FloatTensor, pattern: SparsePattern, transpose: bool) -> Tensor:
        ctx.save_for_backward(weight, x)
        ctx.pattern, ctx.transpose = pattern, transpose
        return _product(pattern.matrix(weight, transpose), x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        weight, x = ctx.saved_tensors
        pattern, grad = ctx.pattern, grads[0].contiguous()
        grad_x = grad_weight = None
        if ctx.needs_input_grad[1]:
            grad_x = _product(pattern.matrix(weight, not ctx.transpose), grad)
        if ctx.needs_input_grad[0]:
            out, into = (pattern.col, pattern.row) if ctx.transpose else (pattern.row, pattern.col)
            grad_weight = (grad.index_select(0, out) * x.index_select(0, into)).sum(1)
        return grad_weight, grad_x, None, None


def _product(matrix: Tensor, x: Tensor) -> Tensor:
    """Product of a CSR matrix and a dense one.

    On a CPU by the kernel that PyTorch has for reductions over rows: on the graphs of the paper it takes an eighth of the
    time of ``matrix @ x``, which calls MKL's sparse product.
    """
    if not x.is_cpu:
        return matrix @ x
    if x.numel() * x.element_size() > _LARGE:
        return _large_product(matrix, x)
    return torch.sparse.mm(matrix, x, "sum")


def _large_product(matrix: Tensor, x: Tensor) -> Tensor:
    """The same, some rows at a time, into memory that takes the system a third of the time to hand out."""
    pointer, col, value = matrix.crow_indices(), matrix.col_indices(), matrix.values()
    num_rows = matrix.size(0)
    out = empty((num_rows, x.size(1)), x)
    step = max(1, _PART // (x.size(1) * x.element_size()))
    starts = range(0, num_rows, step)
    cuts = [*pointer[::step].tolist()[: len(starts)], len(col)]
    for start, (begin, end) in zip(starts, pairwise(cuts), strict=True):
        rows = pointer[start : start + step + 1] - begin
        size = (len(rows) - 1, matrix.size(1))
        part = torch.sparse_csr_tensor(rows, col[begin:end], value[begin:end], size, check_invariants=False)
        out[start : start + step] = torch.sparse.mm(part, x, "sum")
    return out


def sparse_matmul(
    pattern: SparsePattern, weight: Tensor, x: FloatTensor, *, transpose: bool = False
) -> Tensor:
    """Product of the matrix (or its transpose) with ``weight`` ``[E]`` at ``pattern`` and ``x`` ``[N, F]``."""
    return _SparseMatmul.apply(weight, x, pattern, transpose)
