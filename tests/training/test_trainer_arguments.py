"""Arguments of Lightning's trainer: what is warned of before anything starts."""

import pytest
import torch

from stgraph.training.trainer_arguments import check_trainer_arguments, multiplies_bfloat16

ZEN3 = {"architecture": "x86_64", "avx2": True, "avx512_bf16": False, "amx_bf16": False}


@pytest.mark.parametrize(
    ("found", "quick"),
    [
        (ZEN3, False),
        (ZEN3 | {"avx512_bf16": True}, True),
        (ZEN3 | {"amx_bf16": True}, True),
        ({"architecture": "aarch64"}, True),
    ],
)
def test_bfloat16_on_a_processor_without_its_products_is_warned_of(found, quick, monkeypatch, recwarn):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found)
    assert multiplies_bfloat16() == quick
    check_trainer_arguments({"precision": "bf16-mixed", "accelerator": "cpu"})
    told = [str(each.message) for each in recwarn if "products of bfloat16" in str(each.message)]
    assert len(told) == (not quick)
    check_trainer_arguments({"precision": "32", "accelerator": "cpu"})
    assert len([each for each in recwarn if "bfloat16" in str(each.message)]) == len(told)
