"""Eq. 4 with dense matrices in float64, and attention written as a loop over queries; nothing here comes from stgraph."""

import math

import torch


def normalised(graph):
    """Lambda^-1/2 G Lambda^-1/2, a row sum of 0 counted as 1."""
    graph = graph.double()
    size = graph.shape[0]
    degree = [sum(float(graph[i, j]) for j in range(size)) for i in range(size)]
    scale = torch.diag(
        torch.tensor([1.0 if d == 0 else 1 / math.sqrt(d) for d in degree], dtype=torch.float64)
    )
    return scale @ graph @ scale


def residual_gcn(x, graph, weight, transpose=False):
    """ReLU(H + Lambda^-1/2 G Lambda^-1/2 H W), or with the normalised matrix transposed."""
    matrix = normalised(graph)
    if transpose:
        matrix = matrix.T
    return torch.relu(x.double() + matrix @ x.double() @ weight.double())


def dense(edge_index, edge_weight, size):
    graph = torch.zeros(size, size, dtype=torch.float64)
    for (i, j), w in zip(edge_index.T.tolist(), edge_weight.tolist(), strict=True):
        graph[i, j] = w
    return graph


def attention(query, keys, values, visible):
    """softmax(q . k / sqrt(d)) v for one head, query by query; visible[l][s] says what query l may see."""
    out = torch.zeros(len(query), values.shape[1], dtype=torch.float64)
    for row, q in enumerate(query):
        scores = {s: float(q @ keys[s]) / math.sqrt(len(q)) for s in range(len(keys)) if visible[row][s]}
        total = sum(math.exp(score) for score in scores.values())
        for s, score in scores.items():
            out[row] += math.exp(score) / total * values[s]
    return out
