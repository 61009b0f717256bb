"""Which frames a word looks at in multi-head attention, one head, one word and one frame at a time."""

import math


def frame_weights(query, frames, parameters, num_heads):
    """Mean over heads of softmax_t(q . k_t / sqrt(d / h)), as a list of T numbers for each word.

    ``query`` and ``frames`` are lists of vectors, ``parameters`` the matrices and biases "W_q", "b_q", "W_k", "b_k".
    """
    channels = len(query[0])
    size = channels // num_heads

    def project(x, name):
        return [
            math.fsum(w * v for w, v in zip(row, x, strict=True)) + bias
            for row, bias in zip(parameters[f"W_{name}"], parameters[f"b_{name}"], strict=True)
        ]

    keys = [project(frame, "k") for frame in frames]
    found = []
    for word in query:
        q = project(word, "q")
        total = [0.0] * len(frames)
        for head in range(num_heads):
            inside = range(head * size, (head + 1) * size)
            scores = [math.exp(sum(q[c] * key[c] for c in inside) / math.sqrt(size)) for key in keys]
            for t, score in enumerate(scores):
                total[t] += score / sum(scores) / num_heads
        found.append(total)
    return found
