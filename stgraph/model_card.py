"""Model cards: what a model was trained on, how it scores, and under which licence it is shared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stgraph.models import ModelConfig
from stgraph.parsing import read_json

__all__ = ["model_card"]

PAPERS = {
    "stgkd": "Pan et al., Spatio-Temporal Graph for Video Captioning with Knowledge Distillation, CVPR 2020",
    "stat": "Tu et al., Video Description with Spatial-Temporal Attention, ACM MM 2017",
    "stats": "Cherian et al., Spatio-Temporal Ranked-Attention Networks for Video Captioning, WACV 2020",
}


def model_card(config: ModelConfig, folder: Path | None = None, *, license: str | None = None) -> str:
    """The model card of a model as Markdown with the metadata that the Hugging Face hub reads.

    Args:
        config: The model's configuration.
        folder: Its model folder; scores in ``evaluation-*.json``, as ``stgraph evaluate`` writes them, are listed.
        license: Licence identifier, such as "mit"; None says that none is given.
    """
    lines = [
        "---",
        "library_name: stgraph",
        *([f"license: {license}"] if license else []),
        "pipeline_tag: video-text-to-text",
        "tags: [video-captioning, graph-neural-network, pytorch-geometric]",
        "---",
        "",
        f"# {config.model}: a video captioning model",
        "",
        f"Trained with stgraph {config.stgraph}. {_paper(config.model)}",
        "",
        "```python",
        "import stgraph as sg",
        "",
        'captioner = sg.CaptionPipeline.from_pretrained("hf://OWNER/NAME")  # or this folder',
        'print(captioner("cat.mp4").text)',
        "```",
        "",
        "## Training data",
        "",
    ]
    if config.data is None:
        lines.append("Not recorded.")
    else:
        splits = ", ".join(f"{number} {split}" for split, number in config.data.videos.items())
        lines.append(f"{config.data.name}: {splits} videos.")
    lines += ["", "## Features", ""]
    if config.extractors:
        lines += ["| stream | extractor | weights |", "|---|---|---|"]
        lines += [
            f"| {stream} | {_cell(record.name)} | {_cell(record.weights[:24])} |"
            for stream, record in sorted(config.extractors.items())
        ]
    else:
        lines.append("Trained on ready-made graphs; what made their features is not recorded.")
    frames = "all extracted frames" if config.num_frames is None else f"{config.num_frames} frames"
    lines += ["", f"{frames[0].upper()}{frames[1:]} per video. Graph: {_graph(config)}.", "", "## Scores", ""]
    scores = _scores(folder)
    lines += scores or ["Not evaluated; run `stgraph evaluate` on the folder and save the card again."]
    lines += [
        "",
        "## Licence",
        "",
        license or "None was given: ask the author before you use the weights.",
        "",
    ]
    return "\n".join(lines)


def _paper(model: str) -> str:
    return f"The method is that of {PAPERS[model]}." if model in PAPERS else ""


def _graph(config: ModelConfig) -> str:
    if config.graph is None:
        return "ready-made"
    return ", ".join(f"{name} {value}" for name, value in config.graph.model_dump().items())


def _scores(folder: Path | None) -> list[str]:
    lines: list[str] = []
    for path in sorted(folder.glob("evaluation-*.json")) if folder is not None else ():
        try:
            content: dict[str, Any] = read_json(path)
            scores, intervals = content["scores"], content.get("intervals") or {}
            title = f"{content['dataset']}, {content['split']} split, {content['videos']} videos, {content['branch']} branch"
            cells = [
                f"{100 * value:.1f}{_interval(intervals.get(metric))}" for metric, value in scores.items()
            ]
        except (ValueError, KeyError, TypeError):
            continue  # not an evaluation of ours
        lines += [
            f"{title} (times 100, with 95 % bootstrap intervals over videos):",
            "",
            "| " + " | ".join(scores) + " |",
            "|" + "---|" * len(scores),
            "| " + " | ".join(cells) + " |",
            "",
        ]
    return lines[:-1]


def _interval(ends: Any) -> str:
    if isinstance(ends, dict):
        ends = (ends.get("low"), ends.get("high"))
    if not isinstance(ends, list | tuple) or len(ends) < 2 or None in ends[-2:]:
        return ""
    return f" ({100 * ends[-2]:.1f} to {100 * ends[-1]:.1f})"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
