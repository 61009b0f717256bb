import pathlib

import pytest


@pytest.fixture(scope="session")
def real_data(request):
    """The folder of real inputs. These tests fail where it is missing: a silent skip would look like a pass."""
    given = request.config.getoption("--real-data")
    if not given or not pathlib.Path(given).is_dir():
        pytest.fail(
            f"tests/real need the folder of real inputs: pytest tests/real --real-data=FOLDER, got {given!r}"
        )
    return pathlib.Path(given).resolve()
