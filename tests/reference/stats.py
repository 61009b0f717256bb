"""STaTS in loops over frames, regions and words in float64, from the paper's equations; nothing here comes from stgraph.

A video is a list of frames, each a list of its real regions.
"""

import math

import torch

from tests.reference.stat import additive, lstm, mix, softmax


def mean(vectors):
    """Mean of a list of vectors."""
    return mix([1 / len(vectors)] * len(vectors), vectors, len(vectors[0]))


def within_frames(h, video, w):
    """Eq. 3 frame by frame: x-hat_1 .. x-hat_T of frames that have regions, and the weights."""
    weights = [additive(h, regions, w) for regions in video]
    frames = [mix(e, regions, len(regions[0])) for e, regions in zip(weights, video, strict=True) if regions]
    return frames, weights


def time_averaged(h, video, w):
    """Section 3.1.1: x-tilde_j is a cell's mean over time; its weights serve all frames."""
    cells = [mean([frame[j] for frame in video]) for j in range(len(video[0]))]
    share = additive(h, cells, w)
    return [mix(share, frame, len(frame[0])) for frame in video], [share] * len(video)


def read_by_lstm(frames, w):
    """Eq. 8: the last hidden state."""
    h = c = torch.zeros(len(frames[0]), dtype=torch.float64)
    for x in frames:
        h, c = lstm(x, h, c, w)
    return h


def ranking(w, frames, beta=1.0):
    """Eq. 6-7, term by term: log(1 + exp(<w, x_{t-1}> + beta - <w, x_t>))."""
    return [
        math.log1p(math.exp(float(w @ frames[t - 1]) + beta - float(w @ frames[t])))
        for t in range(1, len(frames))
    ]


def all_regions(h, video, w):
    """Eq. 1 over all n T features."""
    regions = [x for frame in video for x in frame]
    return mix(additive(h, regions, w), regions, len(regions[0]))


def mean_then_temporal(h, video, w):
    """The mean of each frame's regions, then Eq. 1 over frames."""
    frames = [mean(frame) for frame in video if frame]
    return mix(additive(h, frames, w), frames, len(frames[0]))


def temporo_spatial(h, video, frame_w, region_w, temperature=0.1, hard=False):
    """Eq. 9-11, with a softmax of low temperature in place of the arg max, or with the arg max itself."""
    video = [frame for frame in video if frame]
    share = additive(h, [mean(frame) for frame in video], frame_w, temperature)
    if hard:
        tau = share.index(max(share))
        share = [float(t == tau) for t in range(len(video))]
    out = torch.zeros(len(video[0][0]), dtype=torch.float64)
    for a, frame in zip(share, video, strict=True):
        for e, x in zip(additive(h, frame, region_w), frame, strict=True):
            out = out + a * e * x
    return out


def combine(h, st, ts, w):
    """Eq. 12; w holds W_ST, W_TS, w_ST, w_TS and the one W_h."""
    first = float(w["w_ST"] @ torch.tanh(w["W_ST"] @ st + w["W_h"] @ h))
    second = float(w["w_TS"] @ torch.tanh(w["W_TS"] @ ts + w["W_h"] @ h))
    a, b = softmax([first, second])
    return torch.tanh(a * st + b * ts)


def self_attention(words, w):
    """What the last of some words sees of them all, by one head."""
    q = w["Q"] @ words[-1] + w["q"]
    scores = [float(q @ (w["K"] @ e + w["k"])) / math.sqrt(len(q)) for e in words]
    values = [w["V"] @ e + w["v"] for e in words]
    return w["O"] @ mix(softmax(scores), values, len(q)) + w["o"]


def caption(words, see, w, category=()):
    """Logits of each next word; ``see`` gives x-hat for a language state [h ; s]."""
    h = c = torch.zeros(w["hidden"], dtype=torch.float64)
    logits = []
    for position, e in enumerate(words):
        s = self_attention(words[: position + 1], w["words"])
        x_hat = see(torch.cat([h, s]))
        h, c = lstm(torch.cat([e, x_hat, *category]), h, c, w["lstm"])
        logits.append(w["W"] @ h + w["b"])
    return torch.stack(logits)
