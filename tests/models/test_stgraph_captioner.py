import pytest
import torch

from stgraph import VideoGraphBuilder
from stgraph.decoding import decoding_from_options
from stgraph.errors import DataError, OptionError
from stgraph.models import STGraphCaptioner
from stgraph.text import SpecialTokens
from stgraph.training import DistillationLoss
from tests.models.defaults import defaults_of
from tests.nn.conv.test_residual_gcn_conv import CHANNELS, detections

COUNTS = [(3, 0, 2, 1), (0, 0), (1, 4, 2)]
TOKENS = torch.tensor([[1, 5, 6, 2], [1, 7, 2, 0], [1, 9, 8, 2], [1, 5, 2, 0]])
VIDEO = torch.tensor([0, 2, 1, 0])
SPECIAL_TOKENS = SpecialTokens()


def settings(**changed):
    sizes = {"vocab_size": 12, "appearance_channels": 5, "motion_channels": 3, "object_channels": CHANNELS}
    small = {
        "hidden_channels": 8,
        "num_heads": 2,
        "feedforward_channels": 16,
        "dropout": 0.0,
        "max_length": 6,
    }
    return {**sizes, **small, **changed}


def make(**changed):
    torch.manual_seed(0)
    return STGraphCaptioner(**settings(**changed)).eval()


def graphs(counts=COUNTS):
    generator = torch.Generator().manual_seed(1)

    def stream(width):
        return [torch.randn(len(c), width, generator=generator) for c in counts]

    return VideoGraphBuilder().build_batch([detections(c) for c in counts], stream(5), stream(3))


def test_defaults_are_the_papers():
    paper = defaults_of(STGraphCaptioner)
    assert (paper.hidden_channels, paper.num_graph_layers, paper.num_layers, paper.num_heads) == (
        512,
        3,
        2,
        8,
    )
    assert (paper.feedforward_channels, paper.dropout, paper.flow) == (1024, 0.3, "target_to_source")


def test_a_video_alone_equals_the_video_in_a_batch():
    model, batch = make(), graphs()
    together = model(batch, TOKENS, VIDEO)
    for caption, video in enumerate(VIDEO.tolist()):
        alone = model(batch[video], TOKENS[caption : caption + 1], torch.tensor([0]))
        for branch in ("scene", "object"):
            torch.testing.assert_close(alone[branch][0], together[branch][caption], atol=1e-5, rtol=1e-5)


def test_several_captions_a_video_cost_one_encoding_and_give_the_loss_of_single_ones():
    model, batch, loss = make(), graphs(), DistillationLoss()
    encoded = []
    model.encoders["object"].register_forward_hook(lambda *args: encoded.append(args[2].size(0)))
    shared = loss.from_logits(model(batch, TOKENS[:, :-1], VIDEO), TOKENS[:, 1:])["loss"]
    assert encoded == [sum(len(c) for c in COUNTS)]
    repeated = graphs([COUNTS[v] for v in VIDEO.tolist()])
    streams = {name: [batch[v][name] for v in VIDEO.tolist()] for name in ("appearance", "motion")}
    repeated.appearance, repeated.motion = torch.cat(streams["appearance"]), torch.cat(streams["motion"])
    single = loss.from_logits(model(repeated, TOKENS[:, :-1], torch.arange(4)), TOKENS[:, 1:])["loss"]
    torch.testing.assert_close(single, shared)


def test_every_parameter_learns_in_both_branches():
    model = make().train()
    loss = DistillationLoss().from_logits(model(graphs(), TOKENS[:, :-1], VIDEO), TOKENS[:, 1:])["loss"]
    loss.backward()
    silent = [name for name, p in model.named_parameters() if p.grad is None or p.grad.abs().sum() == 0]
    assert silent == []


def test_options_of_the_object_branch_learn_and_start_as_the_paper():
    batch = graphs()
    expected = make().frames(batch, "object")[0]
    model = make(pool="attention", edge_geometry=True)
    same = make().state_dict()
    assert not model.load_state_dict(same, strict=False).unexpected_keys
    torch.testing.assert_close(model.frames(batch, "object")[0], expected)
    added = [p for name, p in model.named_parameters() if name not in same]
    step = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(2):  # what starts as zeros lets gradients through from the second step on
        step.zero_grad()
        DistillationLoss().from_logits(model(batch, TOKENS[:, :-1], VIDEO), TOKENS[:, 1:])["loss"].backward()
        step.step()
    assert len(added) == 6
    assert all(parameter.grad.abs().sum() > 0 for parameter in added)


def test_input_options_reach_both_branches():
    batch, scaled = graphs(), graphs()
    for name in ("x", "appearance", "motion"):
        scaled[name] = torch.nn.functional.layer_norm(scaled[name], scaled[name].shape[-1:])
    model = make(input_norm="layer", input_dropout=0.5)
    for branch in ("scene", "object"):
        expected = make().frames(scaled, branch)[0]
        torch.testing.assert_close(model.eval().frames(batch, branch)[0], expected)
        assert not torch.allclose(model.train().frames(batch, branch)[0], expected)
    with pytest.raises(OptionError, match="input_norm"):
        make(input_norm="batch")


