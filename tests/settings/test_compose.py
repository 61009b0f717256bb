import subprocess
import sys

import hydra
import pytest
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig

from stgraph.cli import main
from stgraph.errors import DataError, OptionError
from stgraph.settings.compose import compose, saved_config


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("hydra.run.dir=x", "hydra's own launcher"),
        ("hydra/launcher=basic", "hydra's own launcher"),
        ("+hydra.job.chdir=true", "hydra's own launcher"),
        ("seed=1,2", "ablate seeds="),
        ("model=stgkd,stat", "use 'stgraph ablate'"),
        ("seed=range(3)", "ablate seeds="),
        ("model=stgk", "There is no model 'stgk' .*did you mean 'stgkd'"),
        ("data=interaction_tiny", "did you mean 'interactions_tiny'"),
        ("optimizer=sgd", "There is no optimizer 'sgd' .*known are adadelta, adam, rmsprop"),
        ("experiment=stgkd_msvdd", "did you mean 'stgkd_msvd'"),
        ("model=null", "There is no model 'null'"),
    ],
)
def test_what_a_run_cannot_take_is_refused_in_one_sentence(setting, message):
    with pytest.raises(OptionError, match=message) as error:
        compose("train", [setting])
    assert "\n" not in str(error.value)


def test_a_program_of_hydras_own_keeps_its_hydra():
    GlobalHydra.instance().clear()
    with hydra.initialize_config_module("stgraph.configs", version_base="1.3", job_name="theirs"):
        ConfigStore.instance().store(group="data", name="of_the_run", node={"theirs": 1})
        theirs = GlobalHydra.instance().hydra
        assert compose("evaluate", [], data={"ours": 2}).data == {"ours": 2}
        assert GlobalHydra.instance().hydra is theirs
        assert main(["train", "seed=1", "--cfg"]) == 0
        assert main(["train", "sed=1"]) == 1
        assert GlobalHydra.instance().hydra is theirs
        assert hydra.core.utils.JobRuntime.instance().get("name") == "theirs"
        with pytest.raises(OptionError):
            compose("train", ["sed=1"])
        assert GlobalHydra.instance().hydra is theirs
        assert hydra.compose("words").split == "test"
        assert ConfigStore.instance().repo["data"]["of_the_run.yaml"].node == {"theirs": 1}
    del ConfigStore.instance().repo["data"]
    assert HydraConfig.instance().cfg is None


def test_main_inside_a_hydra_program(tmp_path):
    (tmp_path / "conf.yaml").write_text("a: 1\n")
    program = tmp_path / "program.py"
    program.write_text(
        "import hydra\n"
        "from hydra.core.global_hydra import GlobalHydra\n"
        "from stgraph.cli import main\n"
        "@hydra.main(config_path='.', config_name='conf', version_base='1.3')\n"
        "def run(config):\n"
        "    before = GlobalHydra.instance().hydra, hydra.core.hydra_config.HydraConfig.get().run.dir\n"
        "    assert main(['train', 'no-such-key=1']) == 1\n"
        "    assert before == (GlobalHydra.instance().hydra, hydra.core.hydra_config.HydraConfig.get().run.dir)\n"
        "    print('kept', config.a)\n"
        "run()\n"
    )
    done = subprocess.run([sys.executable, program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "kept 1\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("run: ${oc.env:HOME}", "interpolation"),
        ("${oc.env:HOME}: 1", "interpolation"),
        ("data: {dataset: {store: ['${run}']}}", "interpolation"),
        ("a: &a [1, 1]\nb: [*a, *a]", "alias"),
        ("a: [", "not a configuration in YAML"),
        ("- 1", "settings by name"),
        ("a: !!python/object/apply:os.getcwd []", "YAML tag"),
        ("a: " + "[" * 3000, "nested more than 20 levels"),
    ],
)
def test_a_saved_configuration_is_plain_yaml(tmp_path, monkeypatch, text, message):
    monkeypatch.setenv("HOME", "secret")
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(DataError, match=message) as error:
        saved_config(tmp_path)
    assert "secret" not in str(error.value)


def test_a_configuration_saved_under_earlier_names(tmp_path):
    (tmp_path / "config.yaml").write_text(
        "data: {max_words: 7, dataset: {name: own}}\nmodel: {name: stat}\nseed: 1\noptimizer: {lr: 1e-05}\n"
    )
    assert saved_config(tmp_path) == {
        "data": {"max_length": 7, "dataset": {"name": "own"}},
        "model": {"name": "stat"},
        "seed": 1,
        "optimizer": {"lr": 1e-05},
    }
