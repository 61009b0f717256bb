"""Distinguishes packets that show no picture or several from those that show one."""

import av
import pytest

from stgraph.video.pictures import shows_one_picture


@pytest.mark.parametrize(
    ("codec", "data", "one"),
    [
        ("h264", b"\0", True),
        ("gif", b"\0", False),  # nothing is known of its packets
        ("vp8", b"\x10rest", True),
        ("vp8", b"\x00rest", False),  # a picture that later ones refer to
        ("vp8", b"", False),
        ("vp9", b"\x82rest", True),
        ("vp9", b"\x80rest", False),
        ("vp9", b"\x88", True),  # shows an earlier picture again
        ("vp9", b"\xb1rest", True),  # profile 3, whose flags are one bit further
        ("vp9", b"\xb2rest", False),
        ("vp9", b"\x80hid" + b"\x82shown" + b"\xc1\x04\x06\xc1", True),
        ("vp9", b"\x82one" + b"\x82two" + b"\xc1\x04\x04\xc1", False),
        ("mpeg4", b"\0\0\x01\xb6" + b"picture" * 3, True),
        ("mpeg4", b"\0\0\x01\xb6" + b"picture" * 3 + b"\0\0\x01\xb6" + b"another", False),
        ("mpeg4", b"\0\0\x01\xb6\x55", False),  # a place holder
    ],
)
def test_packets_made_by_hand(codec, data, one):
    assert shows_one_picture(codec, data) is one


@pytest.mark.parametrize("name", ["vp8.webm", "vp9.webm"])
def test_the_count_of_shown_pictures_is_the_decoders(ffmpeg_video, name):
    with av.open(str(ffmpeg_video(name))) as container:
        codec = container.streams.video[0].codec_context.name
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    with av.open(str(ffmpeg_video(name))) as container:
        frames = sum(1 for _ in container.decode(video=0))
    shown = sum(shows_one_picture("vp8" if "vp8" in codec else "vp9", packet) for packet in packets)
    assert shown == frames == 50
    if name == "vp8.webm":
        assert len(packets) > 50  # VP8 stores hidden pictures in packets of their own
