"""Settings of sphinx-gallery, which runs the tutorials while the site is built and shows what they print and draw."""

from __future__ import annotations

import html
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib import pyplot
from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst, matplotlib_scraper

__all__ = ["ORDER", "copy_sources", "order", "pictures", "settings"]

ORDER = (
    "boxes_to_graph",
    "tracks_to_classifier",
    "videos_to_captions",
    "features_you_have",
    "lightning_way",
    "three_systems",
    "ablation_tables",
    "explaining_a_caption",
    "long_videos",
    "relations_over_frames",
    "rules_and_models",
    "several_machines",
    "publishing_a_model",
)
DPI = 130


def settings(sources: Path, target: Path) -> dict[str, Any]:
    """The value of ``sphinx_gallery_conf``; functions are given by name, so that Sphinx can cache the value."""
    return {
        "examples_dirs": str(sources),
        "gallery_dirs": str(target),
        "filename_pattern": r"\.py$",
        "within_subsection_order": "gallery.order",
        "image_scrapers": ("gallery.pictures",),
        "capture_repr": ("_repr_html_",),
        "ignore_repr_types": r"matplotlib|pathlib",
        "first_notebook_cell": "# %pip install stgraph-captioning",
        "remove_config_comments": True,
        "show_signature": False,
        "write_computation_times": False,
        "min_reported_time": 1e6,
        "plot_gallery": True,
    }


def copy_sources(tutorials: Path, run: Path) -> Path:
    """Copies the tutorials to an empty folder, which is the working folder in which they run."""
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(tutorials, run)
    return run


def order(name: str) -> int:
    """Position of a tutorial in the gallery; a file that ``ORDER`` lacks is an error."""
    return ORDER.index(Path(name).stem)


def pictures(block: Any, block_vars: dict[str, Any], gallery_conf: Mapping[str, Any]) -> str:
    """Shows what a cell ends with: a figure, the path of a picture, or the path of a page.

    Figures that the cell opened by pyplot are shown as well.
    """
    value = block_vars["example_globals"].get("___")
    if isinstance(value, Figure):
        pyplot.close(value)  # it is shown below
    rst = matplotlib_scraper(block, block_vars, gallery_conf, dpi=DPI)
    if value is block_vars.get("shown"):
        return rst
    block_vars["shown"] = value
    if isinstance(value, Path) and value.suffix == ".html":
        return rst + _frame(value.name, value.read_text(encoding="utf-8"))
    if isinstance(value, Path) and value.suffix in (".png", ".jpg", ".svg"):
        path = Path(next(block_vars["image_path_iterator"])).with_suffix(value.suffix)
        shutil.copyfile(value, path)
    elif isinstance(value, Figure):
        path = Path(next(block_vars["image_path_iterator"]))
        value.savefig(path, dpi=DPI, bbox_inches="tight")
    else:
        return rst
    return rst + figure_rst([str(path)], gallery_conf["src_dir"], _alternative(block))


def _frame(title: str, page: str) -> str:
    """A page within the page; its text is an attribute, so the site needs no further file."""
    source = html.escape(page).replace("\n", "&#10;")
    return f'\n.. raw:: html\n\n    <iframe class="page" title="{title}" srcdoc="{source}"></iframe>\n\n'


def _alternative(block: Any) -> str:
    """Text for those who don't see the picture: the cell's last comment, else its last line."""
    lines = [line.strip() for line in block.content.splitlines() if line.strip()]
    comments = [line.lstrip("# ") for line in lines if line.startswith("#")]
    return (comments or lines)[-1]
