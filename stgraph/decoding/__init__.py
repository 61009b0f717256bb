"""From a language model to captions."""

from stgraph.decoding.beam import beam_search
from stgraph.decoding.captions import DecodedCaptions
from stgraph.decoding.decode import Decoding, decode
from stgraph.decoding.greedy import greedy
from stgraph.decoding.protocol import DecodingState, StepDecoder
from stgraph.decoding.sampling import draw_words, sample

__all__ = [
    "DecodedCaptions",
    "Decoding",
    "DecodingState",
    "StepDecoder",
    "beam_search",
    "decode",
    "draw_words",
    "greedy",
    "sample",
]
