import torch

from stgraph.graph.edges.rule import row_order


def test_sorts_by_row_then_column_and_keeps_equal_pairs_in_order():
    edge_index = torch.tensor([[2, 0, 2, 0, 2], [1, 3, 0, 1, 1]])
    order, key = row_order(edge_index, 4)
    assert edge_index[:, order].T.tolist() == [[0, 1], [0, 3], [2, 0], [2, 1], [2, 1]]
    assert order.tolist() == [3, 1, 2, 0, 4]
    assert key.tolist() == [1, 3, 8, 9, 9]
