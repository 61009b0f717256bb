"""What a text file holds, found without the readers that are tested."""

from __future__ import annotations

import codecs
import json
import unicodedata
from typing import Any

__all__ = ["Held", "decoded"]

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decoded(content: bytes) -> str:
    """The text of a file by its byte order mark."""
    encoding = next((name for mark, name in MARKS if content.startswith(mark)), "utf-8")
    return content.decode(encoding)


class Held:
    """The strings and numbers of a JSON file, or the text of another one."""

    def __init__(self, content: bytes) -> None:
        self.text = decoded(content)
        self.strings: set[str] | None = None
        if self.text.lstrip().startswith(("{", "[")):
            self.strings = set()
            try:
                self._collect(json.loads(self.text, object_pairs_hook=list, parse_int=str, parse_float=str))
            except ValueError:
                for line in self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
                    if line.strip():
                        self._collect(
                            json.loads(line, object_pairs_hook=list, parse_int=str, parse_float=str)
                        )

    def _collect(self, value: Any) -> None:
        left = [value]
        while left:
            each = left.pop()
            if isinstance(each, str):
                assert self.strings is not None
                self.strings.add(each)
            elif isinstance(each, (list, tuple)):
                left.extend(each)

    def has(self, value: str) -> bool:
        """Whether a caption, category or split stands in the file."""
        if self.strings is not None:
            return value in self.strings
        return value in self.text or value.replace('"', '""') in self.text

    def has_id(self, video_id: str) -> bool:
        """Whether an id stands in the file, perhaps with an ending, spaces or decomposed letters."""
        if self.strings is not None:
            return any(video_id in _composed(each) for each in self.strings)
        return video_id in _composed(self.text) or video_id.replace('"', '""') in _composed(self.text)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text).replace("\\", "/")
