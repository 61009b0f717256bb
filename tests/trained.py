"""A trained model for the tests of commands and of whole chains; a plugin, so that all of them share one."""

import shutil

import pytest

from stgraph.settings.compose import compose
from stgraph.settings.training import train
from tests.training.conftest import SMALL


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A run of two epochs on the tiny data set; read only."""
    run = tmp_path_factory.mktemp("trained") / "run"
    return train(compose("train", [*SMALL, f"run={run}", "trainer.max_epochs=2"]))


@pytest.fixture
def folder(trained, tmp_path):
    """A copy of the trained model folder that a test may spoil."""
    return shutil.copytree(trained, tmp_path / "model", ignore=shutil.ignore_patterns("checkpoints", "log"))
