"""The command ``stgraph`` itself: help, errors and completion without heavy imports."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stgraph.cli import main
from stgraph.commands.ablate import default_results
from stgraph.commands.arguments import COMMANDS, completions
from stgraph.commands.console.summary import training_summary

HEAVY = ("torch", "lightning", "h5py", "matplotlib", "av", "transformers")


def imported(*arguments, also=()):
    """Runs a call in a new process; returns the heavy modules it imported, its stdout and its stderr."""
    code = (
        "import sys\nfrom stgraph.cli import main\n"
        "try: status = main(sys.argv[1:])\nexcept SystemExit as error: status = error.code\n"
        f"print('imported', status, [m for m in {HEAVY + tuple(also)!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    output, _, last = done.stdout.rpartition("imported ")
    return last.strip(), output, done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["-V"], ["completion", "bash"]])
def test_help_imports_nothing_heavy(arguments):
    assert imported(*arguments, also=("hydra",))[0] == "0 []"


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ({}, ["PASSIVE", "1000"]),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, ["ACTIVE", "None"]),
        ({"GOMP_SPINCOUNT": "5"}, ["None", "5"]),
    ],
)
def test_openmp_threads_without_work_soon_sleep_unless_the_user_chose_otherwise(given, used):
    names = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    code = (
        "import os\nfrom stgraph.cli import main\nmain(['train', '--cfg'])\n"
        f"print(*(os.environ.get(name) for name in {names!r}))"
    )
    environment = {name: value for name, value in os.environ.items() if name not in names} | given
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stdout.split()[-2:] == used, done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command(name, capsys):
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"usage: stgraph {name}" in capsys.readouterr().out


def test_help_lists_groups_choices_and_experiments():
    found, output, _ = imported("train", "--help", also=("hydra",))
    assert found == "0 []"
    words = " ".join(output.split())
    assert "model stat, stats, stgkd" in words
    assert "stgkd_msvd" in words
    assert "optimizer adadelta, adam, rmsprop [adam]" in words


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "no-such-key=1"], "There is no setting 'no-such-key'"),
        (["train", "model=stgk"], "did you mean 'stgkd'?"),
        (["train", "-m", "seed=1"], "no multirun"),
        (["train", "seed=1,2"], "ablate seeds="),
        (
            ["caption", "nowhere.mp4", "--model", "nowhere"],
            "There is no video file nowhere.mp4; check the path.",
        ),
        (["caption", "video1", "--model", "nowhere"], "There is no model folder at nowhere"),
        (["evaluate", "nowhere"], "nowhere is not a run"),
        (["store", "info", "nowhere"], "No feature store at nowhere"),
        (["extract", "nowhere", "x.h5"], "There is no folder of videos at nowhere; check the path."),
        (["ablate", "table=stgk"], "did you mean 'stgkd'?"),
        (["ablate", "sseds=2"], "There is no setting 'sseds'"),
        (["compare", "a", "b", "splt=x"], "did you mean 'split'?"),
    ],
)
def test_refusals_import_nothing_heavy(arguments, message):
    found, _, error = imported(*arguments)
    assert found == "1 []"
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("trainer.accelerator=gpu", "needs a GPU, and torch finds none here"),
        ("logger=wandb", "pip install wandb"),
        ("logger=tensorboard", "pip install tensorboard"),
        ("logger=wanbd", "did you mean 'wandb'?"),
    ],
)
def test_what_the_machine_lacks_is_said_before_anything_starts(
    setting, message, monkeypatch, capsys, tmp_path
):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    monkeypatch.setattr("stgraph.commands.early_checks.find_spec", lambda package: None)
    assert main(["train", "experiment=demo", f"run={tmp_path / 'run'}", setting]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_more_gpus_than_there_are(monkeypatch, capsys):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    assert main(["train", "trainer.accelerator=gpu", "trainer.devices=8"]) == 1
    assert "'trainer.devices' is 8, but this machine has 1 GPUs" in capsys.readouterr().err


def test_summary_of_a_training(tmp_path):
    def write(**values):
        (tmp_path / "training.json").write_text(json.dumps(values))

    write(monitor="val/CIDEr", best=None, epochs=0, steps=3)
    assert training_summary(tmp_path).startswith(f"Trained {tmp_path} (0 epochs, 3 steps).")
    write(monitor="val/CIDEr", best=0.9, epochs=1, steps=9)
    said = training_summary(tmp_path)
    assert "(best val/CIDEr 0.9, 1 epoch, 9 steps)" in said
    assert said.endswith(f"Next: stgraph evaluate {tmp_path}")


def test_cfg_prints_the_configuration(capsys):
    assert main(["train", "experiment=demo", "seed=7", "--cfg"]) == 0
    output = capsys.readouterr().out
    assert "seed: 7" in output
    assert "hidden_channels: 96" in output


def test_a_closed_pipe_is_no_error():
    command = f"{sys.executable} -m stgraph train --help | head -1; {sys.executable} -m stgraph --help | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.startswith("usage: stgraph train")


@pytest.mark.parametrize(
    "arguments", [["-V"], ["completion", "bash"], *([name, "--help"] for name in COMMANDS)]
)
def test_stdout_that_nobody_reads_is_no_error(arguments):
    reader, writer = os.pipe()
    os.close(reader)
    code = "import sys\nfrom stgraph.cli import main\nsys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], stdout=writer, stderr=subprocess.PIPE, text=True
    )
    os.close(writer)
    assert done.stderr == ""
    assert done.returncode in (0, 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("arguments", [["--help"], ["-V"], ["completion", "zsh"]])
def test_stdout_on_a_full_disk_is_one_sentence(arguments):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "stgraph", *arguments], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "No room left for standard output; free some space" in done.stderr


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(28, "No space left on device", "x/log.csv"), "No room left for x/log.csv; free some space"),
        (OSError(30, "Read-only file system", "x"), "x: Read-only file system; check the path"),
        (PermissionError(13, "Permission denied", "x"), "x: Permission denied; check the path"),
        (OSError("no number\nat all"), "no number at all."),
    ],
)
def test_errors_of_the_disk_are_one_sentence(error, message, monkeypatch, capsys, tmp_path):
    def fail(arguments):
        raise error

    monkeypatch.setattr("stgraph.commands.store.run", fail)
    assert main(["store", "info", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"stgraph store: {message}")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    "setting",
    ["hydra.run.dir=x", "+hydra.run.dir=x", "hydra/launcher=joblib", "hydra.sweep.dir=x", "--multirun"],
)
@pytest.mark.parametrize("command", ["train", "demo", "ablate"])
def test_keys_of_hydras_launcher_are_refused(command, setting, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([command, setting]) == 1
    error = capsys.readouterr().err
    assert "which stgraph does not use" in error or "has no multirun" in error
    assert error.count("\n") == 1
    assert not any(tmp_path.iterdir())


def test_completion_offers_choices_of_groups(tmp_path):
    assert "model=stat" in completions("train")
    assert "--model" in completions("caption")
    script = subprocess.run(
        [sys.executable, "-m", "stgraph", "completion", "bash"], capture_output=True, text=True
    )
    test = f"{script.stdout}\nCOMP_LINE='stgraph train optimizer=a'; COMP_POINT=${{#COMP_LINE}}\n"
    test += "COMP_WORDS=(stgraph train optimizer = a); COMP_CWORD=4; _stgraph; echo ${COMPREPLY[*]}\n"
    done = subprocess.run(["bash", "-c", test], capture_output=True, text=True)
    assert (done.stdout.split(), done.stderr) == (["adadelta", "adam"], "")


def test_results_go_below_the_working_folder_outside_a_checkout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert default_results() == Path("runs/results")
    monkeypatch.chdir(Path(__file__).parents[2])
    assert os.fspath(default_results()) == "benchmarks/results"
