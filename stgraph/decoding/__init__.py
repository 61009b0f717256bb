"""Decoding: from a language model to captions."""

from stgraph.decoding.base import Decoding
from stgraph.decoding.beam import BeamSearch
from stgraph.decoding.captions import DecodedCaptions
from stgraph.decoding.greedy import Greedy
from stgraph.decoding.options import decoding_from_dict, decoding_from_options
from stgraph.decoding.protocol import StepDecoder
from stgraph.decoding.sampling import Sampling, draw_words
from stgraph.nn.decoder.decoding_state import DecodingState

__all__ = [
    "BeamSearch",
    "DecodedCaptions",
    "Decoding",
    "DecodingState",
    "Greedy",
    "Sampling",
    "StepDecoder",
    "decoding_from_dict",
    "decoding_from_options",
    "draw_words",
]
