"""``stgraph data``: what to fetch, and folders with and without faults, on a corpus of MSVD's and MSR-VTT's numbers."""

import json
import shutil

import pytest

from stgraph.cli import main
from stgraph.commands.arguments import completions
from stgraph.datasets.corpus import fingerprints
from stgraph.datasets.corpus.folder_check import check_folder
from stgraph.datasets.corpus.msvd import read_msvd_captions
from stgraph.datasets.corpus.numbering import video_numbers
from stgraph.errors import MissingDataError, OptionError
from tests.extraction.files import folder_of_videos

NAMES = [f"{place:0>11}_{place}_{place + 5}" for place in range(1970)]  # sorted
COUNTS = {"train": (1200, 48774), "val": (100, 4290), "test": (670, 27763)}


def captions_of(first, videos, total):
    """As many captions as published, spread over the videos of a split."""
    return {
        NAMES[first + k]: [
            f"A dog, number {first + k} runs." for _ in range(total // videos + (k < total % videos))
        ]
        for k in range(videos)
    }


@pytest.fixture(scope="module")
def corpus():
    first, found = 0, {}
    for videos, total in COUNTS.values():
        found |= captions_of(first, videos, total)
        first += videos
    return found


@pytest.fixture(scope="module")
def folder(corpus, tmp_path_factory):
    """A folder as it is downloaded: empty files in place of videos. Tests must not change it."""
    root = tmp_path_factory.mktemp("msvd")
    lines = [f"{name} {caption}" for name, captions in corpus.items() for caption in captions]
    (root / "AllVideoDescriptions.txt").write_text("# captions\n" + "\n".join(lines) + "\n")
    (root / "YouTubeClips").mkdir()
    for name in NAMES:
        (root / "YouTubeClips" / f"{name}.avi").touch()
    return root


@pytest.fixture(scope="module")
def prints(folder):
    return fingerprints.caption_fingerprints(read_msvd_captions(folder / "AllVideoDescriptions.txt"), "msvd")


@pytest.fixture
def known(monkeypatch, prints):
    """Makes the generated captions the published ones."""
    monkeypatch.setitem(fingerprints.KNOWN, "msvd", prints)


def test_without_a_folder_it_says_what_to_fetch_from_where(capsys):
    assert main(["data", "msvd"]) == 0
    out = capsys.readouterr().out
    assert "YouTubeClips.tar" in out
    assert "https://www.cs.utexas.edu/users/ml/clamp/videoDescription/" in out
    assert {"msvd", "msrvtt", "--captions", "--names-only"} <= set(completions("data"))
    assert main(["data", "msrvtt"]) == 0
    assert "ms-multimedia-challenge.com" in capsys.readouterr().out


def test_a_whole_folder_is_as_published(folder, known, capsys):
    assert main(["data", "msvd", str(folder), "--names-only"]) == 0
    captured = capsys.readouterr()
    assert "80,827 captions of 1,970 videos (1,200 / 100 / 670)" in captured.out
    assert "1,970 of 1,970" in captured.out
    assert captured.out.endswith("All is as published.\n")
    assert f"stgraph extract {folder / 'YouTubeClips'} msvd.h5 experiment=stgkd" in captured.err


def test_the_text_counts_whatever_the_layout_case_names_and_order(corpus, known, tmp_path):
    numbered = {
        f"vid{place}": [text.upper().replace(",", " ") for text in reversed(corpus[name])]
        for place, name in enumerate(NAMES, start=1)
    }
    (tmp_path / "captions.json").write_text(json.dumps(numbered))
    found = {finding.what: finding.state for finding in check_folder("msvd", tmp_path).findings}
    assert found == {"captions": "ok", "text of captions": "ok", "videos": "missing"}
    numbered["vid1300"][0] = "a cat"
    (tmp_path / "captions.json").write_text(json.dumps(numbered))
    (text,) = [each for each in check_folder("msvd", tmp_path).findings if each.what == "text of captions"]
    assert (text.state, text.text) == ("wrong", "differs from the known copy in val")


def test_missing_strange_repeated_and_unreadable_videos_are_listed(folder, tmp_path, capsys):
    videos = folder_of_videos(tmp_path / "some", 2)
    (videos / "video0.mp4").rename(videos / f"{NAMES[7]}.mp4")
    (videos / "more").mkdir()
    shutil.copy(videos / f"{NAMES[7]}.mp4", videos / "more" / f"{NAMES[7]}.mp4")
    (videos / "video1.mp4").rename(videos / "holiday.mp4")
    (videos / "zzzzzzzzzzz_1_2.avi").write_bytes(b"no video")
    captions = folder / "AllVideoDescriptions.txt"
    assert main(["data", "msvd", str(videos), "--captions", str(captions)]) == 1
    out = capsys.readouterr().out
    assert f"1 of 1,970; missing are 1,969: '{NAMES[0]}', '{NAMES[1]}'" in out
    assert "and 1964 more" in out
    assert (
        "2 that are not of the corpus, 1 of which are named ID_start_end like MSVD's: 'holiday', 'zzz" in out
    )
    assert f"1 in several files: '{NAMES[7]}'" in out
    assert "1 of 4 files cannot be read: zzzzzzzzzzz_1_2.avi (" in out
    assert "-> fetch YouTubeClips.tar" in out


def test_videos_alone_are_counted(folder, tmp_path):
    assert check_folder("msvd", folder / "YouTubeClips", read=False).findings[1][:] == (
        "ok",
        "videos",
        "1,970 of 1,970",
    )
    (tmp_path / f"{NAMES[3]}.avi").touch()
    found = check_folder("msvd", tmp_path, read=False)
    assert not found.complete
    assert "1 of 1,970, named ID_start_end" in found.findings[1].text


def test_msrvtt_lists_what_its_files_lack(tmp_path, capsys):
    content = {
        "videos": [{"video_id": "video7010", "split": "test", "category": 1}],
        "sentences": [{"video_id": "video7010", "caption": "a dog runs"}],
    }
    (tmp_path / "test_videodatainfo.json").write_text(json.dumps(content))
    (tmp_path / "video7010.mp4").touch()
    assert main(["data", "msrvtt", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert (
        "test_videodatainfo.json: 1 captions of 1 videos (0 / 0 / 1); train: 0 videos, published 6,513" in out
    )
    assert "1 of 10,000; missing are 9,999: 'video0', 'video1'" in out
    assert "video7010.mp4 (is empty" in out


def test_wrong_captions_and_arguments_are_named(tmp_path, capsys):
    (tmp_path / "captions.json").write_text('{"vid1": ["a dog"], "vid1": ["b"]}')
    assert main(["data", "msvd", str(tmp_path)]) == 1
    assert "captions.json" in (out := capsys.readouterr().out)
    assert "wrong    captions" in out
    assert main(["data", "msvd", str(tmp_path / "none")]) == 1
    assert "There is no folder at" in capsys.readouterr().err
    with pytest.raises(MissingDataError, match="no file of captions at"):
        check_folder("msvd", tmp_path, [tmp_path / "c.txt"])
    with pytest.raises(OptionError, match="'name' must be one of msvd, msrvtt"):
        check_folder("vatex", tmp_path)


def test_numbers_of_names():
    assert video_numbers(NAMES, "msvd")[NAMES[41]] == 42
    assert video_numbers([NAMES[41], "vid3"], "msvd") == {"vid3": 3}  # the other names are not known
    assert video_numbers([NAMES[41]], "msvd", known=NAMES) == {NAMES[41]: 42}
    assert video_numbers(["video10000", "video9999", "vid1"], "msrvtt") == {"video9999": 9999}
