"""Pages for a browser: one self-contained file each."""

from stgraph.inspection.html.page import CaptionView, write_page

__all__ = ["CaptionView", "write_page"]
