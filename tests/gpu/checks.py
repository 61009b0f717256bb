"""What must give the CPU's answers on any device; functions of the device."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Batch

from stgraph import VideoGraphBuilder
from stgraph.datasets.loading.caption_batch import CaptionBatch
from stgraph.datasets.loading.classification_data import ClassificationBatch
from stgraph.decoding import BeamSearch, Greedy, Sampling
from stgraph.graph import CosineEdges, NearestEdges, TrackEdges
from stgraph.models import (
    Classifier,
    GraphClassifier,
    RelationClassifier,
    STATCaptioner,
    STaTSCaptioner,
    TrackClassifier,
)
from stgraph.nn import GraphEncoder, RelativeGeometry
from stgraph.text import CaptionTokenizer
from stgraph.training import (
    ClassificationModule,
    DistillationLoss,
    LanguageLoss,
    LearnedBaseline,
    Reinforce,
    STATLoss,
    STaTSLoss,
)
from tests.decoding.models import BOS
from tests.decoding.systems import (
    COUNTS,
    OBJECT,
    RECURRENT,
    STREAMS,
    system,
    videos,
)
from tests.graph.samples import random_video
from tests.models.moving_boxes import moving

WORDS = (
    *("a", "cat", "dog", "horse", "sheep", "bird", "man", "girl", "runs", "jumps", "eats", "sees"),
    *("near", "with", "red", "blue", "big", "small", "two", "and", "box"),
)
VOCABULARY = 4 + len(WORDS)


def tokenizer() -> CaptionTokenizer:
    return CaptionTokenizer.from_captions(WORDS, max_length=8)


def models(max_length: int = 8) -> dict[str, Any]:
    """The three systems, and the options that lead through other code."""
    torch.manual_seed(0)
    sizes = {"vocab_size": VOCABULARY, "max_length": max_length}
    grids = {"object_channels": OBJECT, "grid_channels": {"rgb": 4}, **RECURRENT, "embedding_channels": 6}
    stat = {**sizes, **STREAMS, **RECURRENT, "stream_channels": 6}
    made = functools.partial(system, vocab_size=VOCABULARY, max_length=max_length)
    return {
        "stg-kd": made("object"),
        "stg-kd, mean pool, reversed flow": made(
            "object", pool="mean", flow="source_to_target", edge_geometry=True
        ),
        "stg-kd, scene only": made("scene", branches=("scene",)),
        "stg-kd, object only": made("object", branches=("object",)),
        "stg-kd, joint": made("object", branches=("joint",)),
        "stg-kd, normalised inputs": made("object", input_norm="layer", input_dropout=0.2),
        "stat": made("stat"),
        "stat, means of regions": STATCaptioner(**stat, spatial=False).eval(),
        "stats": made("stats"),
        **{
            f"stats, {attention}, {temporal}": STaTSCaptioner(
                **sizes, **grids, attention=attention, temporal=temporal
            ).eval()
            for attention, temporal in (("st", "ranked"), ("ts", "mean_ranked"), ("stats", "mean"))
        },
    }


def classifiers() -> dict[str, Classifier]:
    """The three heads, and the options that lead through other code."""
    torch.manual_seed(0)
    sizes = {"object_channels": 5, "num_classes": 3, "num_labels": 2, "hidden_channels": 8}
    heads = {"graphs": GraphClassifier, "tracks": TrackClassifier, "pairs": RelationClassifier}
    edges = ("position", "size", "velocity", "gap")
    return {
        **{name: head(**sizes).eval() for name, head in heads.items()},
        "graphs, without edges": GraphClassifier(**sizes, num_layers=0).eval(),
        "graphs, attention": GraphClassifier(
            **sizes, both_directions=True, object_pool="attention", pool="recurrent"
        ).eval(),
        "tracks, GATv2Conv": TrackClassifier(
            **sizes, conv="GATv2Conv", edge_attributes=edges, pool="recurrent"
        ).eval(),
        "pairs, RGCNConv": RelationClassifier(
            **sizes, conv="RGCNConv", both_directions=True, pool="attention", multi_label=True
        ).eval(),
    }


@functools.cache
def _graphs() -> Batch:
    return videos(COUNTS)


@functools.cache
def _moving() -> Batch:
    return Batch.from_data_list([moving(seed, frames) for seed, frames in ((0, 4), (1, 6), (2, 3))])


def batch(device: Any) -> CaptionBatch:
    """Five ragged videos and six captions of them."""
    torch.manual_seed(0)
    tokens = torch.cat(
        [torch.full((6, 1), BOS), torch.randint(4, VOCABULARY, (6, 4)), torch.full((6, 1), 2)], 1
    )
    made = CaptionBatch(_graphs().clone(), list(COUNTS), tokens, torch.tensor([0, 1, 2, 3, 4, 4]))
    return moved(made, device)


def moved(made: CaptionBatch, device: Any) -> CaptionBatch:
    return CaptionBatch(made.graphs.to(device), made.video_ids, made.tokens.to(device), made.video.to(device))


def logits(model: Any, device: Any) -> dict[str, Tensor]:
    made = batch(device)
    return {name: each.detach().cpu() for name, each in model(made.graphs, made.tokens, made.video).items()}


def captions(model: Any, device: Any) -> dict[str, Tensor]:
    """Word ids of greedy and beam search, and of sampling, with attention weights."""
    made, words = batch(device), tokenizer().special_tokens
    found = {}
    for decoding in (
        Greedy(),
        BeamSearch(3),
        BeamSearch(3, narrowing=True, captions_per_video=2),
        Sampling(top_k=5, top_p=0.9),
    ):
        for branch in model.branches:
            decoded = model.generate(made.graphs, words, branch, decoding=decoding, attention=True)
            found[f"{branch} {decoding.label}"] = decoded.tokens.cpu()
            for name, weights in decoded.attention.items():
                assert weights.device.type == torch.device(device).type, name
    return found


def losses_of(name: str) -> list[Any]:
    if name.startswith("stg-kd") and "scene only" not in name:
        return [
            DistillationLoss(feature_weight=0.5),
            DistillationLoss(distill_direction="hinton", temperature=2.0),
        ]
    if name.startswith("stat,") or name == "stat":
        return [STATLoss()]
    if name.startswith("stats"):
        return [STaTSLoss(), STaTSLoss(ranking_weight=0.0, sampling_decay=None)]
    return [LanguageLoss()]


def training_step(name: str, model: Any, device: Any) -> dict[str, Tensor]:
    """Losses of a step, and the sums of all gradients."""
    made, found = batch(device), {}
    for number, loss in enumerate(losses_of(name)):
        torch.manual_seed(0)
        model.zero_grad()
        terms = loss(model.eval(), made)
        terms["loss"].backward()
        found |= {f"{number} {term}": value.detach().cpu() for term, value in terms.items()}
        found[f"{number} gradient"] = gradients(model)
    return found


def gradients(model: Any) -> Tensor:
    """The sum of the absolute gradients of each parameter."""
    return torch.stack(
        torch._foreach_norm([each.grad for each in model.parameters() if each.grad is not None], 1)
    ).cpu()


def classification_step(model: Any, device: Any) -> dict[str, Tensor]:
    """Probabilities of a batch, the loss, and the sums of all gradients."""
    made = classification_batch(model, device)
    module = ClassificationModule(model, ("walks", "runs", "waits"))
    model.zero_grad()
    logits = module(made.graphs, made.query)
    loss = module.loss(logits, made.labels)
    loss.backward()
    probabilities = model.probabilities(logits)
    rows, labels, _, _ = made.scored(probabilities)
    assert len(rows) == len(labels) == len(logits)
    return {
        "probabilities": probabilities.detach().cpu(),
        "loss": loss.detach().cpu(),
        "gradient": gradients(model),
    }


def classification_batch(model: Any, device: Any) -> ClassificationBatch:
    """Three graphs of two tracks, with a target for each graph, track or pair."""
    graphs = _moving().clone()
    ids = [f"v{number}" for number in range(graphs.num_graphs)]
    query, item = None, torch.arange(len(ids))
    if model.level == "track":
        query, item = graphs.track + 2 * graphs.batch, item.repeat_interleave(2)
    elif model.level == "pair":
        query = torch.tensor([[0, 2, 9, 20], [1, 3, 10, 21]])
        item = graphs.batch[query[0]]
    labels = torch.arange(len(item)) % 3
    if model.multi_label:
        labels = torch.nn.functional.one_hot(labels, 3).float()
    keys: list[Any] = [None] * len(item)
    made = ClassificationBatch(graphs, ids, [None] * len(ids), query, labels, item, keys, len(item))
    return made.to(device)


def baseline_of(model: Any) -> LearnedBaseline:
    return LearnedBaseline(model.lm_head(model.branches[0]).in_features)


def reinforce_step(model: Any, device: Any, baseline: LearnedBaseline | None) -> dict[str, Tensor]:
    """A REINFORCE step with the greedy captions or a learned baseline."""

    def reward(said: Any, video_ids: Any) -> list[float]:
        return [float(len(set(text.split()))) for text in said]

    made = batch(device)
    step = Reinforce(reward, tokenizer(), baseline=baseline, samples_per_video=2)
    model.zero_grad()
    result = step(model, made.graphs, made.video_ids, seed=3)
    result.loss.backward()
    return {"loss": result.loss.detach().cpu(), "reward": torch.tensor(result.values["reward"])}


BUILDERS = {
    "iou and cosine": VideoGraphBuilder(),
    "at most three": VideoGraphBuilder(max_objects=3, score_threshold=0.4),
    "padded": VideoGraphBuilder(max_objects=3, pad_objects=3),
    "dense": VideoGraphBuilder.dense(),
    "track": VideoGraphBuilder("iou", TrackEdges(0.5)),
    "nearest": VideoGraphBuilder(NearestEdges(2), TrackEdges(hops=(1, 2))),
    "both ways": VideoGraphBuilder("self", CosineEdges(0.5, True, "both")),
}


def built(name: str, device: Any) -> dict[str, Tensor]:
    """A batch of graphs that is built on the device."""
    found = BUILDERS[name].build_batch([detections_on(random_video(seed), device) for seed in range(4)])
    alone = BUILDERS[name](detections_on(random_video(1), device))
    for graph in (found, alone):
        assert graph.x.device.type == graph.edge_index.device.type == torch.device(device).type
    return {
        f"{kind} {key}": value.cpu()
        for kind, graph in (("batch", found), ("alone", alone))
        for key, value in graph.to_dict().items()
        if isinstance(value, Tensor)
    }


def detections_on(made: Any, device: Any) -> Any:
    from dataclasses import fields, replace

    values = {field.name: getattr(made, field.name) for field in fields(made)}
    return replace(
        made, **{name: each.to(device) for name, each in values.items() if isinstance(each, Tensor)}
    )


def encoder() -> GraphEncoder:
    """A graph encoder with edge weights by geometry."""
    torch.manual_seed(0)
    return GraphEncoder(7, 16, geometry=RelativeGeometry(8))


def encoded(module: GraphEncoder, device: Any) -> Tensor:
    graph = VideoGraphBuilder().build_batch([random_video(seed) for seed in range(3)]).to(device)
    rows = module(graph.x, graph.edge_index, graph.edge_weight, graph.frame, graph.num_frames, graph.box)
    return rows.detach().cpu()
