import pytest
import torch

from stgraph.errors import OptionError, ShapeError
from stgraph.training.reinforce.learned_baseline import LearnedBaseline


def test_equals_ridge_regression_over_all_words_so_far():
    """Against least squares with the penalty as further rows, older calls weighed down."""
    torch.manual_seed(0)
    baseline, memory, ridge = LearnedBaseline(3, memory=0.5, ridge=0.3), 0.5, 0.3
    calls = [(torch.randn(4, 5, 3), torch.rand(4, 5) < 0.7, torch.rand(4)) for _ in range(3)]
    for call in calls:
        baseline.update(*call)
    rows, targets, weights = [], [], []
    for age, (features, mask, rewards) in enumerate(reversed(calls)):
        for p in range(4):
            for l in range(5):
                if mask[p, l]:
                    rows.append([*features[p, l].tolist(), 1.0])
                    targets.append(float(rewards[p]))
                    weights.append(memory**age)
    penalty = (ridge * sum(weights)) ** 0.5
    rows, weights = torch.tensor(rows).double(), torch.tensor(weights).double().sqrt()
    left = torch.cat([rows * weights[:, None], penalty * torch.eye(4).double()[:3]])
    right = torch.cat([torch.tensor(targets).double() * weights, torch.zeros(3).double()])
    solution = torch.linalg.lstsq(left, right[:, None], driver="gelsd").solution[:, 0]
    new = torch.randn(2, 2, 3)
    expected = new.double() @ solution[:3] + solution[3]
    torch.testing.assert_close(baseline(new).double(), expected, atol=1e-5, rtol=1e-5)


def test_expects_nothing_at_first_and_the_mean_of_what_features_do_not_tell():
    baseline = LearnedBaseline(2)
    constant, mask = torch.ones(3, 2, 2), torch.ones(3, 2, dtype=torch.bool)
    assert baseline(constant).abs().max() == 0
    baseline.update(constant, torch.zeros_like(mask), torch.ones(3))  # no word: nothing is learned
    assert baseline(constant).abs().max() == 0
    baseline.update(constant, mask, torch.tensor([1.0, 2.0, 6.0]))
    torch.testing.assert_close(baseline(constant), torch.full((3, 2), 3.0))


def test_is_saved_with_the_model():
    baseline = LearnedBaseline(2)
    baseline.update(torch.randn(3, 2, 2), torch.ones(3, 2, dtype=torch.bool), torch.rand(3))
    other = LearnedBaseline(2)
    other.load_state_dict(baseline.state_dict())
    features = torch.randn(1, 4, 2)
    assert torch.equal(other(features), baseline(features))
    assert list(baseline.parameters()) == []


def test_wrong_values_are_named():
    with pytest.raises(OptionError, match="'memory' must be at least 0 and below 1, got 1"):
        LearnedBaseline(2, memory=1)
    with pytest.raises(OptionError, match="'ridge' must be above 0, got 0"):
        LearnedBaseline(2, ridge=0)
    with pytest.raises(ShapeError, match="'features' must be"):
        LearnedBaseline(2)(torch.zeros(1, 2, 3))
