import h5py
import pytest

from stgraph.errors import OptionError
from stgraph.features.store.schema import check_streams, columns
from tests.features.store.samples import STREAMS, random_video, write


def test_file_has_the_arrays_of_the_format_and_no_others(tmp_path):
    path = write(tmp_path / "store.h5", [random_video(0)])
    found = set()
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.add(name) if isinstance(item, h5py.Dataset) else None)
        assert file["object/feature"].dtype == "float16"
        assert file["object/box"].dtype == "float32"
        assert file.attrs["format"] == b"stgraph-features"
        assert all(file[column.path].chunks is None for column in columns(STREAMS, "float16"))
    assert found == {
        *(f"video/{name}" for name in ("id", "height", "width", "fps", "num_frames")),
        *("frame_ptr", "frame/index", "frame/time", "frame/appearance"),
        *("clip_ptr", "clip/start", "clip/motion"),
        *("object_ptr", *(f"object/{name}" for name in ("box", "score", "label", "track", "feature"))),
        *(f"grid/cells/{name}" for name in ("ptr", "start", "feature")),
    }


@pytest.mark.parametrize("stream", ["sound", "grid", "grid/", "grid/a/b", "grid/a b"])
def test_streams_that_the_format_has_no_place_for(stream):
    with pytest.raises(OptionError, match="is not a stream of a store"):
        check_streams([stream])
