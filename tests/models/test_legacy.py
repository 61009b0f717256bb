"""Model folders, a feature store and an evaluation file written before format version 2 give the same results as then.

``tests/legacy`` holds three models trained on ``interactions tiny``, a fourth of random weights with the options that have
parameters of their own, four videos of the store, and the captions that the code which wrote them generated.
"""

import json
from pathlib import Path

import pytest
import torch

from stgraph import CaptionPipeline
from stgraph.decoding import BeamSearch, Greedy, Sampling
from stgraph.errors import ModelFolderError
from stgraph.features import FeatureStore
from stgraph.metrics import Evaluation
from stgraph.models.legacy import translate_config, translate_state

LEGACY = Path(__file__).parents[1] / "legacy"
FOLDERS = ("stgkd", "stat", "stats", "stgkd_joint")


def captions(pipeline, branch, decoding):
    store = FeatureStore(LEGACY / "store.h5")
    return list(pipeline.caption_store(store, list(store.ids), branch, decoding=decoding))


@pytest.mark.parametrize("decoding", [Greedy(), BeamSearch(3), Sampling(seed=5)], ids=lambda each: each.label)
@pytest.mark.parametrize("folder", FOLDERS)
def test_earlier_model_folders_give_the_same_captions(folder, decoding):
    pipeline = CaptionPipeline.from_pretrained(LEGACY / folder, device="cpu")
    expected = json.loads((LEGACY / folder / "captions.json").read_text())
    assert tuple(expected) == pipeline.model.branches
    for branch, by_decoding in expected.items():
        wanted = {caption["video"]: caption for caption in by_decoding[decoding.label]}
        found = captions(pipeline, branch, decoding)
        assert {caption.video_id for caption in found} == wanted.keys()
        for caption in found:
            assert caption.text == wanted[caption.video_id]["text"]
            log_probs = torch.tensor(wanted[caption.video_id]["log_probs"])
            torch.testing.assert_close(torch.tensor(caption.log_probs), log_probs, atol=1e-5, rtol=0)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_that_is_saved_again_has_the_present_format(folder, tmp_path):
    pipeline = CaptionPipeline.from_pretrained(LEGACY / folder, device="cpu")
    pipeline.save_pretrained(tmp_path / "again")
    config = json.loads((tmp_path / "again" / "config.json").read_text())
    assert translate_config(config) == config
    assert config["arguments"]["vocab_size"] == 65
    state = pipeline.model.state_dict()
    assert translate_state(pipeline.model.name, state).keys() == state.keys()
    again = CaptionPipeline.from_pretrained(tmp_path / "again", device="cpu")
    branch = pipeline.model.branches[0]
    assert captions(again, branch, Greedy()) == captions(pipeline, branch, Greedy())


def test_earlier_evaluation_files_are_read():
    evaluation = Evaluation.load(LEGACY / "stgkd" / "evaluation-test-scene.json")
    assert evaluation.decoding == Greedy()
    assert evaluation.file_name == "evaluation-test-scene.json"
    assert len(evaluation.captions) == 10


@pytest.mark.parametrize("content", [None, [], "model", {}, {"version": 1}, {"version": 2, "settings": {}}])
def test_what_is_no_earlier_configuration_is_left_to_the_check(content):
    assert translate_config(content) is content


def test_the_input_is_kept():
    content = {"version": 1, "model": "stat", "settings": {"num_words": 7}}
    assert translate_config(content) == {"version": 2, "model": "stat", "arguments": {"vocab_size": 7}}
    assert content == {"version": 1, "model": "stat", "settings": {"num_words": 7}}


def test_unknown_entries_of_earlier_folders_are_still_refused(tmp_path):
    for path in (LEGACY / "stat").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    content = json.loads((tmp_path / "config.json").read_text())
    content["settings"]["_target_"] = "os.system"
    (tmp_path / "config.json").write_text(json.dumps(content))
    with pytest.raises(ModelFolderError, match="_target_"):
        CaptionPipeline.from_pretrained(tmp_path, device="cpu")
