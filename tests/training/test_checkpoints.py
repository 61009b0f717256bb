"""A checkpoint that was changed is named before anything is trained from it."""

import pytest
import torch

from stgraph.errors import DataError
from stgraph.training.checkpoints import check_end, check_fits, check_weights

MODULE = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
NAME = "0.weight"


def checkpoint(**changes):
    state = {"exp_avg": torch.zeros(3, 2)}
    content = {
        "state_dict": MODULE.state_dict(),
        "optimizer_states": [{"state": {0: state}, "param_groups": []}],
        "lr_schedulers": [],
        "loops": {},
        "callbacks": {},
        "global_step": 3,
    }
    return {**content, **changes}


def test_an_unchanged_one_fits_also_in_half_precision():
    check_fits("last.ckpt", checkpoint(), MODULE)
    half = {
        name: value.bfloat16() if value.is_floating_point() else value
        for name, value in MODULE.state_dict().items()
    }
    check_weights("best.ckpt", half, MODULE)


WRONG = {
    "text": "x",
    "list": [[1.0, 2.0]] * 3,
    "flat": torch.zeros(6),
    "integers": torch.zeros(3, 2, dtype=torch.int64),
    "complex": torch.zeros(3, 2, dtype=torch.complex64),
    "sparse": torch.zeros(3, 2).to_sparse(),
}


@pytest.mark.parametrize("kind", WRONG)
def test_weights_of_another_kind_are_named(kind):
    weights = {**MODULE.state_dict(), NAME: WRONG[kind]}
    with pytest.raises(
        DataError, match=r"is of another model: '0.weight' is .* there and \[3, 2\] here; resume"
    ):
        check_fits("last.ckpt", checkpoint(state_dict=weights), MODULE)


def test_missing_and_further_weights_are_named():
    weights = dict(MODULE.state_dict())
    del weights[NAME]
    with pytest.raises(DataError, match="'0.weight' is missing there"):
        check_weights("best.ckpt", weights, MODULE)
    with pytest.raises(DataError, match="'5' is .* there and missing here"):
        check_weights("best.ckpt", {**MODULE.state_dict(), 5: torch.zeros(1)}, MODULE)


@pytest.mark.parametrize("make", [torch.Tensor.clone, torch.Tensor.to_sparse], ids=["dense", "sparse"])
def test_an_optimizer_with_infinite_numbers_is_named(make):
    state = {"exp_avg": make(torch.full((3, 2), float("inf")))}
    with pytest.raises(DataError, match="NaN or infinity in its 'optimizer_states'"):
        check_fits("last.ckpt", checkpoint(optimizer_states=[{"state": {0: state}}]), MODULE)


@pytest.mark.parametrize("step", [-1, "3", 1.0, True, None])
def test_a_number_of_steps_that_is_none_is_named(step):
    with pytest.raises(DataError, match="'global_step' must be a number of steps, got .*; train again"):
        check_fits("last.ckpt", checkpoint(global_step=step), MODULE)


def test_a_negative_number_of_epochs_is_named():
    loops = {"fit_loop": {"epoch_progress": {"current": {"processed": -(10**9)}}}}
    with pytest.raises(DataError, match="-1000000000 epochs .* damaged"):
        check_end(checkpoint(loops=loops), 3, -1)
