"""What pages share: their files, templates that escape, and pictures inside the page."""

from __future__ import annotations

import base64
import io
from functools import cache
from importlib.resources import files

import jinja2
import numpy as np
from PIL import Image

__all__ = ["data_url", "page_part", "template"]


def page_part(name: str) -> str:
    """Reads a file of this package."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


@cache
def template(name: str) -> jinja2.Template:
    """A template that escapes every value, and refuses values that it is not given."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return environment.from_string(page_part(name))


def data_url(frame: np.ndarray, height: int) -> str:
    """A frame, reduced to a height in pixels, as the address of a JPEG."""
    image = Image.fromarray(np.ascontiguousarray(frame, dtype=np.uint8))
    image.thumbnail((10 * height, height))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
