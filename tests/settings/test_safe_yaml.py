"""Configurations that come from somewhere else: nothing in them is resolved, built or printed."""

import os
import time

import pytest
from omegaconf import OmegaConf

from stgraph.cli import main
from stgraph.errors import DataError, MissingDataError, OptionError
from stgraph.settings.compose import compose, plain, saved_config
from stgraph.settings.safe_yaml import read_yaml
from stgraph.settings.training import data_config

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)
HOSTILE = {
    "environment": ("data: {dataset: {store: '${oc.env:SECRET}'}}", "holds the interpolation"),
    "key": ("'${oc.env:SECRET}': 1", "holds the interpolation"),
    "created": ("seed: '${oc.create:{a: 1}}'", "holds the interpolation"),
    "bomb": (BOMB, "holds a YAML alias"),
    "merge": ("a: &a {b: 1}\nc: {<<: *a}", "holds a YAML alias"),
    "object": ("a: !!python/object/apply:os.system ['touch made']", "holds the YAML tag"),
    "deep": ("a: " + "[" * 5000 + "]" * 5000, "nested more than 20 levels deep"),
    "large": ("a: " + "x" * 300_000, "has 300003 bytes and may have 200000"),
    "long number": ("seed: " + "1" * 5000, "is not a configuration in YAML"),
    "list": ("[1, 2]", "must hold settings by name"),
    "text": ("words", "must hold settings by name"),
    "empty": ("", "must hold settings by name"),
    "numbers as keys": ("1: 2", "must hold settings by name"),
    "not YAML": ("a: [", "is not a configuration in YAML"),
    "half a character": ('a: "\\ud800"', "half of a surrogate pair"),
    "bytes": (b"\xff\xfe\x00", "is not a configuration in YAML"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_refused_without_a_word_of_the_environment(tmp_path, monkeypatch, capsys, name):
    content, words = HOSTILE[name]
    monkeypatch.setenv("SECRET", "hunter2")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    begin = time.monotonic()
    with pytest.raises(DataError, match=words) as caught:
        read_yaml(tmp_path / "config.yaml")
    with pytest.raises(DataError):
        saved_config(tmp_path)
    assert main(["evaluate", str(tmp_path)]) == 1
    assert time.monotonic() - begin < 20
    assert "hunter2" not in str(caught.value) + "".join(capsys.readouterr())
    assert os.listdir(tmp_path) == ["config.yaml"]


def changed(tmp_path, change):
    settings = plain(compose("train", ["seed=3"]))
    change(settings)
    OmegaConf.save(settings, tmp_path / "config.yaml")
    return tmp_path


def test_what_train_writes_is_read(tmp_path):
    saved = saved_config(changed(tmp_path, lambda settings: None))
    assert saved == OmegaConf.create(plain(compose("train", ["seed=3"])))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda settings: settings.update(sed=1), "has the unknown setting 'sed'"),
        (lambda settings: settings.update(defaults=["x"]), "has the unknown setting 'defaults'"),
        (lambda settings: settings["data"].update(defaults=["x"]), "has the unknown setting 'data.defaults'"),
        (lambda settings: settings["data"].update(_target_="os.system"), "unknown setting 'data._target_'"),
        (lambda settings: settings.update(seed=True), "'seed' must be an integer"),
        (lambda settings: settings.update(data=[1]), "'data' must be settings by name"),
        (lambda settings: settings.pop("data"), "'data' must be settings by name"),
        (lambda settings: settings["data"].pop("dataset"), "'data.dataset' must be settings by name"),
        (lambda settings: settings["data"]["dataset"].pop("name"), "'data.dataset.name' must be a name"),
        (lambda settings: settings.pop("model"), "'model' must be settings by name"),
        (lambda settings: settings["model"].pop("name"), "'model.name' must be a name"),
        (lambda settings: settings["model"].update(name="[stgkd"), "'model.name' must be a name"),
        (lambda settings: settings.pop("seed"), "'seed' must be an integer"),
    ],
)
def test_settings_that_train_does_not_have_are_refused(tmp_path, change, words):
    with pytest.raises(DataError, match=words):
        saved_config(changed(tmp_path, change))


def test_special_files_are_refused(tmp_path):
    os.mkfifo(tmp_path / "config.yaml")
    with pytest.raises(DataError, match="is not a regular file"):
        saved_config(tmp_path)
    with pytest.raises(MissingDataError):
        read_yaml(tmp_path / "none.yaml")


def test_a_table_is_read_the_same_way(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SECRET", "hunter2")
    (tmp_path / "mine.yaml").write_text("title: '${oc.env:SECRET}'\nrows: {a: []}\n")
    assert main(["ablate", f"table={tmp_path / 'mine.yaml'}"]) == 1
    assert "hunter2" not in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda data: data["loader"].update(batch_sise=1),
            "no setting 'data.loader.batch_sise'; leave it out",
        ),
        (lambda data: data.pop("dataset"), "'data.dataset' is missing; give it a value"),
        (lambda data: data["loader"].update(batch_size="many"), "got 'many'; correct it"),
    ],
)
def test_wrong_settings_of_the_data_say_what_to_do(change, words):
    config = compose("train", [])
    data = plain(config.data)
    change(data)
    with pytest.raises(OptionError, match=words):
        data_config(OmegaConf.create(data))
