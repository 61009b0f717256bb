import json
import re

from stgraph.datasets.interactions import (
    KINDS,
    VERBS,
    caption_roles,
    make_scene,
    parse_video_id,
    reference_sentences,
)


def test_reading_every_reference_gives_back_the_truth(tiny):
    captions = json.loads((tiny / "captions.json").read_text())
    for name, entry in captions.items():
        scene = make_scene(*parse_video_id(name))
        truth = (KINDS[scene.kinds[0]].noun, VERBS[scene.verb].name, KINDS[scene.kinds[1]].noun)
        assert {caption_roles(sentence) for sentence in entry["captions"]} == {truth}
        assert entry["category"] == truth[1]


def test_each_video_has_six_different_plain_sentences():
    seen = set()
    for index in range(60):
        sentences = reference_sentences(make_scene(3, index), 3, index)
        assert len(set(sentences)) == 6
        assert all(re.fullmatch(r"[a-z ]+", sentence) for sentence in sentences)
        seen.update(re.sub("|".join(kind.noun for kind in KINDS), "x", sentence) for sentence in sentences)
    assert any("is being" in sentence for sentence in seen)  # the passive occurs
    assert len(seen) > 70  # of 84: 8 verbs x (10 to 16) shapes


def test_no_noun_phrase_or_verb_phrase_means_two_things():
    phrases = [word for verb in VERBS for forms in verb.forms for word in forms if word]
    assert len(phrases) == len(set(phrases))
    assert len({kind.noun for kind in KINDS}) == len(KINDS) == 12
