import pytest
import torch

from stgraph.errors import ShapeError
from stgraph.typing import check_shape


def test_names_the_axes_and_what_came_instead():
    with pytest.raises(ShapeError, match=r"^'x' must be \[N, F_in=2\], got \[3, 1\]$"):
        check_shape("x", torch.zeros(3, 1), "N F_in", F_in=2)


def test_takes_sizes_that_are_not_known():
    check_shape("x", torch.zeros(3, 1), "N F", F=None)


@pytest.mark.parametrize(("value", "kind"), [([1.0], "list"), (None, "NoneType")])
def test_refuses_what_has_no_shape(value, kind):
    with pytest.raises(ShapeError, match=rf"^'x' must be \[N\], got {kind}, which has no shape$"):
        check_shape("x", value, "N")
