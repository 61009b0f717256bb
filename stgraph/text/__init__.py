"""Captions as words and as token ids."""

from stgraph.text.normaliser import normalise
from stgraph.text.parts_of_speech import PARTS_OF_SPEECH, Tagger, english_tagger
from stgraph.text.special_tokens import SpecialTokens
from stgraph.text.tokenizer import CaptionTokenizer

__all__ = ["PARTS_OF_SPEECH", "CaptionTokenizer", "SpecialTokens", "Tagger", "english_tagger", "normalise"]
