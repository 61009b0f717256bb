import torch

from stgraph.graph.edges.blocks import blocks_of_runs, chunks, frame_runs, softmax_blocks


def test_runs_of_frames():
    number, first, count = frame_runs(torch.tensor([2, 2, 3, 7, 7, 7]))
    assert (number.tolist(), first.tolist(), count.tolist()) == ([2, 3, 7], [0, 2, 3], [2, 1, 3])


def test_chunks_cover_every_block_once():
    covered = [block for start, end in chunks(1000, 5000) for block in range(start, end)]
    assert covered == list(range(1000))
    assert max(end - start for start, end in chunks(1000, 5000)) * 5000 <= 2**17
    assert list(chunks(2, 2**30)) == [(0, 1), (1, 2)]  # a block larger than a chunk still goes through


def test_blocks_hold_their_run_first():
    values = torch.arange(6.0)[:, None]
    ragged = blocks_of_runs(values, torch.tensor([0, 2, 3]), torch.tensor([2, 1, 3]))
    assert ragged.shape == (3, 3, 1)
    assert ragged[0, :2, 0].tolist() == [0, 1]
    assert ragged[1, :1, 0].tolist() == [2]
    assert ragged[2, :, 0].tolist() == [3, 4, 5]


def test_equal_runs_are_not_copied():
    values = torch.arange(12.0).reshape(6, 2)
    equal = blocks_of_runs(values, torch.tensor([2, 4]), torch.tensor([2, 2]))
    assert equal.tolist() == [[[4, 5], [6, 7]], [[8, 9], [10, 11]]]
    assert equal.untyped_storage().data_ptr() == values.untyped_storage().data_ptr()


def test_softmax_leaves_out_what_fills_up():
    similarity = torch.tensor([[[0.0, 0.0], [0.5, 0.1]], [[0.1, 0.9], [0.2, 0.8]]])
    rows = torch.tensor([10, 20]), torch.tensor([1, 2])
    edge_index, weight = softmax_blocks(similarity, rows, (torch.tensor([30, 40]), torch.tensor([2, 1])))
    assert edge_index.T.tolist() == [[10, 30], [10, 31], [20, 40], [21, 40]]
    assert weight.tolist() == [0.5, 0.5, 1.0, 1.0]


def test_softmax_of_blocks_without_filler():
    similarity = torch.tensor([[[0.0, 0.0], [0.5, 0.5]], [[0.1, 0.1], [0.2, 0.2]]])
    two = torch.tensor([2, 2])
    edge_index, weight = softmax_blocks(similarity, (torch.tensor([0, 2]), two), (torch.tensor([2, 4]), two))
    assert edge_index.T.tolist() == [[0, 2], [0, 3], [1, 2], [1, 3], [2, 4], [2, 5], [3, 4], [3, 5]]
    assert weight.tolist() == [0.5] * 8


def test_filler_never_takes_a_cold_softmax_from_a_row():
    similarity = torch.tensor([[[0.0, 0.0, 1.0]]])  # the third column fills up
    zero, one = torch.tensor([0]), torch.tensor([1])
    _, weight = softmax_blocks(similarity, (zero, one), (one, torch.tensor([2])), temperature=1e-3)
    assert weight.tolist() == [0.5, 0.5]
