"""All losses have one form: a module, called with a model and a batch."""

import lightning as L
import pytest
import torch

from stgraph import (
    CaptionDataModule,
    STATCaptioner,
    STaTSCaptioner,
    STGraphCaptioner,
    VideoGraphBuilder,
    open_dataset,
)
from stgraph.training import CaptionLoss, DistillationLoss, LanguageLoss, STATLoss, STaTSLoss, default_loss

SMALL = {
    STGraphCaptioner: ({"hidden_channels": 16, "num_heads": 2, "feedforward_channels": 16}, DistillationLoss),
    STATCaptioner: (
        {"stream_channels": 8, "attention_channels": 4, "word_channels": 8, "hidden_channels": 8},
        STATLoss,
    ),
    STaTSCaptioner: (
        {"embedding_channels": 8, "attention_channels": 4, "word_channels": 8, "hidden_channels": 8},
        STaTSLoss,
    ),
}


@pytest.mark.parametrize("system", SMALL, ids=lambda system: system.name)
def test_a_loss_is_called_with_a_model_and_a_batch(system):
    data = CaptionDataModule.from_dataset(
        open_dataset("interactions", size="tiny"), builder=VideoGraphBuilder()
    )
    data.setup("fit")
    options, own = SMALL[system]
    L.seed_everything(0, verbose=False)
    model = system.for_data(data, **options)
    batch = next(iter(data.train_dataloader()))
    for loss in (default_loss(model), own(), LanguageLoss()):
        assert isinstance(loss, CaptionLoss)
        assert isinstance(loss, torch.nn.Module)
        terms = loss(model, batch)
        assert terms["loss"].shape == ()
        model.zero_grad()
        terms["loss"].backward()
        assert any(parameter.grad is not None for parameter in model.parameters())
