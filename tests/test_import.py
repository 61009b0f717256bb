"""Importing is cheap, lazy, and refuses the namesake distribution."""

import subprocess
import sys
from importlib.metadata import PackageNotFoundError

from packaging.version import Version

import stgraph
from stgraph import nn, version


def python(code, *path):
    code = f"import sys; sys.path[:0] = {list(map(str, path))!r}\n{code}"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_import_loads_neither_torch_nor_anything_else_that_is_heavy():
    heavy = ("torch", "numpy", "torch_geometric", "lightning", "h5py", "matplotlib", "hydra", "transformers")
    found = python(f"import stgraph, stgraph.cli; print([m for m in {heavy!r} if m in sys.modules])")
    assert found.stdout.strip() == "[]", found.stderr


def test_names_are_there_when_asked_for():
    found = python("from stgraph import VideoGraphBuilder; print(VideoGraphBuilder())")
    assert found.stdout.startswith("VideoGraphBuilder("), found.stderr
    assert all(getattr(stgraph, name) is not None for name in stgraph.__all__)
    assert stgraph.__all__ == sorted(stgraph.__all__)
    assert stgraph.nn is nn


def test_a_checkout_that_is_not_installed_has_a_version(monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(version, "version", missing)
    version.installed_version.cache_clear()
    try:
        assert stgraph.__version__ == version.UNINSTALLED
        assert Version(stgraph.__version__) < Version("0.1.0.dev0")
    finally:
        version.installed_version.cache_clear()


def test_a_wrong_name_says_what_there_is():
    found = python("import stgraph; stgraph.VideoGraphBuilde")
    assert "has no attribute 'VideoGraphBuilde'; it exports" in found.stderr


def test_the_distribution_that_owns_the_name_is_refused_with_the_line_that_mends_it(tmp_path):
    namesake = tmp_path / "stgraph-1.1.0.dist-info"
    namesake.mkdir()
    (namesake / "METADATA").write_text("Metadata-Version: 2.1\nName: stgraph\nVersion: 1.1.0\n")
    found = python("import stgraph; from stgraph import VideoGraphBuilder", tmp_path)
    assert found.returncode != 0
    last = found.stderr.strip().splitlines()[-1]
    assert "'stgraph' 1.1.0" in last
    assert "pip uninstall -y stgraph && pip install --force-reinstall --no-deps stgraph-captioning" in last


def test_a_name_is_never_shadowed_by_a_module_of_that_name():
    kinds = "[n for n in d.__all__ if type(getattr(d, n)).__name__ == 'module']"
    code = f"import stgraph.datasets.loading.data_module, stgraph.datasets as d; print({kinds})"
    found = python(code)
    assert found.stdout.strip() == "[]", found.stderr
