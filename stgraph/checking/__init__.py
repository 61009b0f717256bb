"""Checks of arguments where a call enters the library."""

from stgraph.checking.calls import axes, call_checked, check_values, checked, described, passes_on
from stgraph.checking.warning import warn_caller

__all__ = ["axes", "call_checked", "check_values", "checked", "described", "passes_on", "warn_caller"]
