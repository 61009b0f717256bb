"""Checks of arguments where a call enters the library."""

from stgraph.checking.calls import axes, checked, described

__all__ = ["axes", "checked", "described"]
