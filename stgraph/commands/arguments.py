"""Parser, help and shell completion of every command. Imports neither torch nor hydra."""

from __future__ import annotations

import argparse
from typing import NoReturn

from stgraph.commands.argument_lists import ARGUMENTS, DATA_SETS, FIGURES
from stgraph.errors import printable
from stgraph.settings.choices import OPTIONAL, choices_of, default_groups

__all__ = [
    "ABLATE_KEYS",
    "COMMANDS",
    "CONFIG_OF",
    "completions",
    "options_of",
    "parser_of",
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
