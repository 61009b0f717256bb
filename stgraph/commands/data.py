"""``stgraph data msvd|msrvtt [FOLDER]``: says what to fetch for a public data set, and checks what is there."""

from __future__ import annotations

import sys

from stgraph.commands.arguments import parser_of
from stgraph.commands.console.output import say
from stgraph.datasets.corpus.folder_check import OK, FolderCheck, check_folder

__all__ = ["run"]

TITLES = {"msvd": "MSVD (YouTube2Text)", "msrvtt": "MSR-VTT (10K)"}
FETCH = {
    "msvd": {
        "videos": "YouTubeClips.tar (1.7 GB, 1,970 files ID_start_end.avi) from "
        "https://www.cs.utexas.edu/users/ml/clamp/videoDescription/",
        "captions": "AllVideoDescriptions.txt from the same page, or the corpus as CSV from "
        "https://www.microsoft.com/en-us/download/details.aspx?id=52422 (with --splits: it has clips of no split)",
        "splits": "nothing: the official 1,200 / 100 / 670 follow from the order of the names",
    },
    "msrvtt": {
        "videos": "TrainValVideo and TestVideo from the official page, http://ms-multimedia-challenge.com/2017/dataset, or "
        "MSRVTT.zip (10,000 files videoN.mp4) from https://www.robots.ox.ac.uk/~maxbain/frozen-in-time/data/",
        "captions": "train_val_videodatainfo.json and test_videodatainfo.json from the official page, or MSRVTT_data.json "
        "in https://github.com/ArrowLuo/CLIP4Clip/releases/download/v0.0/msrvtt_data.zip",
        "splits": "nothing: the official 6,513 / 497 / 2,990 follow from the numbers of the videos",
    },
}


def run(arguments: list[str]) -> int:
    """Runs ``stgraph data``; the exit status is 1 if something is missing or not as published."""
    chosen = parser_of("data").parse_args(arguments)
    if chosen.folder is None:
        say(f"{TITLES[chosen.name]}: put these into a folder, then run 'stgraph data {chosen.name} FOLDER'")
        for what, source in FETCH[chosen.name].items():
            say(f"  {what:<8}  {source}")
        return 0
    checked = check_folder(
        chosen.name,
        chosen.folder,
        chosen.captions,
        chosen.splits,
        read=not chosen.names_only,
        progress=_progress if sys.stderr.isatty() else None,
    )
    say(f"{TITLES[chosen.name]} in {chosen.folder}")
    for finding in checked.findings:
        say(f"{finding.state:<7}  {finding.what:<16}  {finding.text}")
        if finding.state != OK and finding.what in FETCH[chosen.name]:
            say(f"{'':<7}  {'':<16}  -> fetch {FETCH[chosen.name][finding.what]}")
    problems = sum(finding.state != OK for finding in checked.findings)
    say(f"\n{problems} problem{'s' * (problems != 1)}" if problems else "\nAll is as published.")
    if checked.videos is not None and checked.captions:
        say(_next(chosen.name, checked), error=True)
    return 1 if problems else 0


def _next(name: str, checked: FolderCheck) -> str:
    captions = ",".join(map(str, checked.captions))
    captions = f"'[{captions}]'" if len(checked.captions) > 1 else captions
    return (
        f"Next: stgraph extract {checked.videos} {name}.h5 experiment=stgkd, then stgraph train experiment=stgkd_{name} "
        f"data.dataset.store={name}.h5 data.dataset.captions={captions}"
    )


def _progress(done: int, total: int) -> None:
    sys.stderr.write(f"\r{done:,}/{total:,} videos opened" + ("\n" if done == total else ""))
    sys.stderr.flush()
