"""Captions as words and numbers."""

from stgraph.text.normaliser import normalise
from stgraph.text.parts_of_speech import PARTS_OF_SPEECH, Tagger, english_tagger
from stgraph.text.tokenizer import CaptionTokenizer, Marks

__all__ = ["PARTS_OF_SPEECH", "CaptionTokenizer", "Marks", "Tagger", "english_tagger", "normalise"]
