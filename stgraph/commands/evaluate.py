"""``stgraph evaluate RUN [split=test decoding.method=beam key=value ...]``: scores a trained captioner on a split."""

from __future__ import annotations

from stgraph.commands.arguments import parser_of
from stgraph.commands.console.output import say
from stgraph.commands.console.table import score_table
from stgraph.decoding import Greedy, decoding_from_options
from stgraph.metrics import bootstrap_intervals
from stgraph.pipeline import CaptionPipeline
from stgraph.settings.compose import compose, plain, saved_config
from stgraph.settings.training import open_data
from stgraph.training import run_record
from stgraph.training.devices import device_of

__all__ = ["run"]

LEVEL, SAMPLES, SEED = 0.95, 1000, 0  # of the bootstrap intervals


def run(arguments: list[str]) -> int:
    """Runs ``stgraph evaluate``."""
    chosen = parser_of("evaluate").parse_intermixed_args(arguments)
    saved = saved_config(chosen.run)
    config = compose("evaluate", chosen.settings, data=saved.data)
    decoding = decoding_from_options(**plain(config.decoding))
    captioner = CaptionPipeline.from_pretrained(chosen.run, device=device_of(config.device))
    result = captioner.evaluate(
        open_data(config.data),
        config.split,
        config.branch,
        batch_size=config.batch_size,
        decoding=decoding,
    )
    intervals = bootstrap_intervals(result.scores, SAMPLES, LEVEL, SEED)
    way = "" if decoding == Greedy() else f", {decoding.label}"
    rows = {
        f"{result.branch} branch{way}": result.scores,
        f"  {100 * LEVEL:g} % from": {metric: interval.low for metric, interval in intervals.items()},
        "       to": {metric: interval.high for metric, interval in intervals.items()},
    }
    say(score_table(rows, f"{result.dataset}, {result.split} split"))
    path = chosen.run / result.file_name
    bootstrap = {"unit": "video", "level": LEVEL, "samples": SAMPLES, "seed": SEED}
    record = {"intervals": intervals, "bootstrap": bootstrap}
    result.save(path, {**record, **run_record(saved.seed)})
    say(f"Captions and scores are in {path}.")
    say(f"Next: stgraph compare {chosen.run} OTHER_RUN split={config.split}", error=True)
    return 0
