"""The arguments that each command takes, one function per command. Imports neither torch nor hydra."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

__all__ = ["ARGUMENTS", "DATA_SETS", "FIGURES", "GRAPH_FILES"]

DATA_SETS = ("msvd", "msrvtt")
FIGURES = {
    "attention": "attention of each word over frames, grid cells and boxes",
    "saliency": "what the caption depends on in the frames, for one or more runs or branches",
    "captions": "captions of evaluated runs next to references",
    "words": "nouns and verbs of evaluated runs",
    "sharpness": "how sharply the attention selects frames",
}
"""Figures of ``stgraph figure`` by name."""
GRAPH_FILES = (".graphml", ".gexf", ".json", ".pt", ".png", ".svg", ".pdf", ".html", ".mp4")
"""Endings of what ``stgraph graph`` writes."""
LAYOUTS = ("npy", "hdf5", "hdf5-per-video", "detections")


def _settings(parser: argparse.ArgumentParser, example: str) -> None:
    parser.add_argument("settings", nargs="*", metavar="key=value", help=f"such as {example}")


def _demo(parser: argparse.ArgumentParser) -> None:
    _settings(parser, "seed=1 or data=interactions_tiny")


def _extract(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="folder of videos, or one video")
    parser.add_argument(
        "store", type=Path, help="the store: one file if it ends in .h5, else a folder of shards"
    )
    _settings(parser, "motion=none objects.weights=FILE")
    parser.add_argument(
        "--shard",
        metavar="I/N",
        help="extract part I of N equal parts only; 'stgraph store merge' joins them",
    )


def _data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", choices=DATA_SETS, help="the data set")
    parser.add_argument(
        "folder",
        type=Path,
        nargs="?",
        help="folder with its videos and captions; without it, what to fetch is printed",
    )
    parser.add_argument(
        "--captions",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="files of captions, if they are elsewhere or have another name",
    )
    parser.add_argument(
        "--splits", type=Path, metavar="PATH", help="lists of splits in place of the official ones"
    )
    parser.add_argument("--names-only", action="store_true", help="do not open the videos")


def _train(parser: argparse.ArgumentParser) -> None:
    _settings(parser, "run=runs/mine seed=1")


def _evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="folder that 'stgraph train' wrote")
    _settings(parser, "split=val branch=object")


def _compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", type=Path, metavar="RUN_A", help="folder that 'stgraph evaluate' has scored")
    parser.add_argument("b", type=Path, metavar="RUN_B", help="another, or the same with other settings")
    _settings(parser, "split=val branch_a=object")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the comparison as JSON")


def _words(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="evaluated runs, or their evaluation-*.json; arguments key=value are settings",
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write all numbers as JSON")


def _caption(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "videos",
        nargs="+",
        metavar="VIDEO",
        help="files, folders of files, or ids of stored videos; arguments key=value are settings",
    )
    parser.add_argument(
        "--model", required=True, metavar="RUN", help="folder that 'stgraph train' wrote, or hf://owner/name"
    )
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="PKG.CLASS",
        help="custom extractor class that may be imported",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object per line: words, log-probabilities, frames and their boxes",
    )
    parser.add_argument(
        "--html",
        type=Path,
        metavar="FILE",
        help="also write a page with frames of the videos and their captions",
    )
    parser.add_argument(
        "--attention", action="store_true", help="with --json, also print each word's attention weights"
    )


def _store(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="info|validate|merge|import")
    for name, text in (("info", "show what a store holds"), ("validate", "list what is wrong with a store")):
        actions.add_parser(name, help=text, description=text).add_argument(
            "path", help="a file or a folder of shards"
        )
    text = "write one store with the videos of several"
    merging = actions.add_parser("merge", help=text, description=text)
    merging.add_argument("target", help="the new store: one file if it ends in .h5, else a folder of shards")
    merging.add_argument("sources", nargs="+", metavar="source", help="stores to read")
    text = "write a store from features in a public layout"
    importing = actions.add_parser("import", help=text, description=text)
    importing.add_argument("source", help="a folder, or an HDF5 file")
    importing.add_argument("store", help="the new store: one file if it ends in .h5, else a folder of shards")
    importing.add_argument(
        "--layout", required=True, choices=LAYOUTS, help="layout of SOURCE, see docs/store.md"
    )
    for stream, unit in (("appearance", "frame"), ("motion", "clip")):
        importing.add_argument(
            f"--{stream}",
            metavar="NAME",
            help=f"{unit} vectors: the folder (npy), file or group (hdf5) or array (hdf5-per-video) in SOURCE; . is "
            "SOURCE itself",
        )
    importing.add_argument(
        "--extractor",
        action="append",
        default=[],
        metavar="STREAM=NAME",
        help="extractor that made a stream, if not the NAME of the stream; may be given several times",
    )
    importing.add_argument("--common", action="store_true", help="leave out videos that some stream lacks")
    importing.add_argument(
        "--append", action="store_true", help="add the videos that an existing store lacks to it"
    )
    importing.add_argument(
        "--dtype", default="float16", choices=("float16", "float32"), help="type of the stored features"
    )


def _figure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the figure, one of those below")
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="RUN",
        help="trained runs; key=value are settings of extractors as in 'stgraph caption'",
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="a .svg, .pdf or .png file; NAME.svg by default"
    )
    parser.add_argument(
        "--video",
        action="append",
        default=[],
        metavar="VIDEO",
        help="id of a stored video, or a file; may be given several times for 'captions'. Default: of the split",
    )
    parser.add_argument("--videos", type=Path, metavar="FOLDER", help="folder of the files of stored videos")
    parser.add_argument(
        "--branch",
        action="append",
        default=[],
        help="branch of the model; may be given several times for 'saliency'",
    )
    parser.add_argument("--split", default="test", help="split of the data [test]")
    parser.add_argument("--count", type=int, default=4, metavar="N", help="videos of 'captions' [4]")
    parser.add_argument(
        "--frames",
        type=int,
        default=5,
        metavar="N",
        help="frames per video of 'captions'; 0 for a table of text [5]",
    )


def _graph(parser: argparse.ArgumentParser) -> None:
    _one_video(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="FILE",
        help=f"what to write, by its ending: {', '.join(GRAPH_FILES)}",
    )


def _inspect(parser: argparse.ArgumentParser) -> None:
    _one_video(parser)
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="the page, a .html file"
    )
    parser.add_argument(
        "--compare",
        action="append",
        default=[],
        type=Path,
        metavar="RUN",
        help="another run whose caption is shown beside; may be given several times",
    )
    parser.add_argument("--branch", help="branch whose caption is shown; by default each of the model")
    parser.add_argument(
        "--method",
        default="attention",
        help="what words rest on: attention, gradient_x_input, integrated_gradients or occlusion [attention]",
    )


def _report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "runs", nargs="+", type=Path, metavar="RUN", help="evaluated runs, or their evaluation-*.json"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="folder to write")
    parser.add_argument("--split", default="test", help="split of the data [test]")
    parser.add_argument("--count", type=int, default=12, metavar="N", help="videos with captions [12]")
    parser.add_argument("--videos", type=Path, metavar="FOLDER", help="folder of the files of stored videos")


def _one_video(parser: argparse.ArgumentParser) -> None:
    """The arguments that choose a video of any kind, and whether its frames are shown."""
    parser.add_argument(
        "source",
        type=Path,
        metavar="VIDEO|STORE|RUN",
        help="a video file, a feature store, or a trained run, whose graph is the one that its model sees",
    )
    parser.add_argument(
        "settings",
        nargs="*",
        metavar="ID | key=value",
        help="the id of a video of STORE or RUN (the default is the first), for RUN also a file; and settings",
    )
    parser.add_argument("--videos", type=Path, metavar="FOLDER", help="folder of the files of stored videos")
    parser.add_argument("--no-frames", action="store_true", help="draw boxes and edges without the pixels")


def _doctor(parser: argparse.ArgumentParser) -> None:
    pass


def _completion(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


ARGUMENTS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "demo": _demo,
    "data": _data,
    "extract": _extract,
    "train": _train,
    "evaluate": _evaluate,
    "compare": _compare,
    "words": _words,
    "caption": _caption,
    "ablate": _train,
    "graph": _graph,
    "inspect": _inspect,
    "report": _report,
    "figure": _figure,
    "store": _store,
    "doctor": _doctor,
    "completion": _completion,
}
