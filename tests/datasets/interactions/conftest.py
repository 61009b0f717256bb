from pathlib import Path

import pytest

from stgraph.datasets.interactions import prepare_interactions


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare_interactions("tiny", 0, cache=tmp_path_factory.mktemp("cache"), workers=1)
