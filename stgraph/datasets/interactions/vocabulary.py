"""What may appear in a video, and the words for it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["KINDS", "VERBS", "Kind", "Verb"]


@dataclass(frozen=True)
class Kind:
    """A kind of thing: one colour and one shape."""

    colour: str
    shape: str

    @property
    def noun(self) -> str:
        """The words for it, as in "red ball"."""
        return f"{self.colour} {self.shape}"


@dataclass(frozen=True)
class Verb:
    """An interaction and its paraphrases: third person, -ing form, and participle for "is ... by" or None."""

    name: str
    forms: tuple[tuple[str, str, str | None], ...]


# Twelve pairs out of 36: neither the colour nor the shape alone names the kind.
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
