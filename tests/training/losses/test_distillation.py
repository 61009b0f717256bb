import math

import pytest
import torch

from stgraph.errors import OptionError
from stgraph.training import DistillationLoss

TARGETS = torch.tensor([[4, 2, 0], [5, 6, 2]])


def logits():
    torch.manual_seed(0)
    return {name: torch.randn(2, 3, 8, requires_grad=True) for name in ("scene", "object")}


def probabilities(row, temperature=1.0):
    scores = [math.exp(float(value) / temperature) for value in row.detach()]
    return [score / sum(scores) for score in scores]


def by_loop(scores, scene_weight, distill_weight, direction, temperature):
    """Eq. 7 and 8, token by token; padding (target 0) does not count."""
    language, divergence, count = {"scene": 0.0, "object": 0.0}, 0.0, 0
    for p in range(2):
        for l in range(3):
            if TARGETS[p, l] == 0:
                continue
            count += 1
            for branch in language:
                language[branch] -= math.log(probabilities(scores[branch][p, l])[TARGETS[p, l]])
            scene = probabilities(scores["scene"][p, l], temperature)
            teacher = probabilities(scores["object"][p, l], temperature)
            if direction == "as_printed":
                divergence += -sum(s * math.log(o / s) for s, o in zip(scene, teacher, strict=True))
            else:
                divergence += sum(o * math.log(o / s) for s, o in zip(scene, teacher, strict=True))
    divergence *= temperature**2
    return (language["object"] + scene_weight * language["scene"] + distill_weight * divergence) / count


@pytest.mark.parametrize("direction", ["as_printed", "hinton"])
@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_equals_equations_7_and_8_by_loop(direction, temperature):
    scores = logits()
    loss = DistillationLoss(distill_direction=direction, temperature=temperature, scene_weight=0.7)
    expected = by_loop(scores, 0.7, 4.0, direction, temperature)
    assert float(loss.from_logits(scores, TARGETS)["loss"]) == pytest.approx(expected, rel=1e-5)


def test_padding_changes_nothing():
    scores = logits()
    longer = {name: torch.cat([value, torch.randn(2, 4, 8)], 1) for name, value in scores.items()}
    padded = torch.cat([TARGETS, torch.zeros(2, 4, dtype=torch.long)], 1)
    loss = DistillationLoss()
    torch.testing.assert_close(
        loss.from_logits(longer, padded)["loss"], loss.from_logits(scores, TARGETS)["loss"]
    )


def test_gradient_reaches_both_branches_unless_the_teacher_is_detached():
    scores = logits()
    distill = DistillationLoss().from_logits(scores, TARGETS)["distill"]
    assert all(g.abs().sum() > 0 for g in torch.autograd.grad(distill, list(scores.values())))
    detached = DistillationLoss(detach_teacher=True).from_logits(scores, TARGETS)["distill"]
    scene, teacher = torch.autograd.grad(detached, [scores["scene"], scores["object"]], allow_unused=True)
    assert teacher is None
    assert scene.abs().sum() > 0


def test_l2_is_the_mean_squared_difference_of_the_features():
    scores, f_s, f_o = logits(), torch.randn(5, 4), torch.randn(5, 4, requires_grad=True)
    parts = DistillationLoss(distill_weight=0.0, feature_weight=4.0).from_logits(
        scores, TARGETS, features={"scene": f_s, "object": f_o}
    )
    expected = sum(float(f_s[m, c] - f_o[m, c]) ** 2 for m in range(5) for c in range(4)) / 20
    assert float(parts["features"]) == pytest.approx(expected, rel=1e-5)
    language = parts["object_language"] + parts["scene_language"]
    assert float(parts["loss"]) == pytest.approx(float(language) + 4 * expected, rel=1e-5)
    assert "distill" not in parts


def test_parts_of_a_batch_sum_to_the_whole():
    """Given the counts of the whole, on however many devices it lies."""
    scores = logits()
    features = {name: torch.randn(5, 4) for name in scores}
    loss = DistillationLoss(feature_weight=2.0)
    whole = loss.from_logits(scores, TARGETS, features=features)
    parts = [
        loss.from_logits(
            {name: value[rows] for name, value in scores.items()},
            TARGETS[rows],
            5,
            {name: value[frames] for name, value in features.items()},
            5,
        )
        for rows, frames in (
            (slice(0, 1), slice(0, 2)),
            (slice(1, 2), slice(2, 5)),
            (slice(2, 2), slice(5, 5)),
        )
    ]
    for name, value in whole.items():
        torch.testing.assert_close(sum(part[name] for part in parts), value)
    assert all(float(value) == 0 for value in parts[2].values())  # a share without words


def test_one_branch_has_its_language_loss_alone():
    scores = {"scene": logits()["scene"]}
    parts = DistillationLoss(scene_weight=0.1).from_logits(scores, TARGETS)
    assert set(parts) == {"loss", "scene_language"}
    expected = torch.nn.functional.cross_entropy(
        scores["scene"].flatten(0, 1), TARGETS.flatten(), ignore_index=0
    )
    torch.testing.assert_close(parts["loss"], expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"distill_direction": "forward"}, "'distill_direction' must be one of .*'forward'"),
        ({"distill_weight": -1.0}, "must not be negative, got -1.0"),
        ({"temperature": 0.0}, "'temperature' must be above 0, got 0.0"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(OptionError, match=message):
        DistillationLoss(**options)
