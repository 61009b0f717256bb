"""Checks of arguments where a call enters the library."""

from stgraph.checking.calls import axes, check_values, checked, described
from stgraph.checking.warning import warn_caller

__all__ = ["axes", "check_values", "checked", "described", "warn_caller"]
