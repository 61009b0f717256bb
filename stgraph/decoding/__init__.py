"""From a language model to captions."""

from stgraph.decoding.greedy import DecodedCaptions, greedy
from stgraph.decoding.protocol import DecodingState, StepDecoder

__all__ = ["DecodedCaptions", "DecodingState", "StepDecoder", "greedy"]
