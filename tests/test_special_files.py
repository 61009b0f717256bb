"""What is not a regular file is refused at once wherever a file can be named, and the message says what it is."""

import os
import signal
import socket

import pytest

from stgraph.datasets.corpus.own_captions import read_own_captions
from stgraph.errors import StgraphError
from stgraph.extraction import find_videos
from stgraph.extraction.extractors.weights import read_weights
from stgraph.features import FeatureStore
from stgraph.features.adapters import read_coco_results
from stgraph.features.importers import read_hdf5_per_video, read_keyed_hdf5, read_npy_folders
from stgraph.pipeline import CaptionPipeline
from stgraph.settings.safe_yaml import read_yaml
from stgraph.text import CaptionTokenizer
from stgraph.video import VideoReader

SECONDS = 10


@pytest.fixture(params=["a pipe", "a socket", "a device", "a folder", "symbolic links"])
def special(request, tmp_path):
    """Returns a function that makes a special file of a given name in a folder of its own."""
    folder = tmp_path / "special"
    folder.mkdir()

    def make(name):
        path = folder / name
        if request.param == "a pipe":
            os.mkfifo(path)
        elif request.param == "a socket":
            os.chdir(folder)  # the path of a socket is limited to 108 bytes
            socket.socket(socket.AF_UNIX).bind(name)
        elif request.param == "a device":
            path.symlink_to("/dev/zero")
        elif request.param == "a folder":
            path.mkdir()
        else:
            path.symlink_to(name)
        return path

    here = os.getcwd()
    make.kind = request.param
    previous = signal.signal(signal.SIGALRM, _late)
    signal.alarm(SECONDS)
    yield make
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)
    os.chdir(here)


def _late(*_):
    raise AssertionError(f"it was not refused within {SECONDS} seconds")


def _video(path):
    with VideoReader(path) as video:
        video.read([0])


def _folder_of_arrays(path):
    next(iter(read_npy_folders({"appearance": path.parent})))


def _folder_of_hdf5(path):
    next(iter(read_hdf5_per_video(path.parent, {"appearance": "a"})))


READERS = {
    "video": ("a.mp4", _video),
    "captions as JSON": ("a.json", read_own_captions),
    "captions as a table": ("a.csv", read_own_captions),
    "COCO results": ("a.json", lambda path: read_coco_results(path, (4, 4))),
    "HDF5 of all videos": ("a.hdf5", lambda path: read_keyed_hdf5({"appearance": (path, "")})),
    "arrays": ("a.npy", _folder_of_arrays),
    "HDF5 per video": ("a.h5", _folder_of_hdf5),
    "store": ("a.h5", lambda path: FeatureStore(path).ids),
    "weights": ("a.pt", read_weights),
    "safetensors": ("a.safetensors", read_weights),
    "configuration": ("a.yaml", read_yaml),
    "tokenizer": ("a.json", CaptionTokenizer.load),
    "model folder": ("config.json", lambda path: CaptionPipeline.from_pretrained(path.parent)),
}


@pytest.mark.parametrize("reader", list(READERS))
def test_it_is_refused_at_once(special, reader):
    name, read = READERS[reader]
    path = special(name)
    with pytest.raises(StgraphError):
        read(path)


@pytest.mark.parametrize("reader", ["video", "captions as JSON", "HDF5 of all videos", "tokenizer"])
def test_the_message_says_what_it_is(special, reader):
    name, read = READERS[reader]
    path = special(name)
    with pytest.raises(StgraphError, match=special.kind):
        read(path)


def test_one_in_a_folder_of_videos_fails_alone(special):
    path = special("a.mp4")
    if path.is_dir():
        pytest.skip("a subfolder is searched")
    sources, others = find_videos(path.parent)
    assert [source.path for source in sources] == [path]
    assert not others
