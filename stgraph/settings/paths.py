"""Settings that are paths: quoted before hydra parses them, so that spaces, commas and signs are taken literally."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from stgraph.errors import MissingDataError
from stgraph.settings.overrides import EXTRACTOR_GROUPS

__all__ = ["PATHS", "SEVERAL", "check_paths_of_run", "located_paths", "quoted_paths", "stored_paths"]

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


def stored_paths(settings: Mapping[str, Any], run: Path) -> dict[str, Any]:
    """Makes the paths of a configuration independent of the working directory, for a run's ``config.yaml``.

    Args:
        settings: A whole configuration.
        run: Folder of the run; paths in it are stored relative to it, so that it can be moved, and others as absolute ones.
    """
    run = Path(os.path.abspath(run))

    def stored(value: str) -> str:
        path = Path(os.path.abspath(value))
        if not path.exists():
            return value
        return str(path.relative_to(run)) if path.is_relative_to(run) and path != run else str(path)

    return _with_paths(settings, stored)


def located_paths(settings: Mapping[str, Any], run: Path) -> dict[str, Any]:
    """Makes the paths that :func:`stored_paths` left relative to a run absolute ones again."""
    run = Path(os.path.abspath(run))
    return _with_paths(settings, lambda value: str(run / value) if (run / value).exists() else value)


def check_paths_of_run(
    data: Mapping[str, Any], saved: Mapping[str, Any], run: Path, remedy: str | None = None
) -> None:
    """Checks that the files of a run's data are still there.

    Args:
        data: The group ``data`` that will be used.
        saved: The group ``data`` of the run; paths that are not among its own are not checked.
        run: Folder of the run, named in the error.
        remedy: What to do if a file is gone; by default the setting that gives its new place.

    Raises:
        MissingDataError: If a file is not there; the message names the setting and the path.
    """
    for key, path in sorted(set(_paths_in({"data": data})) & set(_paths_in({"data": saved}))):
        if os.path.isabs(path) and not os.path.exists(path):  # others are names such as "official"
            raise MissingDataError(
                f"{run} was trained with {key}={path}, which is no longer there; "
                f"{remedy or f'give its new place by {key}=PATH'}."
            )


def _with_paths(
    settings: Mapping[str, Any], change: Callable[[str], str], prefix: str = ""
) -> dict[str, Any]:
    """Changes the values of path settings, also in lists and by split; ``run`` itself stays as it is."""

    def changed(value: Any) -> Any:
        if isinstance(value, list):
            return [changed(part) for part in value]
        if isinstance(value, Mapping):
            return {name: changed(part) for name, part in value.items()}
        return change(value) if isinstance(value, str) else value

    found: dict[str, Any] = {}
    for name, value in settings.items():
        key = f"{prefix}{name}"
        if key in PATHS and key != "run":
            found[name] = changed(value)
        elif isinstance(value, Mapping):
            found[name] = _with_paths(value, change, f"{key}.")
        else:
            found[name] = value
    return found


def _paths_in(
    settings: Mapping[str, Any], prefix: str = "", of_paths: bool = False
) -> Iterator[tuple[str, str]]:
    for name, value in settings.items():
        key = f"{prefix}{name}"
        here = of_paths or key in PATHS
        if isinstance(value, Mapping):
            yield from _paths_in(value, f"{key}.", here)
        elif here:
            yield from (
                (key, part)
                for part in (value if isinstance(value, list) else [value])
                if isinstance(part, str)
            )


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
