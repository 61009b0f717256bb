"""Settings that are paths: quoted before hydra parses them, so that spaces, commas and signs are taken literally."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stgraph.settings.overrides import EXTRACTOR_GROUPS

__all__ = ["PATHS", "SEVERAL", "quoted_paths"]

PATHS = (
    "run",
    "start",
    "teacher",
    "results",
    "runs",
    "data.dataset.store",
    "data.dataset.captions",
    "data.dataset.splits",
    "data.dataset.names",
    "appearance.weights",
    "motion.weights",
    "objects.weights",
    "objects.features_weights",
    "objects.names",
    "flow.weights",
    "flow.flow_weights",
)
SEVERAL = ("data.dataset.captions", "data.dataset.splits")
"""Path settings that may also be a list of paths, or one path per split."""


def quoted_paths(overrides: Sequence[str]) -> list[str]:
    """Quotes the values of path settings for hydra: ``key=PATH``, ``key=[PATH,...]`` or ``key.SPLIT=PATH``.

    Any extractor setting is quoted as well if its value is an existing file. ``null``, quoted values and
    ``{SPLIT: PATH, ...}`` are left unchanged. Brackets belong to the path if a file of that name exists.

    >>> quoted_paths(["seed=1", "run=a b,c"])
    ['seed=1', 'run="a b,c"']
    >>> quoted_paths(["data.dataset.captions.val=a=1.json", "data.dataset.captions.test=b.json"])
    ['data.dataset.captions={val: "a=1.json", test: "b.json"}']
    """
    found: dict[int | str, str] = {}
    by_split: dict[str, dict[str, str]] = {}
    for number, override in enumerate(overrides):
        key, equals, value = override.partition("=")
        plus, key = key[: len(key) - len(key.lstrip("+"))], key.lstrip("+")
        owner, _, split = key.rpartition(".")
        if equals and owner in SEVERAL:
            paths = by_split.setdefault(owner, {})
            paths[split] = _quoted(value)
            found[owner] = f"{owner}={{{', '.join(f'{name}: {path}' for name, path in paths.items())}}}"
        elif equals and key in PATHS and value != "null" and not value.startswith(("'", '"')):
            found[number] = f"{plus}{key}={_several(value) if key in SEVERAL else _quoted(value)}"
        elif equals and key.partition(".")[0] in EXTRACTOR_GROUPS and Path(value).is_file():
            found[number] = f"{plus}{key}={_quoted(value)}"
        else:
            found[number] = override
    return list(found.values())


def _several(value: str) -> str:
    if (value[:1] + value[-1:]) not in ("[]", "{}") or Path(value).exists():
        return _quoted(value)
    paths = [path.strip() for path in value[1:-1].split(",")]
    if value[0] == "{" or any(
        path.startswith(("'", '"')) for path in paths
    ):  # quoted paths may contain commas
        return value
    return f"[{', '.join(map(_quoted, paths))}]"


def _quoted(path: str) -> str:
    if path.startswith(("'", '"')):
        return path
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
