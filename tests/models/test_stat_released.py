"""``STATCaptioner.from_released``: the released parameters as a model, and the released initial weights."""

import numpy as np
import pytest
import torch

from stgraph import STATCaptioner
from stgraph.decoding import BeamSearch
from stgraph.errors import DataError, MissingDataError
from stgraph.models import load_model, save_model
from stgraph.models.model_folder import ModelConfig
from stgraph.text import CaptionTokenizer, SpecialTokens
from tests.models.released_stat import VOCABULARY, graphs_of_videos, our_tokens, random_params, random_videos
from tests.models.released_stat import video_of as one_of
from tests.reference import stat_released

MAPS = {"spatial": "regions", "global": "global", "motion": "motion", "local": "local"}


@torch.no_grad()
def test_computes_what_the_released_model_computes():
    params, videos = random_params(0), random_videos(1, 3)
    words = np.random.default_rng(2).integers(1, VOCABULARY, (3, 4))
    words[:, -1] = 0
    model = STATCaptioner.from_released(params)
    assert not model.training
    out = model.teacher_forced(graphs_of_videos(videos), our_tokens(words), torch.arange(3))
    found = out.logits.softmax(-1)
    assert (found[..., :2] == 0).all()  # padding and begin
    for row in range(3):
        expected, maps = stat_released.caption(words[row], one_of(videos, row), params)
        torch.testing.assert_close(found[row, :, 2:], torch.tensor(expected), atol=1e-12, rtol=1e-12)
        for name, ours in MAPS.items():
            torch.testing.assert_close(
                out.attention[ours][row], torch.tensor(maps[name]), atol=1e-12, rtol=1e-12
            )


@torch.no_grad()
def test_trains_with_the_released_dropout(monkeypatch):
    """With the same zeros drawn, the output is the same: half of the weights, twice what is kept."""
    params, videos = random_params(3), random_videos(4, 1)
    generator = np.random.default_rng(5)
    sizes = {"gates": 18, "state": 6, "readout": 5}
    drawn = [{name: generator.integers(0, 2, size) for name, size in sizes.items()} for _ in range(3)]
    places = {name: iter([each[name] for each in drawn]) for name in sizes}
    expected, _ = stat_released.caption(
        [4, 2, 0], one_of(videos, 0), params, lambda name, size: next(places[name])
    )
    model = STATCaptioner.from_released(params).train()
    order = iter([torch.tensor(each[name]) for each in drawn for name in ("gates", "state")])
    readout = torch.tensor(np.stack([each["readout"] for each in drawn]))

    def drop(x, p=0.5, training=True, inplace=False):
        assert (p, training) == (0.5, True)
        return x * 2 * (readout if x.dim() == 3 else next(order))

    monkeypatch.setattr("stgraph.nn.decoder.gate_dropout_lstm_cell.dropout", drop)
    monkeypatch.setattr(torch.nn.functional, "dropout", drop)
    out = model.teacher_forced(graphs_of_videos(videos), our_tokens([[4, 2, 0]]), torch.zeros(1).long())
    torch.testing.assert_close(out.logits.softmax(-1)[0, :, 2:], torch.tensor(expected))


@pytest.mark.parametrize("scale", [0.7, 1.5])
def test_finds_the_captions_that_the_released_beam_search_finds(scale):
    params, videos = random_params(6, scale), random_videos(7, 12)
    model = STATCaptioner.from_released(params, max_length=6)
    search, special_tokens = BeamSearch(3, narrowing=True), SpecialTokens(generate_unk=True)
    found = model.generate(graphs_of_videos(videos), special_tokens, decoding=search)
    ends = 0
    for row in range(12):
        cost, words = stat_released.beam_search(one_of(videos, row), params, 3, 6)
        ends += words[-1] == 0
        assert [word - 2 for word in found.tokens[row].tolist() if word] == words
        assert float(-found.log_probs[row].sum()) == pytest.approx(cost, abs=1e-5)
    assert ends


def test_is_read_from_a_file_and_survives_a_model_folder(tmp_path):
    params = {name: value.astype(np.float32) for name, value in random_params(8).items()}
    np.savez(tmp_path / "model_best.npz", history_errs=[[1.0, 2.0]], valid_err=3.0, **params)
    model = STATCaptioner.from_released(tmp_path / "model_best.npz", max_length=7)
    words = {"<pad>": 0, "<bos>": 1, "<eos>": 2, "<unk>": 3}
    worddict = {f"word{number}": number for number in range(2, VOCABULARY)}
    tokenizer = CaptionTokenizer(words | {word: number + 2 for word, number in worddict.items()}, 7)
    save_model(tmp_path / "folder", model, ModelConfig.of(model), tokenizer)
    again = load_model(tmp_path / "folder")
    assert again.config == model.config
    for name, value in model.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(again.state_dict()[name], value)


