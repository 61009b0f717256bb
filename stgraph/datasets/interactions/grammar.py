"""Generates the reference sentences of a video from a small grammar with paraphrases."""

from __future__ import annotations

from stgraph.checking import checked
from stgraph.datasets.interactions.scene import Scene, generator
from stgraph.datasets.interactions.vocabulary import KINDS, VERBS
from stgraph.typing import Natural

__all__ = ["NUM_SENTENCES", "reference_sentences"]

NUM_SENTENCES = 6

# {a} actor, {p} patient, {v} third person, {g} -ing form, {d} participle.
_ACTIVE = ("the {a} {v} the {p}", "a {a} {v} a {p}", "the {a} is {g} the {p}", "there is a {a} {g} a {p}")
_PASSIVE = ("the {p} is {d} by the {a}", "a {p} is being {d} by a {a}")


@checked
def reference_sentences(scene: Scene, seed: Natural, index: Natural) -> list[str]:
    """Six different sentences in lower case without punctuation; the first is the simplest.

    >>> from stgraph.datasets.interactions.scene import make_scene
    >>> reference_sentences(make_scene(0, 4), 0, 4)[:2]
    ['the purple cross jumps over the blue cone', ...]
    """
    rng = generator(seed, index, "sentences")
    words = {"a": KINDS[scene.kinds[0]].noun, "p": KINDS[scene.kinds[1]].noun}
    first, *rest = (
        template.format(v=third, g=ing, d=participle, **words)
        for third, ing, participle in VERBS[scene.verb].forms
        for template in (_ACTIVE + _PASSIVE if participle else _ACTIVE)
    )
    return [first, *(rest[k] for k in rng.permutation(len(rest))[: NUM_SENTENCES - 1])]
