"""``stgraph figure NAME RUN... [-o FILE]``: draws the figures of the papers from trained runs."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from stgraph.commands.argument_lists import FIGURES
from stgraph.commands.arguments import parser_of
from stgraph.commands.caption_examples import caption_examples
from stgraph.commands.console.output import say
from stgraph.commands.figure_inputs import TrainedRun, frames_of, short_names
from stgraph.commands.words import choose_tagger, evaluation_file, model_of, read_evaluation
from stgraph.datasets.corpus.captions import SPLITS
from stgraph.errors import MissingDataError, OptionError, shown
from stgraph.experiments import mean_interval
from stgraph.features.streams import grid_names
from stgraph.graph import graphs_of
from stgraph.inspection import (
    FrameSharpness,
    caption_saliency,
    draw_attention,
    draw_captions,
    draw_saliency,
    draw_sharpness,
    draw_word_counts,
    frame_sharpness,
    region_layout,
)
from stgraph.metrics import WordCounts, count_words
from stgraph.settings.compose import compose
from stgraph.settings.overrides import EXTRACTOR_GROUPS, group_of, looks_like_override

__all__ = ["run"]

Runs = list[TrainedRun]


def run(arguments: list[str]) -> int:
    """Runs ``stgraph figure``."""
    chosen = parser_of("figure").parse_intermixed_args(arguments)
    if chosen.name not in FIGURES:
        raise OptionError(f"NAME must be one of {', '.join(FIGURES)}, got '{shown(chosen.name)}'.")
    if chosen.split not in SPLITS:
        raise OptionError(f"'--split' must be one of {', '.join(SPLITS)}, got '{shown(chosen.split)}'.")
    for option, least in (("count", 1), ("frames", 0)):
        if getattr(chosen, option) < least:
            raise OptionError(f"'--{option}' must be at least {least}, got {getattr(chosen, option)}.")
    chosen.output = chosen.output or Path(f"{chosen.name}.svg")
    if not chosen.output.absolute().parent.is_dir():
        raise MissingDataError(f"There is no folder for {chosen.output}; make it first.")
    settings = [each for each in chosen.sources if looks_like_override(each)]
    paths = [Path(each) for each in chosen.sources if each not in settings]
    if not paths:
        raise OptionError(f"Name at least one run, as in 'stgraph figure {chosen.name} runs/mine'.")
    for path in paths:
        if not path.exists():
            raise MissingDataError(f"There is no run at {path}; train one with 'stgraph train run={path}'.")
    settings = [f"++{each}" if group_of(each) in EXTRACTOR_GROUPS else each for each in settings]
    config = compose("caption", settings, data={})
    runs = [TrainedRun(path, config) for path in paths]
    _single(chosen, runs)
    DRAW[chosen.name](chosen, runs)
    say(f"Wrote {chosen.output}.")
    return 0


def _single(chosen: argparse.Namespace, runs: Runs) -> None:
    """Checks how many runs, branches and videos the figure can show."""
    limits = {"run": ("attention",), "--video": ("attention", "saliency")}
    if chosen.name in limits["run"] and len(runs) > 1:
        raise OptionError(f"'stgraph figure {chosen.name}' draws one run, got {len(runs)}; name one.")
    if chosen.name in limits["--video"] and len(chosen.video) > 1:
        raise OptionError(f"'stgraph figure {chosen.name}' draws one video; give --video once.")
    if chosen.name != "saliency" and len(chosen.branch) > 1:
        raise OptionError(f"'stgraph figure {chosen.name}' draws one branch; give --branch once.")


def _attention(chosen: argparse.Namespace, runs: Runs) -> None:
    source, captioner = runs[0], runs[0].captioner
    branch = next(iter(chosen.branch), captioner.default_branch)
    captioner.model.check_branch(branch)
    video = source.video_of(next(iter(chosen.video), None), chosen.split)
    features = source.features_of(video, branch)
    graph = graphs_of(
        [features],
        captioner.builder,
        None,
        sampling=captioner.config.sampling,
        grids=grid_names(captioner.model.streams(branch)),
    )[0]
    categories = (
        None
        if Path(video).is_file()
        else {each: source.data.corpus[each].category for each in (video,) if each in source.data.corpus}
    )
    (caption,) = captioner.caption_all([features], branch, categories=categories, attention=True)
    frames = frames_of(video, features, chosen.videos)
    layout = region_layout(captioner, branch, graph, features.size)
    draw_attention(caption, frames, graph, chosen.output, layout=layout)


def _saliency(chosen: argparse.Namespace, runs: Runs) -> None:
    video = runs[0].video_of(next(iter(chosen.video), None), chosen.split)
    found, frames, seen = {}, None, None
    for name, source in zip(short_names([each.folder for each in runs]), runs, strict=True):
        for branch in chosen.branch or [source.captioner.default_branch]:
            source.captioner.model.check_branch(branch)
            features = source.features_of(video, branch)
            if seen is not None and seen != features.frame_index.tolist():
                raise OptionError(
                    f"The runs see other frames of '{shown(video)}', so their maps cannot be compared; name runs with "
                    "the same data.num_frames and data.sampling."
                )
            if frames is None:
                seen, frames = features.frame_index.tolist(), frames_of(video, features, chosen.videos)
            label = name if len(chosen.branch) < 2 else f"{name} {branch}" if len(runs) > 1 else branch
            backbone = source.backbone(branch)
            found[label] = caption_saliency(
                source.captioner, features, frames, branch=branch, backbone=backbone
            )
    assert frames is not None
    draw_saliency(
        found, frames, chosen.output, references=runs[0].references_of(video), title=Path(video).name
    )


def _captions(chosen: argparse.Namespace, runs: Runs) -> None:
    files = [evaluation_file(each.folder, chosen.split) for each in runs]
    evaluations = [read_evaluation(file, chosen.split) for file in files]
    examples = caption_examples(
        files,
        evaluations,
        runs[0].config,
        chosen.split,
        chosen.count,
        chosen.frames,
        chosen.videos,
        chosen.video,
    )
    draw_captions(examples, chosen.output)


def _words(chosen: argparse.Namespace, runs: Runs) -> None:
    files = {evaluation_file(each.folder, chosen.split): model_of(each.folder) for each in runs}
    evaluations = {file: read_evaluation(file, chosen.split) for file in files}
    _, tagger = choose_tagger(None, evaluations)
    counts: dict[str, WordCounts] = {}
    for file, evaluation in evaluations.items():
        found = count_words(evaluation.captions, tagger)
        earlier = counts.get(files[file])  # seeds of one model are counted together
        counts[files[file]] = WordCounts(found.counts + earlier.counts) if earlier else found
    names = short_names([Path(model) for model in counts])
    draw_word_counts(dict(zip(names, counts.values(), strict=True)), chosen.output)


def _sharpness(chosen: argparse.Namespace, runs: Runs) -> None:
    models: dict[str, list[FrameSharpness]] = {}
    for each in runs:
        found = frame_sharpness(
            each.captioner, each.data, chosen.split, branch=next(iter(chosen.branch), None)
        )
        models.setdefault(model_of(each.folder), []).append(found)
    names = short_names([Path(model) for model in models])
    groups = dict(zip(names, models.values(), strict=True))
    say("| model | runs | map | largest frame weight | effective frames | even share |")
    say("|-------|------|-----|----------------------|------------------|------------|")
    for name, group in groups.items():
        cells = [
            _mean([getattr(one, measure) for one in group])
            for measure in ("mean_largest", "mean_effective", "mean_even")
        ]
        say(f"| {shown(name)} | {len(group)} | {group[0].attention} | {' | '.join(cells)} |")
    draw_sharpness(groups, chosen.output)


def _mean(values: list[float]) -> str:
    found = mean_interval(values)
    return f"{found.mean:.3f}" if found.runs == 1 else f"{found.mean:.3f} ± {found.deviation:.3f}"


DRAW: dict[str, Callable[[argparse.Namespace, Runs], None]] = {
    "attention": _attention,
    "saliency": _saliency,
    "captions": _captions,
    "words": _words,
    "sharpness": _sharpness,
}
