"""Captions, splits and categories of a data set, and readers of the files that hold them."""
