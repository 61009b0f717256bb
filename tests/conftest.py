"""Options and fixtures of all tests."""

import os

import pytest

from tests.trained import folder, trained  # noqa: F401  (fixtures)


def pytest_addoption(parser):
    parser.addoption(
        "--real-data",
        default=os.environ.get("STGRAPH_SHARED"),
        help="folder of real inputs, for tests/real only; its README says what is in it",
    )


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory, worker_id):
    """A cache of the test run's own, shared by its workers: tests neither need nor touch the user's."""
    root = tmp_path_factory.getbasetemp()
    cache = (root if worker_id == "master" else root.parent) / "stgraph-cache"
    patch = pytest.MonkeyPatch()
    patch.setenv("STGRAPH_CACHE", str(cache))
    yield cache
    patch.undo()


def pytest_collection_modifyitems(items):
    """Runs the tests of Ray last: it leaves threads in the process, and children that are forked then may hang."""
    items.sort(key=lambda item: "test_ray_engine" in item.nodeid)
