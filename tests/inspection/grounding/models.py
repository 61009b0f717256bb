"""Small models of all systems, with random weights, and a video with an empty frame."""

import torch
from torch import nn

from stgraph.graph import GraphConfig, VideoGraph
from stgraph.models import CaptioningModel, ModelConfig, STATCaptioner, STaTSCaptioner, STGraphCaptioner
from stgraph.pipeline import CaptionPipeline
from stgraph.text import CaptionTokenizer

WORDS = "a red square chases the green disc"
CAPTION = "a disc chases the square"
STG = {
    "hidden_channels": 8,
    "num_heads": 2,
    "num_layers": 1,
    "num_graph_layers": 2,
    "feedforward_channels": 8,
}
STG |= {"appearance_channels": 5, "motion_channels": 2, "object_channels": 3}
STAT = {"appearance_channels": 5, "motion_channels": 2, "object_channels": 3, "stream_channels": 6}
STAT |= {"attention_channels": 4, "word_channels": 5, "hidden_channels": 7, "initialization": "torch"}
STATS = {"embedding_channels": 6, "attention_channels": 4, "word_channels": 5, "hidden_channels": 7}
SYSTEMS = {
    "scene": (STGraphCaptioner, {**STG, "branches": ("scene",)}),
    "object": (STGraphCaptioner, {**STG, "branches": ("object",), "pool": "attention"}),
    "object_mean": (STGraphCaptioner, {**STG, "branches": ("object",)}),
    "joint": (STGraphCaptioner, {**STG, "branches": ("joint",)}),
    "stat": (STATCaptioner, STAT),
    "stat_mean": (STATCaptioner, {**STAT, "spatial": False}),
    "stats": (STaTSCaptioner, {**STATS, "object_channels": 3}),
    "stats_regions": (STaTSCaptioner, {**STATS, "object_channels": 3, "temporal": "mean_attention"}),
    "stats_st": (STaTSCaptioner, {**STATS, "object_channels": 3, "attention": "st", "temporal": "attention"}),
    "stats_cells": (
        STaTSCaptioner,
        {**STATS, "grid_channels": {"grid/a": 4}, "object_channels": 3, "appearance_channels": 5},
    ),
}


def pipeline(name):
    kind, arguments = SYSTEMS[name]
    tokenizer = CaptionTokenizer.from_captions([WORDS])
    torch.manual_seed(2)
    model = kind(tokenizer.vocab_size, max_length=8, **arguments)
    with torch.no_grad():  # larger than usual, so that words depend on the video
        for parameter in model.parameters():
            parameter.copy_(parameter + 0.5 * torch.randn_like(parameter))
    return pipeline_of(model.double(), tokenizer)


def pipeline_of(model, tokenizer):
    config = ModelConfig(model=model.name, arguments=model.config, graph=GraphConfig(), num_frames=None)
    return CaptionPipeline(model, tokenizer, config)


def video():
    torch.manual_seed(5)
    edges = torch.tensor([[0, 1, 0, 1, 2, 3, 4, 3], [1, 0, 2, 2, 2, 4, 3, 3]])
    return VideoGraph(
        x=torch.randn(5, 3).double(), edge_index=edges, edge_weight=torch.rand(8).double(),
        frame=torch.tensor([0, 0, 1, 3, 3]), num_frames=4, video_id="v",
        appearance=torch.randn(4, 5).double(), motion=torch.randn(4, 2).double(),
        **{"grid/a": torch.randn(4, 6, 4).double()},
    )  # fmt: skip


def scores(captioner, graph, caption=CAPTION):
    """Log-probabilities of the words by the model's own forward pass."""
    special = captioner.tokenizer.special_tokens
    tokens = captioner.tokenizer.encode([caption])[0]
    graph = graph.clone()
    graph.num_frames = torch.tensor([graph.num_frames])
    branch = captioner.default_branch
    with torch.no_grad():
        found = captioner.model(graph, tokens[None, :-1], torch.zeros(1, dtype=torch.long))[branch][0]
    assert tokens[0] == special.bos
    return torch.stack([row.log_softmax(0)[word] for row, word in zip(found, tokens[1:], strict=True)])


class Sum(CaptioningModel):
    """Scores of every word: W times the sum of all boxes, plus U times the sum of all frames."""

    name = "sum"

    def __init__(self, vocab_size: int, *, object_channels: int = 3, appearance_channels: int = 5) -> None:
        super().__init__()
        self.max_length = 8
        self.boxes = nn.Linear(object_channels, vocab_size, bias=False)
        self.frames = nn.Linear(appearance_channels, vocab_size, bias=False)

    def encode(self, graph, branch):
        videos = len(torch.as_tensor(graph.num_frames).reshape(-1))
        boxes = self.boxes(graph.x.view(videos, -1, graph.x.size(1)).sum(1))
        return boxes + self.frames(graph.appearance.view(videos, -1, graph.appearance.size(1)).sum(1))

    def decoder_of(self, branch):
        return lambda memory, tokens, video: memory[video][:, None].expand(-1, tokens.size(1), -1)
