"""Checks a folder of videos and captions of a public corpus against what was published."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from stgraph.datasets.corpus.captions import CaptionCorpus
from stgraph.datasets.corpus.fingerprints import KNOWN, caption_fingerprints
from stgraph.datasets.corpus.msrvtt import read_msrvtt_captions
from stgraph.datasets.corpus.msvd import read_msvd_captions
from stgraph.datasets.corpus.numbering import VIDEOS, video_numbers
from stgraph.datasets.corpus.official_splits import MSVD_NAME, OFFICIAL
from stgraph.datasets.corpus.summary import published_differences
from stgraph.errors import DataError, MissingDataError, OptionError, listed, shown
from stgraph.video import video_id_of
from stgraph.video.ids import find_files
from stgraph.video.media_files import has_media_ending

__all__ = ["Finding", "FolderCheck", "check_folder"]

OK, MISSING, WRONG = "ok", "missing", "wrong"
CAPTION_FILES = {
    "msvd": ("AllVideoDescriptions.txt", "*Corpus*.csv", "captions.json"),
    "msrvtt": ("*videodatainfo*.json", "MSRVTT_data.json", "captions.json"),
}
"""File names of captions, in the order in which they are looked for; the first that occurs is taken."""


class Finding(NamedTuple):
    """One checked thing: "ok", "missing" or "wrong", what it is, and what was found."""

    state: str
    what: str
    text: str


@dataclass(frozen=True)
class FolderCheck:
    """Result of :func:`check_folder`.

    Args:
        findings: Everything that was checked, in order.
        captions: The files of captions.
        videos: Folder that contains all videos, for ``stgraph extract``; None without videos.
    """

    findings: tuple[Finding, ...]
    captions: tuple[Path, ...]
    videos: Path | None

    @property
    def complete(self) -> bool:
        """Whether all is there and as published."""
        return all(finding.state == OK for finding in self.findings)


def check_folder(
    name: str,
    folder: Path,
    captions: Sequence[Path] = (),
    splits: Path | None = None,
    *,
    read: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> FolderCheck:
    """Checks captions, splits and videos of MSVD or MSR-VTT in a folder.

    Args:
        name: "msvd" or "msrvtt".
        folder: Folder with the videos and, unless ``captions`` are given, the captions; subfolders are searched.
        captions: Files of captions; by default those with a usual name in the folder.
        splits: Lists of splits in place of the official ones.
        read: Whether to open each video and count its frames.
        progress: Called with (done, total) while videos are opened.

    Raises:
        OptionError: If the name is another one.
        MissingDataError: If the folder or a given file doesn't exist.
    """
    if name not in KNOWN:
        raise OptionError(f"'name' must be one of {', '.join(KNOWN)}, got {name!r}.")
    files = find_files(folder)
    for path in captions:
        if not path.is_file():
            raise MissingDataError(f"There is no file of captions at {path}; check the path.")
    captions = tuple(captions) or _caption_files(name, files)
    findings, corpus = _check_captions(name, captions, splits)
    videos = [file for file in files if has_media_ending(file)]
    findings += _check_videos(name, folder, videos, corpus)
    if read and videos:
        findings.append(_check_readable(folder, videos, progress))
    parents = [str(file.parent) for file in videos]
    return FolderCheck(tuple(findings), captions, Path(os.path.commonpath(parents)) if parents else None)


def _caption_files(name: str, files: Sequence[Path]) -> tuple[Path, ...]:
    for pattern in CAPTION_FILES[name]:
        if found := tuple(file for file in files if file.match(pattern)):
            return found if name == "msrvtt" else found[:1]
    return ()


def _check_captions(
    name: str, paths: Sequence[Path], splits: Path | None
) -> tuple[list[Finding], CaptionCorpus | None]:
    what = "captions"
    if not paths:
        return [Finding(MISSING, what, f"no file called {' or '.join(CAPTION_FILES[name])}")], None
    try:
        corpus = _read(name, paths, splits)
    except (DataError, OptionError, MissingDataError) as error:
        return [Finding(WRONG, what, str(error))], None
    counts = {split: len(corpus.ids(split)) for split in ("train", "val", "test")}
    number = sum(len(corpus.captions(video)) for video in corpus.ids())
    sizes = " / ".join(f"{count:,}" for count in counts.values())
    text = (
        f"{', '.join(path.name for path in paths)}: {number:,} captions of {len(corpus):,} videos ({sizes})"
    )
    differences = published_differences(corpus, name)
    findings = [
        Finding(WRONG, what, f"{text}; {'; '.join(differences)}") if differences else Finding(OK, what, text)
    ]
    prints = caption_fingerprints(corpus, name)
    other = [split for split, known in KNOWN[name].items() if prints.get(split) != known]
    findings.append(
        Finding(WRONG, "text of captions", f"differs from the known copy in {', '.join(other)}")
        if other
        else Finding(OK, "text of captions", "as in the known copy, in all splits")
    )
    return findings, corpus


def _read(name: str, paths: Sequence[Path], splits: Path | None) -> CaptionCorpus:
    if name == "msvd":
        return read_msvd_captions(paths[0], splits or OFFICIAL, common=splits is not None)
    try:
        return read_msrvtt_captions(list(paths), splits)
    except DataError:
        if splits is not None:
            raise
        return read_msrvtt_captions(list(paths), OFFICIAL)  # the files give no splits


def _check_videos(
    name: str, folder: Path, files: Sequence[Path], corpus: CaptionCorpus | None
) -> list[Finding]:
    what, total = "videos", len(VIDEOS[name])
    if not files:
        return [Finding(MISSING, what, f"none in {folder}")]
    by_name: dict[str, list[Path]] = {}
    for file in files:
        by_name.setdefault(video_id_of(file.name), []).append(file)
    known = corpus.ids() if corpus is not None else ()
    numbers = video_numbers(by_name, name, known or by_name)
    found, strange = set(numbers.values()), sorted(by_name.keys() - numbers.keys())
    findings = []
    if len(found) == total:
        findings.append(Finding(OK, what, f"{total:,} of {total:,}"))
    elif found:
        names = {number: video for video, number in video_numbers(known, name).items()}
        standard = {"msvd": "vid{}", "msrvtt": "video{}"}[name]
        gone = [names.get(number, standard.format(number)) for number in VIDEOS[name] if number not in found]
        text = f"{len(found):,} of {total:,}; missing are {len(gone):,}: {listed(gone)}"
        findings.append(Finding(MISSING, what, text))
    elif all(MSVD_NAME.fullmatch(video) for video in by_name) and name == "msvd":
        text = f"{len(by_name):,} of {total:,}, named ID_start_end; the captions are needed to name the missing ones"
        return [Finding(MISSING, what, text)]
    else:
        findings.append(Finding(MISSING, what, f"0 of {total:,}"))
    if strange:
        like = sum(1 for video in strange if name == "msvd" and MSVD_NAME.fullmatch(video))
        note = f", {like:,} of which are named ID_start_end like MSVD's" if like else ""
        findings.append(
            Finding(
                WRONG, "other videos", f"{len(strange):,} that are not of the corpus{note}: {listed(strange)}"
            )
        )
    if twice := sorted(video for video, paths in by_name.items() if len(paths) > 1):
        findings.append(Finding(WRONG, "videos twice", f"{len(twice):,} in several files: {listed(twice)}"))
    return findings


def _check_readable(
    folder: Path, videos: Sequence[Path], progress: Callable[[int, int], None] | None
) -> Finding:
    reasons: list[str] = []
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for done, (file, reason) in enumerate(zip(videos, pool.map(_reason, videos), strict=True), start=1):
            if reason:
                reasons.append(f"{shown(file.relative_to(folder))} ({reason})")
            if progress is not None:
                progress(done, len(videos))
    if not reasons:
        return Finding(OK, "readable", f"all {len(videos):,} files")
    first = ", ".join(reasons[:5]) + (f" and {len(reasons) - 5:,} more" if len(reasons) > 5 else "")
    return Finding(WRONG, "readable", f"{len(reasons):,} of {len(videos):,} files cannot be read: {first}")


def _reason(file: Path) -> str:
    from stgraph.video import VideoReader  # which needs PyAV

    try:
        _ = VideoReader(file).num_frames  # reads the whole index
    except (DataError, MissingDataError) as error:
        return shown(str(error).removeprefix(str(file)).lstrip(": ").rstrip("."), 120)
    return ""
