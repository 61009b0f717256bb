"""On which frames and objects the words of a caption rest."""

from stgraph.inspection.grounding.explainable import ExplainableCaption, ExplainableClassifier
from stgraph.inspection.grounding.figure import draw_grounding
from stgraph.inspection.grounding.ground import GROUNDING_METHODS, Grounding, ground_caption
from stgraph.inspection.grounding.removal import log_probs_without

__all__ = [
    "GROUNDING_METHODS",
    "ExplainableCaption",
    "ExplainableClassifier",
    "Grounding",
    "draw_grounding",
    "ground_caption",
    "log_probs_without",
]
