"""Extractors of frames: one vector a frame, or a grid of cells."""
