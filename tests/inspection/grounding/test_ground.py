import sys

import pytest
import torch

from stgraph.decoding import DecodedCaptions
from stgraph.errors import DependencyError, OptionError, ShapeError
from stgraph.inspection import GROUNDING_METHODS, ground_caption, log_probs_without
from stgraph.text import CaptionTokenizer
from tests.inspection.grounding.models import (
    CAPTION,
    SYSTEMS,
    WORDS,
    Sum,
    pipeline,
    pipeline_of,
    scores,
    video,
)

close = torch.testing.assert_close
BOXES = [name for name in SYSTEMS if name != "scene"]


def without(graph, node):
    """The graph without a node, by loops."""
    left = [each for each in range(len(graph.x)) if each != node]
    edges = [e for e in range(graph.edge_index.size(1)) if node not in graph.edge_index[:, e].tolist()]
    place = {each: row for row, each in enumerate(left)}
    found = graph.clone()
    found.x, found.frame, found.edge_weight = graph.x[left], graph.frame[left], graph.edge_weight[edges]
    pairs = [[place[int(i)] for i in graph.edge_index[:, e]] for e in edges]
    found.edge_index = torch.tensor(pairs).reshape(-1, 2).T
    return found


@pytest.mark.parametrize("name", SYSTEMS)
def test_integrated_gradients_are_complete(name):
    captioner, graph = pipeline(name), video()
    found = ground_caption(captioner, graph, CAPTION, method="integrated_gradients", n_steps=200)
    empty = graph.clone()
    for stream in ("x", "appearance", "motion", "grid/a"):
        empty[stream] = torch.zeros_like(graph[stream])
    difference = scores(captioner, graph) - scores(captioner, empty)
    most = float(difference.abs().max())
    assert most > 0.05
    close(found.log_probs, scores(captioner, graph))
    close(found.frames.sum(1), difference, atol=0.03 * most, rtol=0)
    close(found.frames.sum(1) - difference, found.residual, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", SYSTEMS)
def test_occlusion_is_that_of_a_loop(name):
    captioner, graph = pipeline(name), video()
    found = ground_caption(captioner, graph, CAPTION, method="occlusion", batch_size=3)
    whole = scores(captioner, graph)
    if name == "scene":
        assert found.nodes is found.frame is found.cells is None
    else:
        for node in range(5):
            close(found.nodes[:, node], whole - scores(captioner, without(graph, node)))
        rest = without(without(graph, 4), 3)
    for frame in (2, 3):  # frame 2 has no boxes
        changed = (rest if name != "scene" and frame == 3 else graph).clone()
        for stream in ("appearance", "motion", "grid/a"):
            changed[stream] = graph[stream] * (torch.arange(4) != frame).view(
                4, *[1] * (graph[stream].dim() - 1)
            )
        close(found.frames[:, frame], whole - scores(captioner, changed))
    if name == "stats_cells":
        changed = graph.clone()
        changed["grid/a"] = graph["grid/a"].clone()
        changed["grid/a"][1, 4] = 0
        close(found.cells[:, 1, 4], whole - scores(captioner, changed))


def test_gradients_of_a_linear_model_are_those_worked_out():
    tokenizer = CaptionTokenizer.from_captions([WORDS])
    torch.manual_seed(0)
    captioner, graph = pipeline_of(Sum(tokenizer.vocab_size).double(), tokenizer), video()
    boxes, frames = captioner.model.boxes.weight.detach(), captioner.model.frames.weight.detach()
    share = (boxes @ graph.x.sum(0) + frames @ graph.appearance.sum(0)).softmax(0)
    tokens = tokenizer.encode([CAPTION])[0, 1:]
    for baseline in ("zero", "mean"):
        found = ground_caption(captioner, graph, CAPTION, method="gradient_x_input", baseline=baseline)
        x, appearance = graph.x, graph.appearance
        if baseline == "mean":
            x, appearance = x - x.mean(0), appearance - appearance.mean(0)
        for row, word in enumerate(tokens):
            by_box = x @ (boxes[word] - share @ boxes)
            by_frame = appearance @ (frames[word] - share @ frames)
            close(found.nodes[row], by_box)
            for t in range(4):
                by_frame[t] += by_box[graph.frame == t].sum()
            close(found.frames[row], by_frame)
    with pytest.raises(OptionError, match="'sum' does not define 'attention_shares'.*'occlusion'"):
        captioner.model.attention_shares(
            DecodedCaptions(tokens[None], torch.zeros(1, len(tokens))), graph, "sum"
        )


@pytest.mark.parametrize("name", SYSTEMS)
def test_one_step_of_integrated_gradients_is_the_gradient_in_the_middle(name):
    captioner, graph = pipeline(name), video()
    half = graph.clone()
    for stream in ("x", "appearance", "motion", "grid/a"):
        half[stream] = graph[stream] / 2
    once = ground_caption(captioner, graph, CAPTION, method="integrated_gradients", n_steps=1)
    there = ground_caption(captioner, half, CAPTION, method="gradient_x_input")
    close(once.frames, 2 * there.frames, atol=1e-7, rtol=1e-5)


@pytest.mark.parametrize("name", SYSTEMS)
def test_attention_is_joined_as_the_model_joins_it(name):
    captioner, graph = pipeline(name), video()
    caption = captioner(graph, attention=True)
    found = ground_caption(captioner, graph)
    assert (found.caption, found.video_id, found.branch) == (caption.text, "v", captioner.default_branch)
    assert " ".join(word for word in found.words if word != "(end)") == caption.text
    close(found.log_probs, torch.tensor(caption.log_probs), check_dtype=False)
    close(found.frames.sum(1), torch.ones(len(found.words)).double())
    maps, counts = caption.attention, [2, 1, 0, 2]
    for word in range(len(found.words)):
        node = 0
        for t in range(4):
            for s in range(counts[t]):
                if name.startswith("stats"):
                    cells = 6 if name == "stats_cells" else 0
                    part = 0.0
                    shares = maps["branches"][word] if "branches" in maps else (1, 1)
                    if "st_frames" in maps:
                        part += shares[0] * maps["st_frames"][word, t] / counts[t]
                    else:
                        total = maps["st_regions"][word].sum()
                        part += shares[0] * maps["st_regions"][word, t, cells + s] / total
                    if "ts_frames" in maps:
                        part += (
                            shares[1] * maps["ts_frames"][word, t] * maps["ts_regions"][word, t, cells + s]
                        )
                elif name.startswith("stat"):
                    inside = maps["regions"][word, t, s] if "regions" in maps else 1 / counts[t]
                    part = maps["local"][word, t] * inside / 3
                elif name == "scene":
                    assert found.nodes is None
                    continue
                else:
                    inside = maps["regions"][word, t, s] if "regions" in maps else 1 / counts[t]
                    part = maps["frames"][word, t] * inside
                assert float(found.nodes[word, node]) == pytest.approx(float(part), abs=1e-9)
                node += 1
    if name == "stats_cells":
        assert found.cells.shape == (len(found.words), 4, 6)
        assert bool((found.cells.sum((1, 2)) + found.nodes.sum(1) < 1).all())  # the rest is of whole frames


@pytest.mark.parametrize("name", ["object", "stat", "stats"])
def test_boxes_are_removed_row_by_row(name):
    captioner, graph = pipeline(name), video()
    removed = torch.tensor([[False] * 5, [False, True, False, False, False]])
    found = log_probs_without(captioner, graph, removed, CAPTION)
    close(found, torch.stack([scores(captioner, graph), scores(captioner, without(graph, 1))]))
    everything = log_probs_without(captioner, graph, torch.ones(1, 5, dtype=torch.bool), CAPTION)
    assert bool(everything.isfinite().all())
    with pytest.raises(ShapeError, match=r"'removed' must be bool \[R, N=5\], got torch.bool \[2, 4\]"):
        log_probs_without(captioner, graph, removed[:, :4])
    with pytest.raises(OptionError, match="The branch 'scene' reads no boxes"):
        log_probs_without(pipeline("scene"), graph, removed)


@pytest.mark.parametrize("method", GROUNDING_METHODS)
def test_model_and_graph_stay_as_they_are(method):
    captioner, graph = pipeline("object"), video()
    before = {key: value.clone() for key, value in graph.to_dict().items() if torch.is_tensor(value)}
    captioner.model.train()
    found = ground_caption(captioner.__class__(captioner.model, captioner.tokenizer, captioner.config), graph)
    assert found.method == "attention"
    ground_caption(captioner, graph, method=method)
    assert all(torch.equal(graph[key], value) for key, value in before.items())
    assert not any(part.training for part in captioner.model.modules())
    assert all(each.grad is None for each in captioner.model.parameters())


def test_a_caption_of_the_largest_length_has_no_end():
    found = ground_caption(pipeline("stats"), video(), "a red square chases a red green disc")
    assert found.words == ("a", "red", "square", "chases", "a", "red", "green", "disc")
    assert found.frames.shape == (8, 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "lime"}, "'method' must be 'attention' or .*, got 'lime'"),
        ({"baseline": "noise"}, "'baseline' must be 'zero' or 'mean', got 'noise'"),
        ({"n_steps": 0}, "'n_steps' must be a whole number of at least 1, got 0"),
        ({"caption": "a blue disc"}, "'caption' must consist of words that the model knows, got 'blue'"),
        ({"caption": "..."}, "'caption' must have 1 to 8 words for this model, got 0"),
        ({"caption": "a " * 9}, "'caption' must have 1 to 8 words for this model, got 9"),
        ({"branch": "scene"}, "'branch' must be one of"),
    ],
)
def test_says_what_is_wrong(arguments, message):
    with pytest.raises(OptionError, match=message):
        ground_caption(pipeline("object"), video(), **arguments)


def test_names_the_extra_that_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(DependencyError, match=r"pip install 'stgraph-captioning\[explain\]'"):
        ground_caption(pipeline("object"), video(), method="integrated_gradients")
