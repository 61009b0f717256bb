"""The objects and interactions that may appear in a video, and the words for them."""

from __future__ import annotations

from dataclasses import dataclass

from stgraph.checking import checked

__all__ = ["KINDS", "VERBS", "Kind", "Verb"]


@checked
@dataclass(frozen=True)
class Kind:
    """A kind of object: a colour and a shape."""

    colour: str
    shape: str

    @property
    def noun(self) -> str:
        """The noun phrase, as in "red ball"."""
        return f"{self.colour} {self.shape}"


@checked
@dataclass(frozen=True)
class Verb:
    """An interaction and its paraphrases: third person, -ing form, and participle for the passive or None."""

    name: str
    forms: tuple[tuple[str, str, str | None], ...]


# Twelve of 36 pairs: neither colour nor shape alone identifies the kind.
KINDS = tuple(
    Kind(*pair.split())
    for pair in (
        "red ball", "red box", "yellow star", "yellow ring", "green cone", "green cross",
        "cyan ball", "cyan star", "blue box", "blue cone", "purple ring", "purple cross",
    )
)  # fmt: skip

VERBS = (
    Verb("chase", (("chases", "chasing", "chased"), ("runs after", "running after", None))),
    Verb("flee", (("flees from", "fleeing from", None), ("runs away from", "running away from", None))),
    Verb("push", (("pushes", "pushing", "pushed"), ("shoves", "shoving", None))),
    Verb("jump", (("jumps over", "jumping over", "jumped over"), ("leaps over", "leaping over", None))),
    Verb("enter", (("goes into", "going into", None), ("enters", "entering", "entered"))),
    Verb("leave", (("comes out of", "coming out of", None), ("leaves", "leaving", "left"))),
    Verb("circle", (("circles", "circling", "circled"), ("goes around", "going around", None))),
    Verb("meet", (("meets", "meeting", "met"), ("joins", "joining", None))),
)