def test_other_files_and_models_are_refused(tmp_path):
    params = random_params(0)
    with pytest.raises(MissingDataError, match=r"no file .*model\.npz; give the \.npz"):
        STATCaptioner.from_released(tmp_path / "model.npz")
    (tmp_path / "model.npz").write_bytes(b"text")
    with pytest.raises(DataError, match="not an .npz file of arrays"):
        STATCaptioner.from_released(tmp_path / "model.npz")
    np.save(tmp_path / "array.npy", np.zeros(3))
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04 and no more")
    for name in ("array.npy", "cut.npz"):
        with pytest.raises(DataError, match="not an .npz file of arrays"):
            STATCaptioner.from_released(tmp_path / name)
    with pytest.raises(DataError, match="41 parameters, of which 2 are missing here, such as 'ff_logit_b'"):
        STATCaptioner.from_released(
            {k: v for k, v in params.items() if k not in ("decoder_Wc", "ff_logit_b")}
        )
    with pytest.raises(DataError, match="'encoder_U' is not a parameter of the released STAT"):
        STATCaptioner.from_released(params | {"encoder_U": np.zeros(3)})
    with pytest.raises(DataError, match=r"'ff_logit_b' .* must be \[9\] .* got \[8\]"):
        STATCaptioner.from_released(params | {"ff_logit_b": np.zeros(8)})
    with pytest.raises(DataError, match="'Wemb' of the released STAT must be a matrix, got 1 axes"):
        STATCaptioner.from_released(params | {"Wemb": np.zeros(8)})
    with pytest.raises(DataError, match="'ff_state_b' of the released STAT holds NaN"):
        STATCaptioner.from_released(params | {"ff_state_b": np.full(6, np.nan)})


SIZES = {"appearance_channels": 48, "motion_channels": 40, "object_channels": 32, "word_channels": 24}
WIDE = {"stream_channels": 48, "attention_channels": 48, "hidden_channels": 48}
SQUARE = {
    "decoder.first_hidden.weight",
    "decoder.first_cell.weight",
    *(f"decoder.attention.temporal.{stream}.query.weight" for stream in ("global", "motion", "local")),
    "decoder.attention.spatial.attention.query.weight",
}


def test_initial_weights_are_the_released_codes():
    torch.manual_seed(0)
    model = STATCaptioner(200, **SIZES, **WIDE)
    weights = dict(model.named_parameters())
    gates = weights.pop("decoder.cell.gates.weight").detach()
    drawn = {"words": gates[:, :24], "contexts": gates[:, 24:72]}
    for name, value in weights.items():
        if name.endswith("bias"):
            assert not value.any(), name
        elif name in SQUARE:
            torch.testing.assert_close(value @ value.T, torch.eye(48), atol=1e-5, rtol=0, msg=name)
        else:
            drawn[name] = value.detach()
    for block in gates[:, 72:].split(48):
        torch.testing.assert_close(block @ block.T, torch.eye(48), atol=1e-5, rtol=0)
    assert len(drawn) == 2 + len([name for name in weights if name.endswith("weight")]) - len(SQUARE)
    for name, value in drawn.items():
        error = 4 * 0.01 / (2 * value.numel()) ** 0.5  # four standard errors of a standard deviation
        assert abs(float(value.std()) - 0.01) < error, name
        assert abs(float(value.mean())) < 4 * 0.01 / value.numel() ** 0.5, name


def test_square_word_blocks_are_orthogonal_and_torchs_weights_can_be_chosen():
    torch.manual_seed(0)
    model = STATCaptioner(20, **(SIZES | {"word_channels": 48}), **WIDE)
    for block in model.decoder.cell.gates.weight[:, :48].split(48):
        torch.testing.assert_close(block @ block.T, torch.eye(48), atol=1e-5, rtol=0)
    torch.manual_seed(0)
    plain = STATCaptioner(20, **SIZES, **WIDE, initialization="torch")
    assert plain.decoder.lm_head.bias.any()
    torch.manual_seed(0)
    first = torch.nn.Linear(40, 48)  # the first layer drawn: that of the clips
    assert torch.equal(plain.encoder.motion.weight, first.weight)
