"""``stgraph extract FOLDER STORE [key=value ...]``: extracts features of all videos of a folder into one store."""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from pathlib import Path

import torch
from omegaconf import DictConfig

from stgraph.commands.arguments import parser_of
from stgraph.commands.console.output import say
from stgraph.commands.weights_to_fetch import check_weights
from stgraph.errors import OptionError, shown
from stgraph.extraction import (
    ExtractionLog,
    ExtractionPlan,
    ExtractorChoice,
    FrameRule,
    Outcome,
    PlannedExtractors,
    Timings,
    extract_to_store,
    extract_videos,
    find_videos,
    take_shard,
)
from stgraph.extraction.job import Engine
from stgraph.features.store import info
from stgraph.processes import give_back_memory
from stgraph.settings.compose import compose, plain
from stgraph.settings.overrides import EXTRACTOR_GROUPS
from stgraph.training.devices import device_of

__all__ = ["run"]


def run(arguments: list[str]) -> int:
    """Runs ``stgraph extract``; the exit status is 1 if a video could not be extracted."""
    chosen = parser_of("extract").parse_intermixed_args(arguments)
    check_weights(compose("extract", chosen.settings, complete=False))
    config = compose("extract", chosen.settings)
    sources, others = find_videos(chosen.folder)
    if others:
        names = ", ".join(shown(path.name) for path in others[:5]) + (", ..." if len(others) > 5 else "")
        say(f"Skipped {len(others)} non-video file{'s' * (len(others) != 1)}: {names}", error=True)
    sources = take_shard(sources, chosen.shard)
    device = _device(config)
    give_back_memory()
    plan = plan_of(config)
    planned = plan.build("cpu" if config.engine == "ray" else device)  # Ray's actors build their own
    say(f"{len(sources)} videos, {config.frames.rule} {config.frames.number}: {_named(planned)} on {device}")
    timings, start = Timings(), time.monotonic()
    outcome = extract_to_store(
        sources,
        planned,
        chosen.store,
        _engine(config, planned, timings, device),
        dtype=config.dtype,
        videos_per_shard=config.videos_per_shard,
        progress=_Progress(len(sources)),
    )
    _tell(outcome, chosen.store, timings, time.monotonic() - start)
    ExtractionLog(
        failed={shown(failure.source.path, 4096): failure.reason for failure in outcome.failures},
        seconds_per_video={
            name: timings.seconds[name] / outcome.added for name in timings.seconds if outcome.added
        },
        device=str(device),
    ).save(chosen.store)
    say(
        f"Next: stgraph train data=folder data.dataset.store={chosen.store} data.dataset.captions=CAPTIONS",
        error=True,
    )
    return 1 if outcome.failures else 0


def plan_of(config: DictConfig) -> ExtractionPlan:
    """Builds the extraction plan from the configuration, which may name any class as an extractor."""
    choices = []
    for group in EXTRACTOR_GROUPS:
        settings = plain(config[group])
        name = settings.pop("name")
        if name is not None:
            choices.append(ExtractorChoice(name, settings))
    return ExtractionPlan(
        choices, FrameRule(**plain(config.frames)), allow=[choice.name for choice in choices]
    )


def _device(config: DictConfig) -> torch.device:
    """Returns the device that the extractors run on."""
    if config.engine != "ray":
        return device_of(config.device)
    if config.device not in ("auto", "cpu"):
        raise OptionError("'device' only applies to engine=local; with engine=ray set ray.gpus_per_actor.")
    return torch.device("cuda" if config.ray.gpus_per_actor else "cpu")


def _engine(config: DictConfig, planned: PlannedExtractors, timings: Timings, device: torch.device) -> Engine:
    batch_size = config.batch_size or (32 if device.type == "cpu" else 128)
    if config.engine == "local":
        threads = config.threads or min(16, max(1, (os.cpu_count() or 2) // 2))
        return partial(
            extract_videos, planned=planned, threads=threads, batch_size=batch_size, timings=timings
        )
    if config.engine == "ray":
        from stgraph.extraction.ray_engine import check_ray, extract_with_ray

        check_ray()
        return partial(
            extract_with_ray, plan=planned.plan, batch_size=batch_size, timings=timings, **plain(config.ray)
        )
    raise OptionError(f"'engine' must be local or ray, got {config.engine!r}.")


def _named(planned: PlannedExtractors) -> str:
    return ", ".join(
        f"{choice.name} ({' + '.join(extractor.streams)})"
        for choice, extractor in zip(planned.plan.choices, planned.extractors, strict=True)
    )


def _tell(outcome: Outcome, store: Path, timings: Timings, seconds: float) -> None:
    if outcome.added:
        models = ", ".join(
            f"{name} {timings.items[name] / timings.seconds[name]:.1f}/s" for name in timings.seconds
        )
        say(f"{outcome.added} videos in {seconds:.1f} s ({outcome.added / seconds:.2f}/s); {models}")
    if outcome.skipped:
        say(f"{outcome.skipped} were in the store already")
    say(info(store))
    if outcome.failures:
        say(f"\n{len(outcome.failures)} could not be extracted:", error=True)
        for failure in outcome.failures:
            path = str(failure.source.path)
            say(
                f"  {shown(path)}: {shown(failure.reason.removeprefix(path).lstrip(': '), 500)}",
                error=True,
            )


class _Progress:
    """Progress that rewrites one line on a terminal and prints a line every 30 seconds elsewhere."""

    def __init__(self, total: int) -> None:
        self.total, self.start, self.shown = total, time.monotonic(), time.monotonic()

    def __call__(self, outcome: Outcome) -> None:
        tried = outcome.added + len(outcome.failures)
        done, now = outcome.skipped + tried, time.monotonic()
        terminal = sys.stderr.isatty()
        if not tried or (now - self.shown < (0.2 if terminal else 30) and done < self.total):
            return
        self.shown, rate = now, tried / (now - self.start)
        left = (self.total - done) / rate
        failed = f", {len(outcome.failures)} failed" if outcome.failures else ""
        line = f"{done}/{self.total} videos{failed}, {rate:.2f} videos/s, {_clock(left)} left"
        end = "\n" if not terminal or done == self.total else ""
        sys.stderr.write(f"\r{line:<70}{end}" if terminal else f"{line}{end}")
        sys.stderr.flush()


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
