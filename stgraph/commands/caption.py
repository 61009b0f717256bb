"""``stgraph caption VIDEO... --model RUN [key=value ...]``: captions video files or stored videos, one line each."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig
from PIL import Image

from stgraph.commands.arguments import parser_of
from stgraph.commands.caption_fields import caption_fields
from stgraph.commands.console.output import say
from stgraph.commands.figure_inputs import frames_of
from stgraph.commands.video_arguments import split_caption_arguments
from stgraph.decoding import decoding_from_options
from stgraph.errors import MissingDataError, OptionError
from stgraph.extraction import Failure, Timings
from stgraph.features.video_features import VideoFeatures
from stgraph.inspection import CaptionExample, write_report
from stgraph.pipeline import CaptionPipeline
from stgraph.settings.compose import compose, plain, saved_config
from stgraph.settings.overrides import EXTRACTOR_GROUPS
from stgraph.settings.training import open_data
from stgraph.training.devices import device_of

__all__ = ["run"]

SHOWN_FRAMES, SHOWN_HEIGHT = 5, 110  # frames per video on a page, and their height in pixels


def run(arguments: list[str]) -> int:
    """Runs ``stgraph caption``; the exit status is 1 if a file could not be captioned."""
    chosen = parser_of("caption").parse_intermixed_args(arguments)
    settings, videos, files = split_caption_arguments(chosen)
    if not videos:
        raise OptionError("Name at least one video, as in 'stgraph caption cat.mp4 --model runs/demo'.")
    config = compose("caption", settings, data={} if files else saved_config(Path(chosen.model)).data)
    how: dict[str, Any] = {
        "decoding": decoding_from_options(**plain(config.decoding)),
        "attention": chosen.attention,
    }
    captioner = CaptionPipeline.from_pretrained(
        chosen.model,
        device=device_of(config.device),
        allow=chosen.allow,
        extractor_settings={group: plain(config[group]) for group in EXTRACTOR_GROUPS},
    )
    if files:
        return _caption_files(captioner, files, config, how, as_json=chosen.json, page=chosen.html)
    dataset = open_data(config.data)
    categories = {video: dataset.corpus[video].category for video in videos if video in dataset.corpus}
    found = captioner.caption_store(
        dataset.store, videos, config.branch, config.batch_size, categories=categories, **how
    )
    shown: dict[str, list[str]] = {}
    for caption in found:
        shown.setdefault(caption.video_id, []).append(caption.text)
        if chosen.json:
            say(json.dumps(caption_fields(caption)))
        else:
            say(f"{caption.video_id}\t{caption.text}")
    if chosen.html is not None:
        references = {video: dataset.corpus[video].captions for video in shown if video in dataset.corpus}
        _write_page(
            chosen.html,
            [
                CaptionExample(
                    video,
                    _numbered(texts),
                    references.get(video, ()),
                    _frames(video, dataset.store.read(video, [])),
                )
                for video, texts in shown.items()
            ],
        )
    return 0


def _caption_files(
    captioner: CaptionPipeline,
    files: list[str],
    config: DictConfig,
    how: dict[str, Any],
    *,
    as_json: bool,
    page: Path | None,
) -> int:
    branch = config.branch or captioner.default_branch
    # Load the extractors before the clock starts: their weights take a while and belong to no video.
    label_names = captioner.extractors(branch).label_names
    timings, failed, start, words = Timings(), 0, time.perf_counter(), 0.0
    examples: list[CaptionExample] = []
    results = captioner.extract_features(files, branch, threads=config.threads, timings=timings)
    for group in _groups(results, config.batch_size):
        found = [video for video in group if isinstance(video, VideoFeatures)]
        begun = time.perf_counter()
        captions = defaultdict(list)
        for caption in captioner.caption_all(found, branch, config.batch_size, **how):
            captions[caption.video_id].append(caption)
        words += time.perf_counter() - begun
        for video in group:
            if isinstance(video, Failure):
                failed += 1
                path = str(video.source.path)
                reason = video.reason.removeprefix(path).lstrip(": ")
                say(f"{path}: {reason}", error=True)
                examples.append(CaptionExample(path, {"could not be captioned": reason}))
                continue
            if page is not None:
                texts = [caption.text for caption in captions[video.id]]
                examples.append(CaptionExample(video.id, _numbered(texts), (), _frames(video.id, video)))
            for caption in captions[video.id]:
                if as_json:
                    say(json.dumps(caption_fields(caption, label_names, video)), flush=True)
                else:
                    say(f"{video.id}\t{caption.text}", flush=True)
    _tell_time(captioner, branch, timings, words, time.perf_counter() - start, len(files) - failed)
    if page is not None:
        _write_page(page, examples)
    return 1 if failed else 0


def _numbered(texts: list[str]) -> dict[str, str]:
    """Captions of one video by what the page writes over them: nothing over a single one."""
    return {f"caption {n + 1}" if len(texts) > 1 else "": text for n, text in enumerate(texts)}


def _frames(video: str, features: VideoFeatures) -> np.ndarray | None:
    """Some small frames of a video; None for a stored video whose file is not known."""
    try:
        frames = frames_of(video, features.sample(SHOWN_FRAMES), None)
    except MissingDataError:
        return None
    height, width = frames.shape[1:3]
    size = (max(round(width * SHOWN_HEIGHT / height), 1), SHOWN_HEIGHT)
    return np.stack([np.asarray(Image.fromarray(frame).resize(size)) for frame in frames])


def _write_page(path: Path, examples: list[CaptionExample]) -> None:
    write_report(path, examples)
    say(f"Wrote {path}.", error=True)


def _groups(results: Iterator[Any], size: int) -> Iterator[list[Any]]:
    while group := list(islice(results, size)):
        yield group


def _tell_time(
    captioner: CaptionPipeline, branch: str, timings: Timings, words: float, seconds: float, videos: int
) -> None:
    if not videos:
        return
    parts = [f"{name} {taken:.1f}" for name, taken in timings.seconds.items()] + [f"words {words:.1f}"]
    say(f"{videos} videos in {seconds:.1f} s: {', '.join(parts)}", error=True)
    detector = captioner.config.extractors.get("object")
    if detector is not None and "object" not in captioner.extractors(branch).records:
        cost = detector.seconds_per_video
        saved = (
            f"which saves {cost * videos:.1f} s at the {cost:.2f} s a video that it took for the training features"
            if cost is not None
            else "whose time for the training features is not known"
        )
        say(f"The {branch} branch needs no detector: {detector.name} did not run, {saved}.", error=True)
