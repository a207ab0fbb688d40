# SPDX-License-Identifier: Apache-2.0
"""Joining the segments of a film with the sound and subtitles of the original; nothing is coded."""

import heapq
import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from ..errors import OutputError
from ..foreign import short, shown
from .copying import Copies, describe
from .encoding import CONTAINERS
from .parts import Part
from .pyav import pyav
from .reading import Film, opened, picture_stream
from .stamps import decoding_times

TAGS = {"hevc": "hvc1"}
"""What MP4 and QuickTime call codecs where players of Apple know one of two names only."""


class _Stamp(NamedTuple):
    pts: int
    duration: int


def join(film: Film, parts: Sequence[Part], target: Path, file: BinaryIO) -> None:
    """Write segments, one behind the other, and the other streams of the film.

    Args:
        film: the original.
        parts: its segments, at least one.
        target: says the container.
        file: where to; must be seekable.

    Raises:
        OutputError: the container refuses it.
    """
    av = pyav()
    stamps = [_stamps(part, film.unit) for part in parts]
    try:
        with av.open(file, "w", format=CONTAINERS[target.suffix.lower()]) as out:
            with av.open(str(parts[0].path.absolute())) as first:
                picture = _picture(film, first.streams.video[0], out)
            pictures = _pictures(parts, stamps, film.unit, picture)
            if not isinstance(film.source, Path):
                out.start_encoding()
                for _, packet in pictures:
                    out.mux(packet)
                return
            with opened(film.source, film.name) as source:
                copies = Copies(film, source, target, out)
                describe(picture, picture_stream(source, film.name))
                out.start_encoding()
                for _, packet in heapq.merge(pictures, copies.packets(), key=lambda x: x[0]):
                    out.mux(packet)
    except av.error.FFmpegError as error:
        if isinstance(error, OSError) and error.errno and not isinstance(error, ValueError):
            raise OSError(error.errno, error.strerror) from error
        said = short(str(getattr(error, "strerror", None) or error))
        raise OutputError(f"output {shown(target)}: cannot be put together ({said})") from error


def _picture(film: Film, template: Any, out: Any) -> Any:
    """The stream that shows the film."""
    made = out.add_stream_from_template(template, opaque=True)
    made.time_base = film.unit
    made.codec_context.framerate = film.rate.limit_denominator(2**16)
    tag = TAGS.get(template.codec_context.codec.canonical_name)
    if tag is not None and out.format.name in ("mp4", "mov"):
        made.codec_context.codec_tag = tag
    return made


def _stamps(part: Part, unit: Fraction) -> list[_Stamp]:
    """When the frames of a part are shown, in the order in which they are stored."""
    with pyav().open(str(part.path.absolute())) as file:
        return [
            _Stamp(
                part.start + round(x.pts * x.time_base / unit),
                round((x.duration or 0) * x.time_base / unit),
            )
            for x in file.demux(video=0)
            if x.size
        ]


def _pictures(
    parts: Sequence[Part], stamps: Sequence[list[_Stamp]], unit: Fraction, picture: Any
) -> Iterator[tuple[float, Any]]:
    decoded_at = iter(decoding_times([x.pts for x in itertools.chain(*stamps)]))
    for part, times in zip(parts, stamps, strict=True):
        with pyav().open(str(part.path.absolute())) as file:
            packets = (x for x in file.demux(video=0) if x.size)
            for packet, (pts, duration) in zip(packets, times, strict=True):
                packet.time_base = unit
                packet.pts, packet.dts, packet.duration = pts, next(decoded_at), duration
                packet.stream = picture
                yield float(packet.dts * unit), packet
