"""The visual attention of STaTS: the ST branch, the TS branch, or both."""

from __future__ import annotations

from dataclasses import dataclass

from stgraph.checking import axes, checked
from stgraph.errors import OptionError
from stgraph.nn.attention.attention_output import AttentionOutput
from stgraph.nn.attention.branch_combination import BranchCombination
from stgraph.nn.attention.spatio_temporal_attention import (
    AllRegionsAttention,
    MeanThenTemporalAttention,
    SpatioTemporalAttention,
    SpatioTemporalMemory,
)
from stgraph.nn.attention.temporo_spatial_attention import TemporoSpatialAttention, TemporoSpatialMemory
from stgraph.nn.layer import Layer
from stgraph.nn.memory import RowMemory
from stgraph.typing import FloatTensor, MaskTensor

__all__ = ["STaTSAttention", "STaTSAttentionMemory"]


@checked
@dataclass(frozen=True)
class STaTSAttentionMemory(RowMemory):
    """Memory of both branches; None for a branch that is left out."""

    spatio_temporal: SpatioTemporalMemory | None = None
    temporo_spatial: TemporoSpatialMemory | None = None


@checked
class STaTSAttention(Layer):
    r"""Joins both branches by Eq. 12. With one branch, as in Table 1, Eq. 12 reduces to :math:`\tanh(\hat{x})`.

    Args:
        spatio_temporal: :class:`SpatioTemporalAttention` or another row of Table 2; None leaves ST out.
        temporo_spatial: :class:`TemporoSpatialAttention`; None leaves TS out.
        combination: :class:`BranchCombination` if both branches are given, else None.

    Shapes: query ``[P, H]``, regions ``[P, T, S, D]`` (zeros where ``mask [P, T, S]`` is False), memory of
        :meth:`precompute` -> :class:`AttentionOutput` with the weights of both branches and "branches" ``[P, 2]``.

    Raises:
        OptionError: If both branches are None, or ``combination`` does not fit the branches.

    Reference: Cherian et al., WACV 2020, section 3.3.
    """

    def __init__(
        self,
        spatio_temporal: SpatioTemporalAttention | AllRegionsAttention | MeanThenTemporalAttention | None,
        temporo_spatial: TemporoSpatialAttention | None,
        combination: BranchCombination | None = None,
    ) -> None:
        super().__init__()
        if spatio_temporal is None and temporo_spatial is None:
            raise OptionError("'spatio_temporal' or 'temporo_spatial' must be given, got None for both.")
        both = spatio_temporal is not None and temporo_spatial is not None
        if both != (combination is not None):
            raise OptionError(
                f"'combination' must be {'given for two branches' if both else 'None for one branch'}, got "
                f"{type(combination).__name__}."
            )
        self.spatio_temporal, self.temporo_spatial = spatio_temporal, temporo_spatial
        self.combination = combination

    @property
    def in_channels(self) -> int:
        """Width D of the attended vectors."""
        branch = self.temporo_spatial if self.spatio_temporal is None else self.spatio_temporal
        assert branch is not None, "there is at least one"
        return branch.in_channels

    @axes(regions="B T S D=in_channels", mask="B T S")
    def precompute(self, regions: FloatTensor, mask: MaskTensor) -> STaTSAttentionMemory:
        """Computes once per video what doesn't depend on the words."""
        st, ts = self.spatio_temporal, self.temporo_spatial
        return STaTSAttentionMemory(
            None if st is None else st.precompute(regions, mask),
            None if ts is None else ts.precompute(regions, mask),
        )

    @axes(query="P H", regions="P T S D", mask="P T S")
    def forward(
        self, query: FloatTensor, regions: FloatTensor, mask: MaskTensor, memory: STaTSAttentionMemory
    ) -> AttentionOutput:
        """Computes one vector per caption."""
        branches = (
            (self.spatio_temporal, memory.spatio_temporal),
            (self.temporo_spatial, memory.temporo_spatial),
        )
        found: list[AttentionOutput] = [
            branch(query, regions, mask, part) for branch, part in branches if branch is not None
        ]
        if self.combination is None:
            return found[0]._replace(vector=found[0].vector.tanh())
        st, ts = found
        vector, shares = self.combination(query, st.vector, ts.vector)
        return AttentionOutput(vector, {**st.weights, **ts.weights, "branches": shares}, st.ranking)
