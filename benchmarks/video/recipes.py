"""Videos of many containers, codecs and cuts, each made by ``ffmpeg`` or by changing the bytes of another one."""

from __future__ import annotations

import shlex
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

__all__ = ["RECIPES", "Edit", "Recipe", "make"]

PATTERN = "-f lavfi -i testsrc2=s=96x64:r=10:d=5"
SECONDS_AT_25 = "-f lavfi -i testsrc2=s=96x64:r=25:d=3"
H264 = "-c:v libx264 -preset fast -g 12 -bf 3 -pix_fmt yuv420p"
HIDDEN = "-b:v 100k -g 24 -auto-alt-ref 1 -lag-in-frames 16"
VP8, VP9 = f"-c:v libvpx {HIDDEN}", f"-c:v libvpx-vp9 {HIDDEN} -cpu-used 4"
X264_OPEN = f"{H264} -x264-params open-gop=1:keyint=12:min-keyint=12:scenecut=0"


@dataclass(frozen=True)
class Edit:
    """A change of the bytes of other files.

    Args:
        sources: Names of the files.
        change: Gets their contents and returns that of the new file.
    """

    sources: tuple[str, ...]
    change: Callable[..., bytes]


@dataclass(frozen=True)
class Recipe:
    """A video file.

    Args:
        name: Its name; the ending determines the container.
        what: What is special about it; empty if it only serves to make others.
        source: Arguments of ``ffmpeg`` before the name of the file, or an edit.
    """

    name: str
    what: str
    source: str | Edit

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the files that it is made from."""
        if isinstance(self.source, Edit):
            return self.source.sources
        words = list(pairwise(shlex.split(self.source)))
        names = [word for option, word in words if option == "-i"]
        names += [f"{word}-0.log" for option, word in words if option == "-passlogfile"]
        return tuple(name for name in names if name in RECIPES and name != self.name)


def make(name: str, folder: Path) -> Path:
    """Writes the file of a recipe and, before it, those that it is made from; files in the folder are kept."""
    path, recipe = folder / name, RECIPES[name]
    if path.exists():
        return path
    sources = [make(source, folder) for source in recipe.sources]
    if isinstance(recipe.source, Edit):
        path.write_bytes(recipe.source.change(*(source.read_bytes() for source in sources)))
    else:
        command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *shlex.split(recipe.source), name]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    return path


def _cut(source: str, start: float, end: float, packet: int) -> Edit:
    """Part of a file's bytes, from one fraction of its length to the last packet that is whole before another one."""
    return Edit(
        (source,), lambda data: data[int(start * len(data)) : int(end * len(data)) // packet * packet]
    )


def _turned(source: str, matrix: tuple[int, int, int, int]) -> Edit:
    """An MP4 file with a display matrix in its track header."""
    a, b, c, d = (value << 16 for value in matrix)

    def change(data: bytes) -> bytes:
        place = data.index(b"tkhd") + 44
        return data[:place] + struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30) + data[place + 36 :]

    return Edit((source,), change)


def _from(name: str, options: str = "-c copy") -> str:
    return f"-i {name} {options}"


TURNS = {
    "not turned": (1, 0, 0, 1),
    "a quarter clockwise": (0, 1, -1, 0),
    "half a turn": (-1, 0, 0, -1),
    "a quarter counterclockwise": (0, -1, 1, 0),
    "mirrored left to right": (-1, 0, 0, 1),
    "mirrored top to bottom": (1, 0, 0, -1),
    "mirrored along one diagonal": (0, 1, 1, 0),
    "mirrored along the other diagonal": (0, -1, -1, 0),
}

