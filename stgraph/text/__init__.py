"""Captions as words and numbers."""

from stgraph.text.normaliser import normalise
from stgraph.text.tokenizer import CaptionTokenizer, Marks

__all__ = ["CaptionTokenizer", "Marks", "normalise"]
