"""Looking at what a model sees: pictures of graphs over their frames."""

from stgraph.inspection.pictures import draw_graph

__all__ = ["draw_graph"]
