"""A teacher that is trained first: it teaches, and stays as it is."""

import pytest
import torch
from safetensors.torch import load_file

from stgraph import CaptionPipeline
from stgraph.errors import OptionError
from stgraph.settings.training import train
from tests.training.conftest import SMALL


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """A trained object branch."""
    from stgraph.settings.compose import compose

    run = tmp_path_factory.mktemp("teacher") / "run"
    return train(
        compose(
            "train",
            [*SMALL, f"run={run}", "model.branches=[object]", "trainer.max_epochs=1", "model.dropout=0.4"],
        )
    )


def _object_part(run):
    state = load_file(run / "model.safetensors")
    return {name: value for name, value in state.items() if ".object." in name}


def test_the_teacher_stays_to_the_bit_and_the_scene_branch_learns(tiny, teacher):
    run = train(tiny(f"teacher={teacher}", "trainer.max_epochs=1", "model.dropout=0.4"))
    before, after = _object_part(teacher), _object_part(run)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    fresh = train(
        tiny(
            f"teacher={teacher}", "trainer.max_steps=1", "optimizer.lr=0", "run=" + str(run.parent / "fresh")
        )
    )
    scene = [
        {name: value for name, value in load_file(folder / "model.safetensors").items() if ".scene." in name}
        for folder in (fresh, run)
    ]
    assert any(not torch.equal(scene[0][name], scene[1][name]) for name in scene[0])


def test_the_scene_branch_can_start_with_the_language_model_of_its_teacher(tiny, teacher):
    run = train(tiny(f"teacher={teacher}", "copy_decoder=true", "trainer.max_steps=1", "optimizer.lr=0"))
    state = load_file(run / "model.safetensors")
    copied = {name: value for name, value in state.items() if name.startswith("decoders.scene.")}
    assert copied
    assert all(torch.equal(value, state[name.replace("scene", "object")]) for name, value in copied.items())
    learnt = load_file(
        train(
            tiny(f"teacher={teacher}", "copy_decoder=true", "trainer.max_steps=1", f"run={run.parent / 'on'}")
        )
        / "model.safetensors"
    )
    assert any(not torch.equal(value, learnt[name]) for name, value in copied.items())


def test_a_copy_needs_a_teacher(tiny):
    with pytest.raises(OptionError, match="'copy_decoder' needs a teacher"):
        train(tiny("copy_decoder=true"))


def test_a_frozen_branch_has_no_dropout_and_no_gradient(teacher):
    model = CaptionPipeline.from_pretrained(teacher).model
    assert any(parameter.requires_grad for parameter in model.parameters())
    model.freeze("object")
    model.train()
    assert model.training
    assert not any(module.training for module in model.decoders["object"].modules())
    assert not any(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("model.branches=[scene]", "the model has"),
        ("model.flow=source_to_target", "'teacher' has flow target_to_source"),
        ("model.num_heads=4", "'teacher' has num_heads 2 and the model here 4"),
        ("graph.temporal=null", "was trained on another graph"),
        ("data.min_count=50", "another vocabulary"),
    ],
)
def test_a_teacher_that_does_not_fit_is_refused(tiny, teacher, setting, message):
    with pytest.raises(OptionError, match=message):
        train(tiny(f"teacher={teacher}", setting))


def test_a_run_without_an_object_branch_is_no_teacher(tiny, tmp_path):
    run = train(tiny("model.branches=[scene]", "trainer.max_epochs=1", f"run={tmp_path / 'scene'}"))
    with pytest.raises(OptionError, match="'teacher' has"):
        train(tiny(f"teacher={run}"))
