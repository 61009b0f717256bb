"""Data sets of tracked and labelled boxes: readers of public layouts, and graphs with targets made of them."""

from stgraph.datasets.tracks.action_genome import ActionGenome
from stgraph.datasets.tracks.annotated_video import AnnotatedVideo, Segment
from stgraph.datasets.tracks.cad120 import CAD120
from stgraph.datasets.tracks.examples import clip_examples, relation_examples, track_examples
from stgraph.datasets.tracks.jaad import JAAD
from stgraph.datasets.tracks.mirrored import MirroredTracks
from stgraph.datasets.tracks.track_dataset import Fold, TrackDataset
from stgraph.datasets.tracks.vidvrd import VidOR, VidVRD

__all__ = [
    "CAD120",
    "JAAD",
    "ActionGenome",
    "AnnotatedVideo",
    "Fold",
    "MirroredTracks",
    "Segment",
    "TrackDataset",
    "VidOR",
    "VidVRD",
    "clip_examples",
    "relation_examples",
    "track_examples",
]
