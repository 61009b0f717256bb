"""Arguments of every command, for parsing, ``--help`` and shell completion. Imports neither torch nor hydra."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from stgraph.errors import MissingDataError, OptionError, printable
from stgraph.settings.choices import OPTIONAL, choices_of, default_groups
from stgraph.settings.overrides import EXTRACTOR_GROUPS, group_of, looks_like_override
from stgraph.video.media_files import has_media_ending

__all__ = [
    "ABLATE_KEYS",
    "COMMANDS",
    "CONFIG_OF",
    "FIGURES",
    "GRAPH_FILES",
    "completions",
    "kind_of_source",
    "options_of",
    "parser_of",
    "split_caption_arguments",
    "split_video_arguments",
]

COMMANDS = {
    "demo": "generate videos, train on them, and show the scores, captions and a graph",
    "data": "say what to fetch for MSVD or MSR-VTT, and check what is there",
    "extract": "extract features of all videos of a folder into one store",
    "train": "train a captioner",
    "evaluate": "score a trained captioner on a split",
    "compare": "compare two evaluated runs",
    "words": "count the words of evaluated models by part of speech",
    "caption": "describe video files, or videos of a store",
    "ablate": "run the rows of a table over seeds, with intervals",
    "graph": "make the graph of a video: a file for other programs, a picture, a page or a video",
    "inspect": "write a page that shows a video's graph, and what the words of captions rest on",
    "report": "write a page of evaluated runs: scores with intervals, curves, captions next to references",
    "figure": "draw a figure of the papers from trained runs",
    "store": "inspect, check, merge and import feature stores",
    "doctor": "report what is installed, what is missing, and how to fix it",
    "completion": "print the completion script of a shell",
}
CONFIG_OF = {
    "demo": "train",
    "inspect": "graph",
    **{
        name: name
        for name in ("extract", "train", "evaluate", "compare", "words", "caption", "ablate", "graph")
    },
}
"""Configuration that each command composes."""
ABLATE_KEYS = ("table", "rows", "seeds", "jobs", "threads", "results", "runs", "replace", "check")
"""Keys of ``configs/ablate.yaml``; all other settings of ``stgraph ablate`` are settings of every run."""
EXAMPLES = {
    "demo": ("stgraph demo data=interactions_tiny trainer.max_epochs=2",),
    "data": ("stgraph data msvd", "stgraph data msvd MSVD/ --names-only"),
    "extract": (
        "stgraph extract videos/ features.h5 motion=none",
        "stgraph extract YouTubeClips/ stgkd.h5 experiment=stgkd motion.weights=rgb_imagenet.pt objects.weights=FILE",
    ),
    "train": (
        "stgraph train experiment=stgkd_msvd data.dataset.store=msvd.h5 data.dataset.captions=msvd.txt",
        "stgraph train data=folder data.dataset.store=features.h5 data.dataset.captions=captions.csv run=runs/mine",
    ),
    "evaluate": ("stgraph evaluate runs/mine split=test decoding.method=beam",),
    "compare": ("stgraph compare runs/a runs/b split=test",),
    "words": ("stgraph words runs/mine -o words.json",),
    "caption": (
        "stgraph caption cat.mp4 --model runs/mine",
        "stgraph caption videos/ --model runs/mine --html captions.html",
    ),
    "ablate": ("stgraph ablate table=stgkd data=interactions_full seeds=5",),
    "graph": (
        "stgraph graph cat.mp4 -o cat.graphml",
        "stgraph graph cat.mp4 graph=track num_frames=null -o boxes.mp4",
        "stgraph graph features.h5 cat --videos FOLDER -o cat.html",
    ),
    "inspect": (
        "stgraph inspect runs/mine cat --videos FOLDER -o cat.html",
        "stgraph inspect runs/mine cat.mp4 --compare runs/other --method occlusion -o cat.html",
    ),
    "report": ("stgraph report runs/mine runs/other -o report",),
    "figure": (
        "stgraph figure saliency runs/scene runs/full -o saliency.pdf",
        "stgraph figure attention runs/mine --video cat.mp4 objects.weights=detector.onnx",
    ),
    "store": ("stgraph store info features.h5",),
    "completion": ('eval "$(stgraph completion bash)"',),
}
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


class _Parser(argparse.ArgumentParser):
    """Shows wrong arguments escaped: a name of a file may be one of them, such as by ``*`` of a shell."""

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        super().exit(status, printable(message) if message else None)


def parser_of(name: str) -> argparse.ArgumentParser:
    """Builds the argument parser of a command; its help lists the groups of settings with their choices."""
    parser = _Parser(
        prog=f"stgraph {name}",
        description=DESCRIPTIONS[name],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_epilog(name),
    )
    ARGUMENTS[name](parser)
    if name in CONFIG_OF:
        parser.add_argument("--cfg", action="store_true", help="print the composed configuration and exit")
    parser.add_argument("-v", "--verbose", action="store_true", help="also show messages of libraries")
    parser.add_argument("-q", "--quiet", action="store_true", help="show no progress")
    return parser


def options_of(name: str) -> list[str]:
    """Returns the options of a command, such as ``--help``."""
    return sorted(option for action in parser_of(name)._actions for option in action.option_strings)


def completions(name: str) -> list[str]:
    """Returns the completions that a shell offers after ``stgraph NAME``: options and ``group=choice``."""
    if name == "completion":
        return ["bash", "zsh", "fish"]
    if name == "store":
        return ["info", "validate", "merge", "import"]
    if name == "data":
        return [*DATA_SETS, *options_of(name)]
    if name == "figure":
        return [*FIGURES, *options_of(name)]
    groups = default_groups(CONFIG_OF[name]) if name in CONFIG_OF else {}
    config = CONFIG_OF.get(name, "")
    return options_of(name) + [
        f"{group}={choice}" for group in groups for choice in choices_of(group, config)
    ]


def _epilog(name: str) -> str:
    lines: list[str] = []
    if name == "figure":
        width = max(map(len, FIGURES))
        lines += ["figures:", *(f"  {figure:<{width}}  {text}" for figure, text in FIGURES.items()), ""]
    groups = default_groups(CONFIG_OF[name]) if name in CONFIG_OF else {}
    listed = {group: choices_of(group, CONFIG_OF[name]) for group in groups}
    if any(listed.values()):
        lines.append("groups of settings (GROUP=CHOICE, the default in brackets):")
        width = max(map(len, listed))
        for group, choices in listed.items():
            if choices:
                default = groups[group] if "$" not in groups[group] else "chosen by the model"
                names = [*choices, "null"] if group in OPTIONAL else list(choices)
                lines += _wrapped(f"  {group:<{width}}  ", f"{', '.join(names)} [{default}]")
        lines.append("")
    if name in CONFIG_OF:
        lines += [f"'stgraph {name} --cfg' prints every setting with its value.", ""]
    if name in EXAMPLES:
        lines += ["examples:", *(f"  {example}" for example in EXAMPLES[name])]
    return "\n".join(lines)


def _wrapped(head: str, text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, 100, initial_indent=head, subsequent_indent=" " * len(head)) or [head]


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


DESCRIPTIONS = {
    "demo": "Generate videos, train on them, and show the scores, in minutes.",
    "data": "Say what to fetch for a public data set, or check a folder: numbers of captions and videos, splits, the text\n"
    "of the captions, missing ids and unreadable videos; exit status 1 if something is not as published.",
    "extract": "Extract features of all videos of a folder. The same command continues a stopped extraction.",
    "train": "Train a captioner. Settings are hydra overrides, such as run=runs/mine seed=1.",
    "evaluate": "Score a trained captioner on one split.",
    "compare": "Compare two evaluated runs by a paired bootstrap over videos.",
    "words": "Count the words of evaluated models by part of speech.",
    "caption": "Describe video files, or videos of the run's feature store.",
    "ablate": "Run the rows of a table over seeds. The same command continues a stopped sweep.",
    "graph": "Make the graph of a video: a file for other programs (.graphml, .gexf, .json) or for VideoGraph.load (.pt),\n"
    "a picture, a page for a browser, or the video with boxes, tracks and edges drawn over it (.mp4).",
    "inspect": "Write one HTML file that needs no network: frames, graph and adjacency matrix of a video, and for a run\n"
    "its captions, whose words light up the frames and boxes that they rest on.",
    "report": "Write FOLDER/index.html, which needs no network: scores with intervals, curves of the training, and\n"
    "captions of all runs next to references.",
    "figure": "Draw a figure of the papers from trained runs; docs/figures.md shows each of them.",
    "store": "Inspect, check, merge and import feature stores.",
    "doctor": "Report what is installed, what is missing, and how to fix it; exit status 1 if something is broken.",
    "completion": "Print a script that completes commands, options and choices of settings in a shell.",
}
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


def split_caption_arguments(chosen: argparse.Namespace) -> tuple[list[str], list[str], list[str]]:
    """Sorts the arguments of ``stgraph caption``.

    Args:
        chosen: What :func:`parser_of` parsed.

    Returns:
        The settings, the videos, and those of the videos that are files.

    Raises:
        OptionError: If ``--attention`` is given without ``--json``.
        MissingDataError: If a file does not exist, a folder has no videos, or files and ids of stored videos are mixed.
    """
    if chosen.html is not None and not chosen.html.absolute().parent.is_dir():
        raise MissingDataError(f"There is no folder for {chosen.html}; make it first.")
    if chosen.attention and not chosen.json:
        raise OptionError("'--attention' is only printed with '--json'; add --json.")
    settings = [argument for argument in chosen.videos if looks_like_override(argument)]
    videos = [argument for argument in chosen.videos if argument not in settings]
    videos = [file for video in videos for file in _files_of(video)]
    files = [video for video in videos if Path(video).is_file()]
    for video in videos:
        if files and video not in files:
            raise MissingDataError(
                f"There is no video file {video}; caption files and ids of stored videos in separate calls."
            )
        if not files and has_media_ending(video):
            raise MissingDataError(f"There is no video file {video}.")
    # The model folder defines which settings its extractors have; they report misspelt ones themselves.
    settings = [f"++{each}" if group_of(each) in EXTRACTOR_GROUPS else each for each in settings]
    return settings, videos, files


def _files_of(video: str) -> list[str]:
    """The videos of a folder, by path; anything else as it is."""
    if not Path(video).is_dir():
        return [video]
    from stgraph.video.ids import find_files

    found = [str(file) for file in find_files(Path(video)) if has_media_ending(file)]
    if not found:
        raise MissingDataError(f"No file in {video} has a video's ending (.mp4, .avi, .webm, ...).")
    return found


def split_video_arguments(chosen: argparse.Namespace) -> tuple[str | None, list[str]]:
    """Sorts the arguments of a command that shows one video.

    Args:
        chosen: What :func:`parser_of` parsed.

    Returns:
        The video of a store or run, None if none is named, and the settings.

    Raises:
        MissingDataError: If the source does not exist.
        OptionError: If several videos are named, or one besides a video file.
    """
    if not chosen.source.exists():
        raise MissingDataError(f"There is no video, store or run at {chosen.source}.")
    settings = [argument for argument in chosen.settings if looks_like_override(argument)]
    videos = [argument for argument in chosen.settings if argument not in settings]
    if len(videos) > 1:
        raise OptionError(f"One video is shown at a time, got '{videos[0]}' and '{videos[1]}'; name one.")
    kind = kind_of_source(chosen.source)
    if videos and kind == "video":
        raise OptionError(f"{chosen.source} is a video file and has no video '{videos[0]}'; leave it out.")
    if kind == "run":
        settings = [f"++{each}" if group_of(each) in EXTRACTOR_GROUPS else each for each in settings]
    return (videos or [None])[0], settings


def kind_of_source(source: Path) -> str:
    """Whether a path is that of a "run", a "store" or a "video"."""
    if (source / "config.json").is_file():
        return "run"
    return "store" if source.is_dir() or source.suffix.lower() in (".h5", ".hdf5") else "video"
