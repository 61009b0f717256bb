"""Model folders: what was trained comes back, and nothing in a folder of unknown origin is run or followed."""

import json

import pytest
import torch

from stgraph import CaptionPipeline
from stgraph.datasets import open_dataset
from stgraph.decoding import BeamSearch
from stgraph.errors import DataError, MissingDataError, ModelFolderError


def spoil(folder, **changed):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))


def test_a_loaded_model_captions_as_its_folder_says(folder):
    dataset = open_dataset("interactions", size="tiny")
    captioner, ids = CaptionPipeline.from_pretrained(folder), dataset.corpus.ids("test")
    first = list(captioner.caption_store(dataset.store, ids))
    again = list(CaptionPipeline.from_pretrained(folder).caption_store(dataset.store, ids, batch_size=3))
    assert [c.text for c in first] == [c.text for c in again]
    assert [c.video_id for c in first] == ids
    torch.testing.assert_close(
        [sum(c.log_probs) for c in first], [sum(c.log_probs) for c in again], atol=1e-4, rtol=1e-4
    )
    assert captioner.caption(dataset.store[ids[0]]).text == first[0].text
    assert (
        captioner.builder.score_threshold
        == json.loads((folder / "config.json").read_text())["graph"]["score_threshold"]
    )


def test_captions_say_what_their_words_looked_at_whatever_the_batch(folder):
    dataset = open_dataset("interactions", size="tiny")
    captioner, ids = CaptionPipeline.from_pretrained(folder), dataset.corpus.ids("test")[:5]
    beams = BeamSearch(captions_per_video=2)
    for branch in ("scene", "object"):
        how = {"branch": branch, "decoding": beams}
        plain = list(captioner.caption_store(dataset.store, ids, **how))
        found = list(captioner.caption_store(dataset.store, ids, **how, attention=True))
        alone = list(captioner.caption_store(dataset.store, ids, **how, attention=True, batch_size=1))
        assert plain == found
        assert all(not caption.attention for caption in plain)
        for one, other in zip(found, alone, strict=True):
            frames = one.attention["frames"]
            assert len(frames) == len(one.log_probs)
            torch.testing.assert_close(frames.sum(1), torch.ones(len(frames)))
            torch.testing.assert_close(frames, other.attention["frames"], atol=1e-5, rtol=1e-4)
        one = captioner.caption(dataset.store[ids[0]], branch, decoding=BeamSearch(), attention=True)
        assert one.text == found[0].text
        torch.testing.assert_close(
            one.attention["frames"], found[0].attention["frames"], atol=1e-5, rtol=1e-4
        )


def test_features_of_another_extractor_are_refused(folder):
    store = open_dataset("interactions", size="tiny").store
    extractors = json.loads((folder / "config.json").read_text())["extractors"]
    spoil(folder, extractors={**extractors, "appearance": {**extractors["appearance"], "name": "resnet101"}})
    captioner = CaptionPipeline.from_pretrained(folder)
    with pytest.raises(DataError, match="trained on 'appearance' features of 'resnet101' .* come from"):
        next(captioner.caption_store(store, store.ids[:1]))
    assert next(captioner.caption_store(store, store.ids[:1], "object"))  # which does not read that stream


def test_a_target_in_the_description_is_refused(folder):
    spoil(folder, _target_="os.system")
    with pytest.raises(
        ModelFolderError, match="has the unknown entry '_target_'; only what stgraph wrote is accepted"
    ):
        CaptionPipeline.from_pretrained(folder)


def test_a_target_in_the_arguments_is_refused(folder):
    arguments = json.loads((folder / "config.json").read_text())["arguments"]
    spoil(folder, arguments={**arguments, "_target_": "os.system"})
    with pytest.raises(ModelFolderError, match="arguments: .*_target_"):
        CaptionPipeline.from_pretrained(folder)


@pytest.mark.parametrize("name", ["../../etc", "torch.hub.load", "os.system"])
def test_a_model_that_is_not_ours_is_refused(folder, name):
    spoil(folder, model=name)
    with pytest.raises(ModelFolderError, match="names the model .*, which is not installed here"):
        CaptionPipeline.from_pretrained(folder)


def test_an_extractor_name_with_a_path_out_of_the_folder_is_refused(folder):
    extractors = json.loads((folder / "config.json").read_text())["extractors"]
    spoil(folder, extractors={**extractors, "object": {**extractors["object"], "name": "../../evil"}})
    with pytest.raises(ModelFolderError, match=r"wrong entry 'extractors.object.name' .*'../../evil'"):
        CaptionPipeline.from_pretrained(folder)


def test_a_link_out_of_the_folder_is_refused(folder, tmp_path):
    (folder / "model.safetensors").rename(tmp_path / "elsewhere.safetensors")
    (folder / "model.safetensors").symlink_to(tmp_path / "elsewhere.safetensors")
    with pytest.raises(ModelFolderError, match=r"'model.safetensors' leads out of the model folder"):
        CaptionPipeline.from_pretrained(folder)


def test_weights_of_another_size_or_cut_short_are_named(folder):
    arguments = json.loads((folder / "config.json").read_text())["arguments"]
    spoil(folder, arguments={**arguments, "hidden_channels": 32})
    with pytest.raises(ModelFolderError, match="does not fit config.json"):
        CaptionPipeline.from_pretrained(folder)
    spoil(folder, arguments=arguments)
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:500])
    with pytest.raises(ModelFolderError, match="the folder is damaged"):
        CaptionPipeline.from_pretrained(folder)


def test_missing_folders_and_files_are_named(folder, tmp_path):
    with pytest.raises(MissingDataError, match="No model folder at .*nowhere; train one"):
        CaptionPipeline.from_pretrained(tmp_path / "nowhere")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(MissingDataError, match=r"is not a model folder: it has no tokenizer.json"):
        CaptionPipeline.from_pretrained(folder)


def test_a_path_is_never_taken_for_a_hub_name():
    with pytest.raises(MissingDataError, match="No model folder at owner/name"):
        CaptionPipeline.from_pretrained("owner/name")


def test_detections_are_sampled_to_the_frames_of_the_training_videos(folder):
    spoil(folder, num_frames=3)
    dataset = open_dataset("interactions", size="tiny")
    captioner = CaptionPipeline.from_pretrained(folder)
    video = dataset.store[dataset.corpus.ids("test")[0]]
    assert video.num_frames > 3
    from_detections = captioner(video.detections, "object", attention=True)
    assert from_detections.attention["frames"].size(1) == 3
    assert from_detections.text == captioner(video, "object").text