_ALL = (
    # H.264 with B-frames in every container that holds it
    Recipe("h264.mp4", "H.264, B-frames", f"{PATTERN} {H264}"),
    Recipe("h264.mov", "the same streams", _from("h264.mp4")),
    Recipe("h264.mkv", "the same streams", _from("h264.mp4")),
    Recipe("h264.flv", "the same streams", _from("h264.mp4")),
    Recipe("h264.nut", "the same streams", _from("h264.mp4")),
    Recipe("h264.avi", "the same streams; AVI has no presentation times", _from("h264.mp4")),
    Recipe("h264.ts", "the same streams", _from("h264.mp4")),
    Recipe(
        "h264.m2ts", "the same streams, 192-byte packets", _from("h264.mp4", "-c copy -mpegts_m2ts_mode 1")
    ),
    Recipe("h264.h264", "the bare stream, no times", _from("h264.mp4")),
    Recipe("fragments.mp4", "fragmented", _from("h264.mp4", "-c copy -movflags frag_keyframe+empty_moov")),
    Recipe(
        "indexed.mp4",
        "fragmented, with an index of the fragments",
        _from("h264.mp4", "-c copy -movflags frag_keyframe+empty_moov+default_base_moof+global_sidx"),
    ),
    Recipe(
        "pyramid.mkv",
        "B-frames that others refer to",
        f"{PATTERN} {H264} -bf 6 -x264-params b-pyramid=normal:bframes=6",
    ),
    Recipe("ten_bit.mkv", "10 bits", f"{PATTERN} {H264} -pix_fmt yuv420p10le"),
    Recipe(
        "full_chroma.mp4", "4:4:4, odd size", f"-f lavfi -i testsrc2=s=95x63:r=10:d=3 {H264} -pix_fmt yuv444p"
    ),
    # Other codecs
    Recipe(
        "hevc.mp4",
        "HEVC",
        f"{PATTERN} -c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=12:bframes=3",
    ),
    Recipe("hevc.ts", "the same streams", _from("hevc.mp4")),
    Recipe("hevc.hevc", "the bare stream, no times", _from("hevc.mp4")),
    Recipe(
        "hevc_open.mkv",
        "HEVC, open GOPs",
        f"{PATTERN} -c:v libx265 -preset ultrafast -x265-params "
        "log-level=none:keyint=12:min-keyint=12:open-gop=1:bframes=4:scenecut=0",
    ),
    Recipe("mpeg1.mpg", "MPEG-1", f"{SECONDS_AT_25} -c:v mpeg1video -bf 2 -g 12"),
    Recipe("mpeg2.mpg", "MPEG-2", f"{SECONDS_AT_25} -c:v mpeg2video -bf 2 -g 12 -f mpeg"),
    Recipe(
        "mpeg2.vob",
        "MPEG-2 and sound, as on a DVD",
        f"{SECONDS_AT_25} -f lavfi -i sine=d=3 -c:v mpeg2video -bf 2 -g 12 -c:a ac3",
    ),
    Recipe("mpeg2.ts", "MPEG-2", _from("mpeg2.mpg")),
    Recipe("mpeg2.mkv", "the same streams", f"-fflags +genpts {_from('mpeg2.mpg')}"),
    Recipe("mpeg2.m2v", "the bare stream, no times", _from("mpeg2.mpg")),
    Recipe("mpeg2.mxf", "MPEG-2", f"{SECONDS_AT_25} -c:v mpeg2video -bf 2 -g 12"),
    Recipe("mpeg4.avi", "MPEG-4 part 2", f"{PATTERN} -c:v mpeg4 -g 12"),
    Recipe("mpeg4_b.avi", "MPEG-4 part 2, B-frames", f"{PATTERN} -c:v mpeg4 -g 12 -bf 2"),
    Recipe("mpeg4_b.mp4", "MPEG-4 part 2, B-frames", f"{PATTERN} -c:v mpeg4 -g 12 -bf 2"),
    Recipe("xvid.avi", "Xvid, B-frames", f"{PATTERN} -c:v libxvid -g 12 -bf 2"),
    Recipe("msmpeg4.avi", "Microsoft MPEG-4", f"{PATTERN} -c:v msmpeg4 -g 12"),
    Recipe("wmv2.wmv", "WMV 2", f"{PATTERN} -c:v wmv2 -g 12"),
    Recipe("flv1.flv", "Sorenson", f"{PATTERN} -c:v flv -g 12"),
    Recipe("h263.3gp", "H.263", "-f lavfi -i testsrc2=s=176x144:r=10:d=3 -c:v h263 -g 12"),
    Recipe("vp8-0.log", "", f"{PATTERN} {VP8} -pass 1 -passlogfile vp8 -f null"),
    Recipe("vp8.webm", "VP8, hidden frames", f"{PATTERN} {VP8} -pass 2 -passlogfile vp8"),
    Recipe("vp8.avi", "the same streams", _from("vp8.webm")),
    Recipe("vp9-0.log", "", f"{PATTERN} {VP9} -pass 1 -passlogfile vp9 -f null"),
    Recipe("vp9.webm", "VP9, hidden frames", f"{PATTERN} {VP9} -pass 2 -passlogfile vp9"),
    Recipe("vp9.mp4", "the same streams", _from("vp9.webm")),
    Recipe("av1.mkv", "AV1, hidden frames", f"{PATTERN} -c:v libsvtav1 -preset 10 -g 24"),
    Recipe("av1.mp4", "the same streams", _from("av1.mkv")),
    Recipe("theora.ogv", "Theora", f"{PATTERN} -c:v libtheora -g 12"),
    Recipe("mjpeg.avi", "Motion JPEG", f"{PATTERN} -c:v mjpeg"),
    Recipe("bare.mjpeg", "the bare stream, no times", _from("mjpeg.avi")),
    Recipe("ffv1.mkv", "FFV1", f"{PATTERN} -c:v ffv1 -g 12"),
    Recipe("prores.mov", "ProRes", f"{PATTERN} -c:v prores"),
    Recipe(
        "dnxhr.mxf",
        "DNxHR",
        "-f lavfi -i testsrc2=s=256x128:r=25:d=1 -c:v dnxhd -profile:v dnxhr_lb -pix_fmt yuv422p",
    ),
    Recipe("animation.mov", "QuickTime animation", f"{PATTERN} -c:v qtrle"),
    Recipe("raw.y4m", "not compressed", f"{PATTERN} -pix_fmt yuv420p"),
    Recipe("pal.dv", "DV", "-f lavfi -i testsrc2=s=720x576:r=25:d=0.4 -pix_fmt yuv420p"),
    Recipe("pictures.gif", "GIF, frames that change a part of the one before", f"{PATTERN}"),
    Recipe("pictures.apng", "animated PNG", f"{PATTERN} -plays 0"),
    # Cuts
    Recipe("long.mp4", "", f"-f lavfi -i testsrc2=s=96x64:r=10:d=8 {H264} -g 25"),
    Recipe("long.ts", "", _from("long.mp4")),
    Recipe("open.ts", "", f"-f lavfi -i testsrc2=s=96x64:r=10:d=8 {X264_OPEN}"),
    Recipe("cut.mp4", "cut by an edit list at both ends", "-ss 3.05 -i long.mp4 -t 2 -c copy"),
    Recipe("cut.mov", "cut by an edit list at both ends", "-ss 1.55 -i long.mp4 -t 3.1 -c copy"),
    Recipe("cut.mkv", "cut between key frames", "-ss 3.05 -i long.mp4 -t 2 -c copy"),
    Recipe("cut_open.mp4", "cut at a key frame of an open GOP", "-ss 2.5 -i open.ts -t 3 -c copy"),
    Recipe("open_gop.ts", "open GOPs", _from("open.ts")),
    Recipe("open_gop.mkv", "open GOPs", _from("open.ts")),
    Recipe("middle.ts", "cut by bytes in the middle of GOPs", _cut("open.ts", 0.21, 0.83, 188)),
    Recipe("middle.mpg", "cut by bytes in the middle of GOPs", _cut("mpeg2.mpg", 0.21, 0.83, 2048)),
    Recipe("wrapped.ts", "the 33-bit clock wraps", "-i long.mp4 -c copy -output_ts_offset 95440 -muxdelay 0"),
    Recipe(
        "joined.ts",
        "two recordings, the clock goes back",
        Edit(("long.ts", "h264.ts"), lambda *parts: b"".join(parts)),
    ),
    Recipe(
        "refresh.ts",
        "no key frames, intra refresh",
        f"{PATTERN} -c:v libx264 -preset fast -pix_fmt yuv420p -x264-params intra-refresh=1:keyint=12:bframes=2",
    ),
    Recipe(
        "late_sound.mkv", "sound longer than the pictures", f"{PATTERN} -f lavfi -i sine=d=9 {H264} -c:a aac"
    ),
    # Times
    Recipe(
        "uneven.mp4",
        "variable frame rate",
        f"{PATTERN} -vf setpts='(N+floor(N/3)+10*gt(N\\,20))/10/TB' -vsync vfr {H264}",
    ),
    Recipe("uneven.mkv", "variable frame rate", _from("uneven.mp4")),
    Recipe("offset.mkv", "begins at 7 s", "-i h264.mp4 -c copy -output_ts_offset 7"),
    # Fields and shapes
    Recipe(
        "fields.ts",
        "interlaced H.264",
        f"{PATTERN} -vf tinterlace=interleave_top {H264} -flags +ilme+ildct -x264-params tff=1",
    ),
    Recipe(
        "fields.mpg",
        "interlaced MPEG-2",
        "-f lavfi -i testsrc2=s=96x64:r=50:d=3 -vf tinterlace=interleave_top "
        "-c:v mpeg2video -flags +ilme+ildct -bf 2 -f mpeg",
    ),
    Recipe("wide_pixels.mp4", "pixels that are not square", f"{PATTERN} -vf setsar=4/3 {H264}"),
    Recipe(
        "turned.h264.ts",
        "turned by a message in the stream",
        _from("h264.mp4", "-c copy -bsf:v h264_metadata=rotate=90:flip=horizontal"),
    ),
    Recipe(
        "full_range.mp4",
        "BT.709, full range",
        f"{PATTERN} -vf scale=out_range=full:out_color_matrix=bt709 {H264} "
        "-color_range pc -colorspace bt709 -color_primaries bt709 -color_trc bt709",
    ),
    *(
        Recipe(f"turn{number}.mp4", what, _turned("h264.mp4", matrix))
        for number, (what, matrix) in enumerate(TURNS.items())
        if number
    ),
    # Streams
    Recipe("cover.png", "", "-f lavfi -i testsrc2=s=600x600 -frames:v 1"),
    Recipe(
        "cover.mp4",
        "a large cover picture before a small video",
        "-i cover.png -i h264.mp4 -map 0 -map 1 -c copy -disposition:v:0 attached_pic",
    ),
    Recipe(
        "two_streams.mkv",
        "two videos, the smaller one with the default flag",
        f"{PATTERN} -f lavfi -i testsrc=s=192x128:r=10:d=5 -map 0 -map 1 {H264} -disposition:v:0 default -disposition:v:1 0",
    ),
    Recipe(
        "two_plain.mkv",
        "two videos without a default flag",
        f"{PATTERN} -f lavfi -i testsrc=s=192x128:r=10:d=5 -map 0 -map 1 {H264} -disposition:v:0 0 -disposition:v:1 0",
    ),
)

RECIPES = {recipe.name: recipe for recipe in _ALL}
"""The recipes by name, in the order of the table."""
