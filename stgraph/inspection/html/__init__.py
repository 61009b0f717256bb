"""Pages for a browser: one self-contained file each."""

from stgraph.inspection.html.page import CaptionView, write_page
from stgraph.inspection.html.report import ScoredModel, write_report

__all__ = ["CaptionView", "ScoredModel", "write_page", "write_report"]
