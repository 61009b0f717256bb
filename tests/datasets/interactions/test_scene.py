import numpy as np
import pytest

from stgraph.datasets.interactions import FRAME_SIZE, KINDS, VERBS, make_scene, parse_video_id, video_id
from stgraph.errors import OptionError, UnknownVideoError

SCENES = [make_scene(7, index) for index in range(400)]


def of_verb(name):
    return [scene for scene in SCENES if VERBS[scene.verb].name == name]


def distance(scene):
    return np.linalg.norm(scene.centre[0] - scene.centre[1], axis=-1)


def path_length(way):
    return np.linalg.norm(np.diff(way, axis=0), axis=1).sum()


def test_two_to_five_things_of_different_kinds_and_the_pair_stays_in_the_picture():
    counts = np.bincount([len(scene.kinds) for scene in SCENES], minlength=6) / len(SCENES)
    np.testing.assert_allclose(counts[2:], [0.4, 0.35, 0.2, 0.05], atol=0.08)
    for scene in SCENES:
        assert len(set(scene.kinds)) == len(scene.kinds)
        assert 8 <= scene.centre[:2].min() <= scene.centre[:2].max() <= FRAME_SIZE - 8
    assert {kind for scene in SCENES for kind in scene.kinds} == set(range(len(KINDS)))


def test_half_of_the_bystanders_rest():
    lengths = [path_length(way) for scene in SCENES for way in scene.centre[2:]]
    assert 0.4 < np.mean(np.array(lengths) < 20) < 0.6


def test_what_the_verbs_mean():
    """Each verb by what one would look for in the ways, not by how they are drawn."""
    for scene in of_verb("chase"):
        assert distance(scene)[-1] < distance(scene)[0]
        assert path_length(scene.centre[1]) > 50
    for scene in of_verb("flee"):
        assert distance(scene)[-1] > distance(scene).min() + 15
        assert distance(scene)[0] > distance(scene).min() + 8
    for scene in of_verb("push"):
        assert np.ptp(distance(scene)[20:]) < 6  # together from then on
        assert path_length(scene.centre[1]) > 30
    for scene in of_verb("jump"):
        before, after = (np.sign((scene.centre[0] - scene.centre[1])[k, 0]) for k in (0, -1))
        assert before == -after
        assert (scene.centre[0] - scene.centre[1])[:, 1].min() < -15  # above it
    for scene in of_verb("enter"):
        assert scene.radius[0, -1] == 0 < scene.radius[0, 0]
    for scene in of_verb("leave"):
        assert scene.radius[0, 0] == 0 < scene.radius[0, -1]
    for scene in of_verb("circle"):
        gap = scene.centre[0] - scene.centre[1]
        turned = np.ptp(np.unwrap(np.arctan2(gap[:, 1], gap[:, 0])))
        assert turned > 1.6 * np.pi
    for scene in of_verb("meet"):
        assert distance(scene)[-1] < 0.55 * distance(scene)[0]
        assert path_length(scene.centre[0]) > path_length(scene.centre[1]) > 10


def test_a_scene_depends_on_seed_and_index_alone():
    again, other = make_scene(7, 13), make_scene(8, 13)
    assert (again.centre == SCENES[13].centre).all()
    assert (again.kinds == SCENES[13].kinds).all()
    assert other.centre.shape != again.centre.shape or (other.centre != again.centre).any()


def test_names_of_videos():
    assert parse_video_id(video_id(12, 345)) == (12, 345)
    for name in (
        "video7",
        "interactions-1",
        "interactions-x-00001",
        "interactions--1-2",
        "interactions-1-2-3",
    ):
        with pytest.raises(UnknownVideoError, match=name):
            parse_video_id(name)
    with pytest.raises(OptionError, match="at least 0"):
        video_id(-1, 0)
