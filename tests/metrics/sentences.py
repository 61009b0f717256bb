"""Sentences for the tests of metrics: a small grammar that includes the flaws of real captions."""

import random

WHO = ("a man", "two dogs", "the woman in red", "a monkey", "someone", "A young Boy")
WHAT = ("is playing", "plays", "runs after", "isn't chasing", "is cutting", "jumps over")
WHOM = ("a guitar", "the ball", "a ball, a ball", "an onion (slowly)", "the U.S. flag", 'the "cat"')
END = ("", ".", "...", " on the grass", " -- on the grass!", " in the street in the street")


def sentence(rng: random.Random) -> str:
    return f"{rng.choice(WHO)} {rng.choice(WHAT)} {rng.choice(WHOM)}{rng.choice(END)}"


def tokens(rng: random.Random, shortest: int = 1) -> str:
    """A small vocabulary, so that n-grams repeat inside a sentence and across sentences."""
    return " ".join(rng.choice("abcdefgh") for _ in range(rng.randint(shortest, 14)))


def token_sets(seed: int, videos: int = 40) -> tuple[list[list[str]], list[str]]:
    """Tokenised references, some repeated, and captions: empty, one word, equal to a reference, or free."""
    rng = random.Random(seed)
    references = [[tokens(rng) for _ in range(rng.randint(1, 9))] for _ in range(videos)]
    for group in references[::3]:
        group.append(group[0])
    captions = [tokens(rng, shortest=0) for _ in references]
    captions[1], captions[2], captions[3] = "", "a", references[3][-1]
    return references, captions


def caption_sets(seed: int, videos: int) -> tuple[dict[str, list[str]], dict[str, str]]:
    """References and captions as written by people."""
    rng = random.Random(seed)
    references = {f"video{i}": [sentence(rng) for _ in range(rng.randint(1, 6))] for i in range(videos)}
    return references, {video: sentence(rng) for video in references}
