import pytest
import torch

from stgraph import large_tensors
from stgraph.large_tensors import concatenated, empty


@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.int64, torch.bfloat16, torch.bool])
@pytest.mark.parametrize("shape", [(3, 2), (2**11, 2**11), (0, 5)])
def test_empty_tensors_have_the_type_of_another_and_can_be_written(kind, shape):
    found = empty(shape, torch.ones(1, dtype=kind))
    assert (found.dtype, tuple(found.shape)) == (kind, shape)
    assert bool((found.zero_() == 0).all())


@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("large", [0, 2**40])
def test_concatenates_as_torch_does(monkeypatch, dim, large):
    monkeypatch.setattr(large_tensors, "_LARGE", large)
    parts = [torch.rand(2, 3), torch.rand(2, 3)]
    assert torch.equal(concatenated(parts, dim), torch.cat(parts, dim))
    assert torch.equal(concatenated(parts[:1], dim), parts[0])
    assert concatenated(parts[:1], dim).data_ptr() != parts[0].data_ptr()
    mixed = [torch.zeros(2, 3, dtype=torch.int32), torch.ones(2, 3, dtype=torch.int64)]
    assert concatenated(mixed, dim).dtype == torch.int64
    parts[1].requires_grad_()
    concatenated(parts, dim).sum().backward()
    assert parts[1].grad is not None
