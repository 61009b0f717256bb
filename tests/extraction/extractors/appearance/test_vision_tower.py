"""Small models of each family, saved in the layout of the hub."""

import json
import sys

import pytest
import torch

from stgraph.errors import DataError, DependencyError, MissingDataError, OptionError
from stgraph.extraction.extractors.appearance import VisionTower
from stgraph.extraction.extractors.registry import make_extractor, record_of
from tests.extraction.extractors.appearance.samples import assert_batch_equals_one_by_one, picture

transformers = pytest.importorskip("transformers")

TOWER = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 8,
}
TEXT = {**TOWER, "vocab_size": 50, "max_position_embeddings": 8, "bos_token_id": 1, "eos_token_id": 2}
CUT = {"size": {"shortest_edge": 36}, "crop_size": {"height": 32, "width": 32}}
FAMILIES = {
    "clip": (
        lambda: transformers.CLIPConfig(text_config=TEXT, vision_config=TOWER, projection_dim=16),
        lambda: transformers.CLIPImageProcessor(**CUT),
    ),
    "dinov2": (
        lambda: transformers.Dinov2Config(**TOWER, mlp_ratio=2),
        lambda: transformers.BitImageProcessor(**CUT, do_center_crop=True, resample=3),
    ),
    "dinov2_with_registers": (
        lambda: transformers.Dinov2WithRegistersConfig(**TOWER, mlp_ratio=2, num_register_tokens=3),
        lambda: transformers.BitImageProcessor(**CUT, do_center_crop=True, resample=3),
    ),
    "siglip": (
        lambda: transformers.SiglipConfig(text_config=TEXT, vision_config=TOWER),
        lambda: transformers.SiglipImageProcessor(size={"height": 32, "width": 32}),
    ),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("hub")
    for name, (config, processor) in FAMILIES.items():
        torch.manual_seed(3)
        model = transformers.AutoModel.from_config(config())
        with torch.no_grad():
            for part in model.parameters():  # biases and norms too, whose initial values would hide mistakes
                part.add_(torch.randn_like(part) * 0.1)
        model.save_pretrained(root / name)
        processor().save_pretrained(root / name)
    return root


@pytest.fixture
def offline(monkeypatch):
    """Fails like a machine without network, but at once: the hub's client retries for half a minute."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.mark.parametrize("family", FAMILIES)
def test_says_what_the_whole_model_says_of_the_picture(folders, family):
    folder = str(folders / family)
    whole = transformers.AutoModel.from_pretrained(folder).eval()
    frame = picture()
    pixels = transformers.AutoImageProcessor.from_pretrained(folder)(
        images=frame[0].numpy(), return_tensors="pt"
    )
    with torch.inference_mode():
        expected = getattr(whole, "vision_model", whole)(**pixels)
    extractor = VisionTower(folder, grid=True)
    said = extractor.extract([extractor.preprocess(frame)])[0]
    torch.testing.assert_close(said["appearance"], expected.pooler_output[0], rtol=1e-4, atol=1e-5)
    others = {"clip": 1, "dinov2": 1, "dinov2_with_registers": 4, "siglip": 0}[family]
    tokens = expected.last_hidden_state[0]
    assert len(tokens) == 16 + others
    torch.testing.assert_close(said["grid/vision_tower"], tokens[others:], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_says_what_each_frame_alone_says(folders, family):
    extractor = VisionTower(str(folders / family), grid=True)
    frames = [picture(seed=0), picture(seed=1), picture(48, 33, seed=2)]
    assert_batch_equals_one_by_one(extractor, [extractor.preprocess(frame) for frame in frames])


@pytest.mark.parametrize("size", [(1, 1), (3, 3), (3, 50), (1, 3)])
def test_tiny_pictures_are_not_taken_for_planes(folders, size):
    extractor = VisionTower(str(folders / "siglip"))
    flat = torch.tensor([255, 0, 128], dtype=torch.uint8).expand(1, *size, 3)
    item = extractor.preprocess(flat)
    expected = (torch.tensor([255, 0, 128]) / 255 - 0.5) / 0.5
    torch.testing.assert_close(item, expected[:, None, None].expand(3, 32, 32), rtol=0, atol=1e-5)


def test_projected_clip_vectors_follow_from_ours(folders):
    """As the docstring says, the projection maps the features to CLIP's image embeddings."""
    folder = str(folders / "clip")
    extractor = VisionTower(folder)
    assert extractor.streams == ("appearance",)
    item = extractor.preprocess(picture())
    clip = transformers.CLIPModel.from_pretrained(folder).eval()
    with torch.inference_mode():
        expected = clip.get_image_features(pixel_values=item[None]).pooler_output[0]
        projected = clip.visual_projection(extractor.extract([item])[0]["appearance"])
    torch.testing.assert_close(projected, expected, rtol=1e-4, atol=1e-5)


def test_the_text_part_is_neither_kept_nor_hashed(folders, capfd):
    extractor = VisionTower(str(folders / "clip"))
    assert not any("text" in name or "projection" in name for name in extractor.network.state_dict())
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")  # transformers would list every weight of the text encoder


def test_random_weights_need_a_configuration_only_and_are_the_same_each_time(folders, tmp_path):
    for name in ("config.json", "preprocessor_config.json"):
        (tmp_path / name).write_bytes((folders / "clip" / name).read_bytes())
    settings = {"model": str(tmp_path), "weights": "random"}
    first, second = (make_extractor("vision_tower", settings) for _ in range(2))
    assert first.weights == second.weights != VisionTower(str(folders / "clip")).weights
    assert list(record_of("vision_tower", settings, first).versions) == ["transformers"]
    with pytest.raises(MissingDataError, match="with its weights as safetensors"):
        VisionTower(str(tmp_path))


def test_pickled_weights_are_not_read(folders, tmp_path):
    for name in ("config.json", "preprocessor_config.json"):
        (tmp_path / name).write_bytes((folders / "dinov2" / name).read_bytes())
    torch.save(
        transformers.AutoModel.from_pretrained(folders / "dinov2").state_dict(),
        tmp_path / "pytorch_model.bin",
    )
    with pytest.raises(MissingDataError, match="with its weights as safetensors"):
        VisionTower(str(tmp_path))


def test_code_beside_a_model_is_not_run(folders, tmp_path):
    for file in (folders / "dinov2").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Config", "AutoModel": "own.Model"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(DataError, match="without running remote code"):
        VisionTower(str(tmp_path))
    assert not (tmp_path / "ran").exists()


def test_weights_that_lack_a_part_are_refused(folders, tmp_path):
    """transformers itself initializes the missing weights at random and continues."""
    from safetensors.torch import load_file, save_file

    for file in (folders / "siglip").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    state = load_file(tmp_path / "model.safetensors")
    kept = {name: value for name, value in state.items() if not name.startswith("vision_model.head.")}
    save_file(kept, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(
        DataError, match=r"lack 'head\.attention\.in_proj_bias' and 10 more of a SiglipVisionModel"
    ):
        VisionTower(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(DataError, match="not a vision model that transformers can load"):
        VisionTower(str(tmp_path))


def test_a_model_that_is_not_there(offline):
    with pytest.raises(MissingDataError, match=r"'openai/clip-vit-base-patch32' cannot be read from .* hub"):
        VisionTower()


def test_wrong_options(folders):
    with pytest.raises(OptionError, match=r"'weights' must be 'default' or 'random', got 'a\.pth'"):
        VisionTower(str(folders / "clip"), weights="a.pth")


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(DependencyError, match=r"pip install 'stgraph-captioning\[hf\]'"):
        VisionTower()
