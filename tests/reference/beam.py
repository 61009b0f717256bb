"""Searches for captions, one caption and one word at a time, from their definitions.

``next_log_probs(words)`` gives the log-probability of every next word after a list of words.
"""

import math
from itertools import product


def score(log_probs, length_penalty):
    return math.fsum(log_probs) / len(log_probs) ** length_penalty


def log_probs_of(next_log_probs, words):
    return [next_log_probs(list(words[:place]))[word] for place, word in enumerate(words)]


def exhaustive_search(next_log_probs, *, vocabulary, eos, max_length, length_penalty=0.0):
    """All captions there are, as (score, words), best first: they end with the end mark or have ``max_length`` words."""
    others = [word for word in vocabulary if word != eos]
    captions = [[*words, eos] for length in range(max_length) for words in product(others, repeat=length)]
    captions += [list(words) for words in product(others, repeat=max_length)]
    scored = [(score(log_probs_of(next_log_probs, words), length_penalty), words) for words in captions]
    return sorted(scored, key=lambda caption: -caption[0])


def beam_search(
    next_log_probs, *, vocabulary, eos, max_length, beam_size, length_penalty=0.0, narrowing=False
):
    """(score, words) of the finished captions, best first. No search is stopped before ``max_length``.

    With ``narrowing``, a finished caption leaves one beam fewer, and what stays open is among the ``beam_size`` likeliest.
    """
    opened, finished, width = [[]], [], beam_size
    for place in range(max_length):
        longer = [[*words, word] for words in opened for word in vocabulary]
        longer.sort(key=lambda words: -math.fsum(log_probs_of(next_log_probs, words)))
        last = place + 1 == max_length
        ended = [words for words in longer[:width] if last or words[-1] == eos]
        opened = [words for words in (longer[:width] if narrowing else longer) if words[-1] != eos][:width]
        finished += ended
        width -= narrowing * len(ended)
    scored = [(score(log_probs_of(next_log_probs, words), length_penalty), words) for words in finished]
    return sorted(scored, key=lambda caption: -caption[0])
