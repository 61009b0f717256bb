"""Parses actor, verb and patient of a caption, and scores captions by them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache

from stgraph.checking import checked
from stgraph.datasets.interactions.vocabulary import KINDS, VERBS
from stgraph.errors import DataError, UnknownVideoError

__all__ = ["caption_roles", "is_right", "marked_caption", "noun_verb_accuracy"]

Roles = tuple[str | None, str | None, str | None]


@checked
def caption_roles(caption: str) -> Roles:
    """Actor, verb and patient of a sentence; missing parts are None.

    The passive ("is chased by") swaps the roles. Converse verbs stay different: "a flees from b" is not read as "b chases
    a", as the videos look different. The first of several verbs counts; a participle without "by" gives the verb but not
    the roles.

    >>> caption_roles("the red box is chased by a blue cone")
    ('blue cone', 'chase', 'red box')
    >>> caption_roles("a red box runs")
    ('red box', None, None)
    """
    text = " ".join(caption.lower().split())
    nouns = [(found.start(), found.group()) for found in _nouns().finditer(text)]
    verb = _verbs().search(text)
    if verb is None:
        return (nouns[0][1] if nouns else None), None, None
    name, voice = _phrases()[verb.group()]
    before = [noun for place, noun in nouns if place < verb.start()]
    after = [noun for place, noun in nouns if place > verb.start()]
    subject, object_ = before[-1] if before else None, after[0] if after else None
    if voice == "active":
        return subject, name, object_
    if voice == "passive":
        return object_, name, subject
    return None, name, None


@checked
def noun_verb_accuracy(
    captions: Mapping[str, str], references: Mapping[str, Sequence[str]]
) -> dict[str, float]:
    """Accuracy of the nouns and verbs of captions.

    "noun" is the mean fraction of the true pair's two nouns that occur anywhere in the caption; "verb" is the fraction of
    captions with the true verb. The truth is the most frequent reading of a video's references.

    Args:
        captions: Caption by video id.
        references: Reference sentences by video id; other videos are ignored.

    Raises:
        UnknownVideoError: If a video has no references.
        DataError: If there are no captions, or no reference of a video names a pair and a verb.

    >>> noun_verb_accuracy({"v": "the red ball is pushing"}, {"v": ["the red ball pushes the blue box"]})
    {'noun': 0.5, 'verb': 1.0}
    """
    if not captions:
        raise DataError("'captions' must contain at least one video, got none.")
    nouns = verbs = 0.0
    for video, caption in captions.items():
        if video not in references:
            raise UnknownVideoError(
                f"No references of video '{video}'; give the sentences of all captioned videos."
            )
        actor, verb, patient = _truth(video, references[video])
        named = set(_nouns().findall(" ".join(caption.lower().split())))
        nouns += len(named & {actor, patient}) / 2
        verbs += caption_roles(caption)[1] == verb
    return {"noun": nouns / len(captions), "verb": verbs / len(captions)}


@checked
def is_right(caption: str, sentences: Sequence[str]) -> bool:
    """Whether a caption names actor, verb and patient as most of a video's references do.

    Args:
        caption: The caption.
        sentences: The video's references.

    Raises:
        DataError: If no reference names a pair and a verb.

    >>> is_right("the blue box is pushed by a red ball", ["the red ball pushes the blue box"])
    True
    """
    return caption_roles(caption) == _truth("of the caption", sentences)


@checked
def marked_caption(caption: str, sentences: Sequence[str]) -> str:
    """A caption with its nouns and its verb marked: ``+right+`` or ``-wrong-`` by a video's references.

    A noun is right if the true pair contains it, in whichever role. The first verb counts, as in :func:`caption_roles`.

    Args:
        caption: The caption.
        sentences: The video's references.

    Raises:
        DataError: If no reference names a pair and a verb.

    >>> marked_caption("the red ball meets the blue cone", ["the red ball pushes the blue box"])
    'the +red ball+ -meets- the -blue cone-'
    """
    actor, verb, patient = _truth("of the caption", sentences)
    text = caption
    found = [(noun.span(), noun.group().lower() in (actor, patient)) for noun in _nouns().finditer(text)]
    first = _verbs().search(text)
    if first is not None:
        found.append((first.span(), _phrases()[first.group().lower()][0] == verb))
    for (start, end), right in sorted(found, reverse=True):
        mark = "+" if right else "-"
        text = f"{text[:start]}{mark}{text[start:end]}{mark}{text[end:]}"
    return text


def _truth(video: str, sentences: Sequence[str]) -> Roles:
    whole = Counter(roles for roles in map(caption_roles, sentences) if None not in roles)
    if not whole:
        raise DataError(
            f"No reference of video '{video}' names a pair and a verb of 'interactions', "
            f"got {list(sentences)[:2]}; this score applies to that data set only."
        )
    return whole.most_common(1)[0][0]


@cache
def _nouns() -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(kind.noun for kind in KINDS) + r")\b", re.IGNORECASE)


@cache
def _phrases() -> dict[str, tuple[str, str]]:
    """Verb and voice of each phrase."""
    phrases = {}
    for verb in VERBS:
        for third, ing, participle in verb.forms:
            phrases[third] = phrases[ing] = (verb.name, "active")
            if participle:
                phrases[participle], phrases[f"{participle} by"] = (
                    (verb.name, "unclear"),
                    (verb.name, "passive"),
                )
    return phrases


@cache
def _verbs() -> re.Pattern[str]:
    longest_first = sorted(_phrases(), key=len, reverse=True)
    return re.compile(r"\b(?:" + "|".join(longest_first) + r")\b", re.IGNORECASE)
