"""The generated data set ``interactions``: videos of coloured objects, two of which interact, with captions."""

from stgraph.datasets.interactions.extraction import extract_video_features
from stgraph.datasets.interactions.grammar import reference_sentences
from stgraph.datasets.interactions.parts_of_speech import tag_interactions
from stgraph.datasets.interactions.preparing import GENERATOR_VERSION, SIZES, prepare_interactions
from stgraph.datasets.interactions.raw_layout import write_raw_layout
from stgraph.datasets.interactions.rendering import render_video
from stgraph.datasets.interactions.roles import caption_roles, noun_verb_accuracy
from stgraph.datasets.interactions.scene import (
    FPS,
    FRAME_SIZE,
    NUM_FRAMES,
    Scene,
    make_scene,
    parse_video_id,
    video_id,
)
from stgraph.datasets.interactions.vocabulary import KINDS, VERBS, Kind, Verb

__all__ = [
    "FPS",
    "FRAME_SIZE",
    "GENERATOR_VERSION",
    "KINDS",
    "NUM_FRAMES",
    "SIZES",
    "VERBS",
    "Kind",
    "Scene",
    "Verb",
    "caption_roles",
    "extract_video_features",
    "make_scene",
    "noun_verb_accuracy",
    "parse_video_id",
    "prepare_interactions",
    "reference_sentences",
    "render_video",
    "tag_interactions",
    "video_id",
    "write_raw_layout",
]
