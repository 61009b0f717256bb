"""The released STAT in numpy, one caption and one word at a time, with its own names, words and dropout.

Written from the facts of DESIGN.md section 6; nothing here comes from stgraph. ``p`` holds parameters by their released
names. Words: 0 ends a caption, 1 is the unknown word. Dropout keeps half: in training ``drop`` gives masks of zeros and
ones, in testing every dropped value is multiplied by one half.
"""

import numpy as np

STREAMS = {"global": "g", "motion": "m", "local": "lt"}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def weights(h, x, p, letter):
    """Attention weights of the rows of x."""
    inner = x @ p[f"decoder_Wc{letter}_att"] + p[f"decoder_b{letter}_att"] + h @ p[f"decoder_Wd{letter}_att"]
    return softmax((np.tanh(inner) @ p[f"decoder_U{letter}_att"])[:, 0] + p[f"decoder_c{letter}_att"])


def halves(name, size):
    """Dropout in testing."""
    return np.full(size, 0.5)


def begin(video, p):
    """(h, c) before the first word of a video {"global" [T, D], "motion" [T, M], "local" [T, n, L]}."""
    mean = video["global"].mean(0)
    return np.tanh(mean @ p["ff_state_W"] + p["ff_state_b"]), np.tanh(
        mean @ p["ff_memory_W"] + p["ff_memory_b"]
    )


def step(word, h, c, video, p, drop=halves):
    """Next probabilities, state, and attention by name; ``word`` is None before the first one."""
    frames = {
        "global": video["global"],
        "motion": np.tanh(video["motion"] @ p["ff_motion_W"] + p["ff_motion_b"]),
    }
    regions = np.tanh(video["local"] @ p["ff_local_W"] + p["ff_local_b"])
    maps = {"spatial": np.stack([weights(h, inside, p, "l") for inside in regions])}
    frames["local"] = (maps["spatial"][:, :, None] * regions).sum(1)
    for name, letter in STREAMS.items():
        maps[name] = weights(h, frames[name], p, letter)
    context = sum(maps[name] @ frames[name] for name in STREAMS)
    context = sigmoid((h @ p["decoder_W_sel"])[0] + p["decoder_b_sel"]) * context
    x = np.zeros(p["Wemb"].shape[1]) if word is None else p["Wemb"][word]
    size = len(h)
    a = h @ p["decoder_U"] + x @ p["decoder_W"] + p["decoder_b"] + context @ p["decoder_Wc"]
    gates = sigmoid(a[: 3 * size] * drop("gates", 3 * size))
    enter, keep, leave = gates[:size], gates[size : 2 * size], gates[2 * size :]
    c = keep * c + enter * np.tanh(a[3 * size :])
    h = leave * np.tanh(c)
    q = (h * drop("state", size)) @ p["ff_logit_lstm_W"] + p["ff_logit_lstm_b"] + x
    q = q + context @ p["ff_logit_ctxglm_W"] + p["ff_logit_ctxglm_b"]
    logits = (np.tanh(q) * drop("readout", len(q))) @ p["ff_logit_W"] + p["ff_logit_b"]
    return softmax(logits), h, c, maps


def caption(words, video, p, drop=halves):
    """Probabilities of each word of a caption that ends in 0, ``[L, V]``, and attention ``[L, ...]`` by name."""
    h, c = begin(video, p)
    found, maps = [], []
    for word in [None, *words[:-1]]:
        probabilities, h, c, seen = step(word, h, c, video, p, drop)
        found.append(probabilities)
        maps.append(seen)
    return np.stack(found), {name: np.stack([seen[name] for seen in maps]) for name in maps[0]}


def beam_search(video, p, size, max_length):
    """(cost, words) of the best caption: a caption that ends closes its beam for good."""
    opened, finished = [(0.0, [], begin(video, p))], []
    for _ in range(max_length):
        longer = []
        for cost, words, (h, c) in opened:
            probabilities, new_h, new_c, _ = step(words[-1] if words else None, h, c, video, p)
            longer += [
                (cost - np.log(each), [*words, word], (new_h, new_c))
                for word, each in enumerate(probabilities)
            ]
        longer.sort(key=lambda caption: caption[0])
        kept = longer[: size - len(finished)]
        finished += [caption for caption in kept if caption[1][-1] == 0]
        opened = [caption for caption in kept if caption[1][-1] != 0]
        if not opened:
            break
    cost, words, _ = min(finished + opened, key=lambda caption: caption[0])
    return cost, words
