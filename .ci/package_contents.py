"""Compares an sdist and a wheel with the files under version control: python .ci/package_contents.py SDIST WHEEL."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import PurePosixPath

# Only of use in a checkout.
CHECKOUT_ONLY = (".ci/", ".readthedocs.yaml", ".github/", ".gitignore", ".pre-commit-config.yaml")


def main(sdist: str, wheel: str) -> None:
    """Ends with an error that names the files that are missing."""
    listed = subprocess.run(
        ["git", "ls-files"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    with tarfile.open(sdist) as archive:
        in_sdist = {str(PurePosixPath(*PurePosixPath(name).parts[1:])) for name in archive.getnames()}
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = set(archive.namelist())
    report("The sdist", [name for name in listed if not name.startswith(CHECKOUT_ONLY)], in_sdist)
    report("The wheel", [name for name in listed if name.startswith("stgraph/")], in_wheel)
    licence = [name for name in in_wheel if name.endswith("licenses/LICENSE")]
    others = sorted({name.partition("/")[0] for name in in_wheel if ".dist-info/" not in name} - {"stgraph"})
    if not licence or others:
        raise SystemExit(f"The wheel holds {len(licence)} licence files, and besides stgraph/: {others}")
    print(
        f"The sdist holds {len(in_sdist)} files and folders, the wheel {len(in_wheel)} files; nothing is missing."
    )


def report(what: str, wanted: list[str], found: set[str]) -> None:
    """Ends with an error where a wanted file is not among those found."""
    missing = [name for name in wanted if name not in found]
    if missing or not wanted:
        raise SystemExit(f"{what} lacks {len(missing)} of {len(wanted)} files: {', '.join(missing[:10])}")


if __name__ == "__main__":
    main(*sys.argv[1:])
