"""Files of one video graph: what is accepted is consistent, is written and read again, and is batched."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import torch
from torch_geometric.data import Batch

from stgraph import VideoGraph, VideoGraphBuilder
from tests.features.adapters.samples import random_detections
from tests.fuzz.mutations import mutate_text
from tests.fuzz.target import Silent, Target


class Graphs(Target):
    """A seed is a graph in one of the kinds of files."""

    name = "graphs"

    def prepare(self) -> dict[str, bytes]:
        graph = VideoGraphBuilder(max_objects=5)(random_detections(num_boxes=8), video_id="v")
        found = {}
        for suffix in ("pt", "graphml", "gexf", "json"):
            path = self.folder / f"graph.{suffix}"
            graph.save(path)
            found[path.name] = path.read_bytes()
        return found

    def mutate(self, draw: random.Random, seed: str, content: bytes, others: Sequence[bytes]) -> bytes:
        if seed.endswith(".pt"):
            return super().mutate(draw, seed, content, others)
        return mutate_text(draw, content, others)

    def check(self, seed: str, path: Path) -> None:
        graph = VideoGraph.load(path)
        if graph.num_edges and not 0 <= int(graph.edge_index.min()) <= int(graph.edge_index.max()) < (
            graph.num_nodes or 0
        ):
            raise Silent("an edge leads to a node that does not exist")
        if len(set(map(tuple, graph.edge_index.T.tolist()))) < graph.num_edges:
            return  # text cannot hold an edge twice
        again = path.with_name(f"again{path.suffix}")
        graph.save(again)
        read = VideoGraph.load(again)
        if set(read.keys()) != set(graph.keys()) or not torch.equal(read.edge_index, graph.edge_index):
            raise Silent("the graph is another one when it is written and read again")
        Batch.from_data_list([graph, read])


TARGET = Graphs