def test_the_scene_branch_needs_no_objects_and_the_object_branch_no_scene():
    model, batch = make(), graphs()
    expected = {
        branch: model.generate(batch, SPECIAL_TOKENS, branch).tokens for branch in ("scene", "object")
    }
    blind = graphs()
    blind.x, blind.edge_index = blind.x * float("nan"), blind.edge_index[:, :0]
    assert torch.equal(model.generate(blind, SPECIAL_TOKENS, "scene").tokens, expected["scene"])
    deaf = graphs()
    del deaf.appearance, deaf.motion
    assert torch.equal(model.generate(deaf, SPECIAL_TOKENS, "object").tokens, expected["object"])
    with pytest.raises(DataError, match="needs 'appearance' features, but these videos have none"):
        model.generate(deaf, SPECIAL_TOKENS, "scene")


def test_generated_words_are_the_likeliest_of_the_whole_model():
    model, batch = make(), graphs()
    found = model.generate(batch, SPECIAL_TOKENS, "object")
    tokens = torch.cat([torch.ones(3, 1, dtype=torch.long), found.tokens], 1)
    logits = model(batch, tokens[:, :-1], torch.arange(3))["object"].index_fill(
        2, torch.tensor([0, 1, 3]), -torch.inf
    )
    real = found.tokens != 0
    assert torch.equal(logits.argmax(2)[real], found.tokens[real])


def test_beam_search_and_sampling_of_a_model():
    model, batch = make(), graphs()
    with torch.no_grad():
        model.decoders["scene"].lm_head.weight.mul_(5)

    def generate(batch, **decoding):
        return model.generate(batch, SPECIAL_TOKENS, "scene", decoding=decoding_from_options(**decoding))

    plain = model.generate(batch, SPECIAL_TOKENS, "scene")
    assert torch.equal(generate(batch).tokens, plain.tokens)
    beam = generate(batch, method="beam", captions_per_video=5)
    sums = beam.log_probs.sum(1).view(3, 5)
    assert (sums.diff(dim=1) <= 0).all()
    assert (sums[:, 0] >= plain.log_probs.sum(1) - 1e-5).all()
    batch.video_id = ["a", "b", "c"]
    named = generate(batch, method="sample", seed=2)
    for video, name in enumerate("abc"):
        alone = batch[video]
        alone.video_id = name
        assert torch.equal(generate(alone, method="sample", seed=2).tokens[0], named.tokens[video])
    batch.video_id = ["c", "b", "a"]
    assert not torch.equal(generate(batch, method="sample", seed=2).tokens, named.tokens)


def test_a_video_without_objects_has_a_caption_from_both_branches():
    found = make().generate(graphs([(0, 0)]), SPECIAL_TOKENS, "object")
    assert found.tokens.shape == (1, 6)
    assert torch.isfinite(found.log_probs).all()


def test_concat_fuses_both_features_before_one_language_model():
    model, batch = make(branches=("joint",)), graphs()
    frames, mask = model.frames(batch, "joint")
    row = 0
    for video, counts in enumerate(COUNTS):
        for t in range(len(counts)):
            scene = model.encoders["scene"](batch.appearance[row : row + 1], batch.motion[row : row + 1])[0]
            objects = model.encoders["object"].nodes(batch.x, batch.edge_index, batch.edge_weight)[
                batch.frame == row
            ]
            pooled = objects.mean(0) if len(objects) else torch.zeros(8)
            torch.testing.assert_close(frames[video, t], torch.cat([scene, pooled]) @ model.fuse.weight.T)
            row += 1
    assert set(model(batch, TOKENS, VIDEO)) == {"joint"}
    loss = DistillationLoss().from_logits(model(batch, TOKENS[:, :-1], VIDEO), TOKENS[:, 1:])
    assert set(loss) == {"loss", "joint_language"}
    loss["loss"].backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())
    assert mask.sum() == 9


def test_features_are_those_of_real_frames():
    model, batch = make(), graphs()
    features = model.scores_and_features(batch, TOKENS, VIDEO)[1]
    assert features["scene"].shape == features["object"].shape == (9, 8)
    torch.testing.assert_close(features["scene"], model.encoders["scene"](batch.appearance, batch.motion))


def test_one_branch_alone():
    scene = make(branches=("scene",), object_channels=0)
    assert set(scene(graphs(), TOKENS, VIDEO)) == {"scene"}
    with pytest.raises(OptionError, match=r"'branch' must be one of \('scene',\)"):
        scene.generate(graphs(), SPECIAL_TOKENS, "object")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"branches": ("scene", "objects")},
            r"'branches' must be one or both .* or 'joint', got \['scene', 'objects'\]",
        ),
        ({"branches": ("scene", "scene")}, "'branches' must be one or both"),
        ({"branches": ("scene", "joint")}, "'branches' must be one or both"),
        ({"branches": ()}, "'branches' must be one or both"),
        ({"object_channels": 0}, "'object_channels' must be at least 1"),
        (
            {"edge_geometry": True, "num_graph_layers": 0},
            "'edge_geometry' must be false without graph layers",
        ),
        ({"appearance_channels": 0}, "'appearance_channels' must be at least 1"),
    ],
)
def test_wrong_settings_are_named(changed, message):
    with pytest.raises(OptionError, match=message):
        make(**changed)


def test_unknown_settings_are_refused():
    with pytest.raises(OptionError, match="hiden"):
        make(hiden=3)
