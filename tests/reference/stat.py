"""STAT word by word, in loops over captions, frames and regions in float64; nothing here comes from stgraph.

``w`` holds weights by the names of the formulas of DESIGN.md section 6; frames and regions are lists of real ones only.
"""

import math

import torch


def softmax(scores):
    """Plain softmax of a list of numbers; nothing for nothing."""
    total = sum(math.exp(score) for score in scores)
    return [math.exp(score) / total for score in scores]


def mix(weights, vectors, size):
    """sum_i a_i x_i."""
    out = torch.zeros(size, dtype=torch.float64)
    for weight, vector in zip(weights, vectors, strict=True):
        out = out + weight * vector
    return out


def score(h, x, w):
    """u . tanh(W x + b + V h); the scalar k of the released code is added, to show that it cancels."""
    return float(w["u"] @ torch.tanh(w["W"] @ x + w["b"] + w["V"] @ h)) + 0.7


def additive(h, vectors, w, temperature=1.0):
    """softmax_i of the scores over tau."""
    return softmax([score(h, x, w) / temperature for x in vectors])


def local_frames(h, regions, w, spatial=True):
    """l-hat of each frame and its weights; None for a frame without regions."""
    frames, weights = [], []
    for inside in regions:
        share = additive(h, inside, w) if spatial else [1 / len(inside) for _ in inside]
        weights.append(share)
        frames.append(mix(share, inside, len(inside[0])) if inside else None)
    return frames, weights


def context(h, streams, w, spatial=True):
    """sigma(w . h + b) sum_z sum_i a_i z_i; streams by name, the local one as regions by frame; also all weights."""
    total, maps = 0, {}
    for name, frames in streams.items():
        if name == "local":
            frames, maps["regions"] = local_frames(h, frames, w.get("spatial"), spatial)
        places = [i for i, frame in enumerate(frames) if frame is not None]
        share = additive(h, [frames[i] for i in places], w[name])
        maps[name] = [0.0] * len(frames)
        for i, a in zip(places, share, strict=True):
            maps[name][i] = a
            total = total + a * frames[i]
    gate = 1 / (1 + math.exp(-float(w["gate"] @ h + w["gate_b"])))
    return gate * total, maps


def lstm(x, h, c, w):
    """One step, unit by unit; w maps each of i, f, o and g to (W, U, b)."""
    new_h, new_c = torch.zeros_like(h), torch.zeros_like(c)

    def sigmoid(value):
        return 1 / (1 + math.exp(-value))

    for k in range(len(h)):
        a = {part: float(W[k] @ x + U[k] @ h + b[k]) for part, (W, U, b) in w.items()}
        new_c[k] = sigmoid(a["f"]) * c[k] + sigmoid(a["i"]) * math.tanh(a["g"])
        new_h[k] = sigmoid(a["o"]) * math.tanh(float(new_c[k]))
    return new_h, new_c


def caption(words, streams, w, mean):
    """Logits of each next word; ``words`` are embedded, the first one a zero vector."""
    h, c = torch.tanh(w["h0"] @ mean + w["h0_b"]), torch.tanh(w["c0"] @ mean + w["c0_b"])
    logits, maps = [], []
    for x in words:
        ctx, seen = context(h, streams, w)
        h, c = lstm(torch.cat([x, ctx]), h, c, w["lstm"])
        q = w["W_o"] @ h + w["b_o"] + x + w["W_z"] @ ctx + w["b_z"]
        logits.append(w["W_v"] @ torch.tanh(q) + w["b_v"])
        maps.append(seen)
    return torch.stack(logits), maps


def doubly_stochastic(maps):
    """sum over maps and captions of mean_i (1 - sum_l a_li)^2; a map is captions of words of places, real ones only."""
    total = 0.0
    for captions in maps:
        for weights in captions:
            places = range(len(weights[0]))
            squares = [(1 - sum(word[i] for word in weights)) ** 2 for i in places]
            total += sum(squares) / len(squares)
    return total
