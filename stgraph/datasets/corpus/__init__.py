"""Captions, splits and categories of a data set, and the files they come from."""
