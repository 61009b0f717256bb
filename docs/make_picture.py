"""Draws the picture of the README, a graph of a generated video: python docs/make_picture.py."""

from __future__ import annotations

from pathlib import Path

from stgraph import VideoGraphBuilder
from stgraph.datasets.interactions import (
    FPS,
    KINDS,
    VERBS,
    extract_video_features,
    make_scene,
    render_video,
    video_id,
)
from stgraph.datasets.interactions.pixels import BlobDetector
from stgraph.inspection import draw_graph

SEED, INDEX, FRAMES = 0, 48, 4


def main() -> None:
    name = video_id(SEED, INDEX)
    frames = render_video(name)
    video = extract_video_features(name, frames, FPS).sample(FRAMES)
    assert video.detections is not None
    scene = make_scene(SEED, INDEX)
    actor, patient = (KINDS[kind].noun for kind in scene.kinds[:2])
    graph = VideoGraphBuilder(score_threshold=0.5)(video.detections)
    figure = draw_graph(
        graph,
        frames[video.frame_index],
        label_names=BlobDetector.label_names,
        title=f"a {actor} {VERBS[scene.verb].forms[0][0]} a {patient}",
    )
    figure.savefig(Path(__file__).parent / "images" / "graph.jpg", dpi=130)


if __name__ == "__main__":
    main()
