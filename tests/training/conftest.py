import pytest

from stgraph.settings.compose import compose

# 80 videos, a model that trains in a second.
SMALL = (
    "experiment=demo",
    "data=interactions_tiny",
    "model.hidden_channels=16",
    "model.num_heads=2",
    "model.feedforward_channels=16",
    "trainer.enable_progress_bar=false",
    "trainer.accelerator=cpu",
)


@pytest.fixture
def tiny(tmp_path):
    """Overrides -> the configuration of a small run on the tiny data set."""
    return lambda *overrides: compose("train", [*SMALL, f"run={tmp_path / 'run'}", *overrides])
