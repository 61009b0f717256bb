import torch

from stgraph.graph import dense_edges


def test_links_all_pairs_once_with_weight_one():
    edge_index, weight = dense_edges(torch.zeros(4, 4), torch.zeros(4, 2), torch.tensor([0, 0, 3, 9]))
    assert edge_index.T.tolist() == [[i, j] for i in range(4) for j in range(4)]
    assert torch.equal(weight, torch.ones(16))
