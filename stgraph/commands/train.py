"""``stgraph train [experiment=... key=value ...]``: trains a captioner and writes a model folder."""

from __future__ import annotations

from pathlib import Path

from stgraph.commands.arguments import parser_of
from stgraph.commands.console.output import say
from stgraph.commands.console.progress import progress_line
from stgraph.commands.console.summary import training_summary
from stgraph.settings.compose import compose
from stgraph.settings.training import is_first_rank, train

__all__ = ["run"]


def run(arguments: list[str]) -> int:
    """Runs ``stgraph train``."""
    config = compose("train", parser_of("train").parse_args(arguments).settings)
    try:
        folder = train(config, progress_line("videos"))
    except KeyboardInterrupt as stop:
        if not is_first_rank():  # the first rank prints the advice
            return 130
        if not config.resume and (Path(config.run) / "checkpoints" / "last.ckpt").is_file():
            raise KeyboardInterrupt(
                f"to continue {config.run}, run the same command with resume=true."
            ) from stop
        raise
    if is_first_rank():
        say(training_summary(folder), error=True)
    return 0
