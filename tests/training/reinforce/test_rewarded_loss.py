"""Rewards beside a system's own loss, and runs that begin with a trained one's weights."""

import csv
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from stgraph.errors import OptionError
from stgraph.settings.compose import compose
from stgraph.settings.training import train
from stgraph.training import Reinforce, RewardedLoss, STATLoss, STaTSLoss, StepCounts
from tests.training.conftest import SMALL
from tests.training.losses.test_recurrent_losses import WORDS, batch, nothing, stat, stats
from tests.training.reinforce.test_reinforce import VOCABULARY

SYSTEMS = {"stat": (stat, STATLoss()), "stats": (stats, STaTSLoss(sampling_decay=None))}
CHEAP = ("reinforce=published", "reinforce.metrics.METEOR=0", "reinforce.metrics.CIDEr=1")


def word_count(captions, videos):
    """A reward that needs no references."""
    return [float(len(caption.split())) for caption in captions]


def rewarded(loss, **options):
    return RewardedLoss(loss, Reinforce(word_count, VOCABULARY), **{"from_epoch": 2, **options})


def owned(part, videos):
    """``part`` with the videos that it counts."""
    return replace(part, owned=torch.tensor([video in videos for video in part.video_ids]))


def means(parts=1, epoch=2):
    whole = batch()
    videos = len(whole.video_ids)
    return StepCounts(
        WORDS / parts, 9 / parts, len(whole.tokens) / parts, videos / parts, parts, epoch, seed=5
    )


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_loss_is_the_weighted_sum_and_the_systems_own_before(name):
    make, loss = SYSTEMS[name]
    model = make()
    own = loss(model, batch(), means())
    before = rewarded(loss)(model, batch(), means(epoch=1))
    assert before.keys() == own.keys()
    assert all(torch.equal(value, own[key]) for key, value in before.items())
    reinforce = Reinforce(word_count, VOCABULARY)
    drawn = reinforce(model, batch().graphs, batch().video_ids, seed=5)
    found = rewarded(loss, weight=3.0, loss_weight=0.5)(model, batch(), means())
    torch.testing.assert_close(found["loss"], 0.5 * own["loss"] + 3.0 * drawn.loss)
    assert float(drawn.loss.detach()) != 0
    assert float(found["reward"]) == pytest.approx(drawn.values["reward"])


@pytest.mark.parametrize("name", SYSTEMS)
def test_shares_of_a_step_have_the_gradient_and_the_figures_of_the_whole(name):
    """Four parts, one without captions, a video in two of them: their mean is the one batch's loss."""
    make, loss = SYSTEMS[name]
    whole, split = make(), make()
    everything = batch()
    total = rewarded(loss)(whole, everything, means())
    total["loss"].backward()
    parts = [batch(slice(0, 1)), batch(slice(1, 2)), batch(slice(2, 4)), nothing()]
    met, sums = set(), {}
    for part in parts:
        mine = set(part.video_ids) - met if len(part.tokens) and bool((part.tokens != 0).any()) else set()
        met |= mine
        found = rewarded(loss)(split, owned(part, mine), means(parts=4))
        (found["loss"] / 4).backward()
        for key, value in found.items():
            sums[key] = sums.get(key, 0.0) + float(value.detach()) / 4
    assert met == set(everything.video_ids)
    assert sums == pytest.approx(
        {key: float(value.detach()) for key, value in total.items()}, rel=1e-4, abs=1e-6
    )
    for (key, one), other in zip(whole.named_parameters(), split.parameters(), strict=True):
        torch.testing.assert_close(other.grad, one.grad, rtol=1e-3, atol=1e-6, msg=key)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight": -1.0}, "'weight' of the rewards must not be negative, got -1.0"),
        ({"from_epoch": -1}, "'from_epoch' of the rewards must not be negative, got -1"),
        ({"weight": 0.0, "loss_weight": 0.0}, "must not both be 0"),
    ],
)
def test_weights_are_checked(options, message):
    with pytest.raises(OptionError, match=message):
        rewarded(STATLoss(), **options)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("reinforce.baseline=mean", "'reinforce.baseline' must be one of"),
        ("reinforce.samples_per_video=0", "'samples_per_video' must be at least 1, got 0"),
        ("reinforce.metrics.BLEU-4=many", "'weights' of BLEU-4 must be a finite number, got 'many'"),
        ("reinforce.metrics={METEOR:0,BLEU-4:0}", "'weights' must have keys among .*, got none"),
    ],
)
def test_a_wrong_setting_of_the_rewards_fails_before_the_data(tiny, setting, message, monkeypatch):
    monkeypatch.setattr("stgraph.training.config.open_dataset", lambda **_: pytest.fail("opened the data"))
    with pytest.raises(OptionError, match=message):
        train(tiny("reinforce=published", setting))


def log_of(run):
    with open(run / "log" / "version_0" / "metrics.csv") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A trained scene branch."""
    run = tmp_path_factory.mktemp("start") / "run"
    return train(compose("train", [*SMALL, f"run={run}", "model.branches=[scene]", "trainer.max_epochs=1"]))


def test_a_run_begins_with_the_weights_of_another(tiny, start):
    same = train(tiny(f"start={start}", "model.branches=[scene]", "trainer.max_epochs=1", "optimizer.lr=0"))
    before, after = load_file(start / "model.safetensors"), load_file(same / "model.safetensors")
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("kind", ["greedy", "learned"])
def test_rewards_come_from_their_epoch_on_and_a_killed_run_resumes_to_the_same_bits(
    tiny, start, kind, tmp_path
):
    settings = [f"start={start}", "model.branches=[scene]", *CHEAP, f"reinforce.baseline={kind}"]
    settings += ["reinforce.from_epoch=1", "trainer.check_val_every_n_epoch=1"]
    whole = train(tiny(*settings, "trainer.max_epochs=3"))
    rewards = [row["train/reward"] for row in log_of(whole) if row["train/loss"]]
    assert rewards[0] == ""
    assert all(float(reward) > 0 for reward in rewards[1:])
    parts = f"run={tmp_path / 'parts'}"
    train(tiny(*settings, "trainer.max_epochs=2", parts))
    resumed = train(tiny(*settings, "trainer.max_epochs=3", parts, "resume=true"))
    ends = [torch.load(run / "checkpoints" / "last.ckpt", weights_only=True) for run in (whole, resumed)]
    for name, value in ends[0]["state_dict"].items():
        assert torch.equal(ends[1]["state_dict"][name], value), name
    assert any("baseline" in name for name in ends[0]["state_dict"]) is (kind == "learned")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["model.hidden_channels=32"], "'start' has hidden_channels 16 and the model here 32"),
        (["data.min_count=9"], "'start' has another vocabulary"),
        (["graph=dense"], "'start' was trained on another graph"),
    ],
)
def test_only_the_same_model_is_begun_with(tiny, start, settings, message):
    with pytest.raises(OptionError, match=message):
        train(tiny(f"start={start}", "model.branches=[scene]", *settings))


def test_another_system_is_not_begun_with(start, tmp_path):
    config = compose(
        "train", ["data=interactions_tiny", "model=stats", f"start={start}", f"run={tmp_path}", "graph=none"]
    )
    with pytest.raises(OptionError, match="'start' is a 'stgkd' and the model here a 'stats'"):
        train(config)
