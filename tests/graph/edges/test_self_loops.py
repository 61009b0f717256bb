import torch

from stgraph.graph import VideoGraphBuilder
from tests.graph.samples import random_video, weights_of


def test_the_matrix_is_the_identity():
    videos = [random_video(0, counts=[2, 0, 3]), random_video(1, counts=[0]), random_video(2, counts=[1, 2])]
    builder = VideoGraphBuilder("self", None, max_objects=None, score_threshold=0.0)
    batch = builder.build_batch(videos)
    assert torch.equal(weights_of(batch), torch.eye(8))
    assert batch.edge_kind.tolist() == [0] * 8


def test_one_object_a_frame_has_as_many_frames_as_nodes_and_edges():
    video, streams = random_video(0, counts=[1, 1, 1]), torch.arange(6.0).reshape(3, 2)
    builder = VideoGraphBuilder("self", None, max_objects=None, score_threshold=0.0)
    batch = builder.build_batch([video, video], appearance=[streams, streams + 10])
    second = batch[1].subgraph(torch.tensor([2, 0]))
    assert second.edge_index.tolist() == [[1, 0], [1, 0]]
    assert torch.equal(second.appearance, streams + 10)
    assert torch.equal(second.x, video.features[[2, 0]])


def test_absent_objects_have_one_too():
    builder = VideoGraphBuilder("self", None, max_objects=3, score_threshold=0.0, pad_objects=3)
    assert torch.equal(weights_of(builder(random_video(0, counts=[2, 0]))), torch.eye(6))
