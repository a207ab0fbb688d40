# SPDX-License-Identifier: Apache-2.0
"""Joining the segments of a film with the sound and subtitles of the original; nothing is coded."""

import heapq
import io
import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from ..errors import OutputError
from ..foreign import short, shown
from .encoding import CONTAINERS
from .parts import Part
from .pyav import pyav
from .reading import Film, opened
from .stamps import decoding_times

COPIED = ("audio", "subtitle")
"""Kinds of streams that are taken over."""


class _Stamp(NamedTuple):
    pts: int
    duration: int


def check_copies(film: Film, target: Path) -> None:
    """Find out whether a container takes the sound and subtitles of a film.

    Raises:
        OutputError: it does not.
    """
    if not isinstance(film.source, Path):
        return
    av = pyav()
    with opened(film.source, film.name) as source:
        for stream in _copied(source):
            try:
                with av.open(io.BytesIO(), "w", format=CONTAINERS[target.suffix.lower()]) as trial:
                    trial.add_stream_from_template(stream)
                    trial.start_encoding()
            except (av.error.FFmpegError, ValueError) as error:
                kind = getattr(stream.codec_context, "name", "unknown")
                raise OutputError(
                    f"output {shown(target)}: cannot hold stream {stream.index} of the film "
                    f"({stream.type}, {kind}); write .mkv, which holds nearly everything"
                ) from error


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
                picture = out.add_stream_from_template(first.streams.video[0], opaque=True)
            picture.time_base = film.unit
            if not isinstance(film.source, Path):
                out.start_encoding()
                for _, packet in _pictures(parts, stamps, film.unit, picture):
                    out.mux(packet)
                return
            with opened(film.source, film.name) as source:
                out.metadata.update(source.metadata)
                streams = {x.index: out.add_stream_from_template(x) for x in _copied(source)}
                for index, stream in streams.items():
                    stream.metadata.update(source.streams[index].metadata)
                out.start_encoding()
                pictures = _pictures(parts, stamps, film.unit, picture)
                others = _others(source, streams)
                for _, packet in heapq.merge(pictures, others, key=lambda x: x[0]):
                    out.mux(packet)
    except av.error.FFmpegError as error:
        if isinstance(error, OSError) and error.errno and not isinstance(error, ValueError):
            raise OSError(error.errno, error.strerror) from error
        said = short(str(getattr(error, "strerror", None) or error))
        raise OutputError(f"output {shown(target)}: cannot be put together ({said})") from error


def _copied(source: Any) -> list[Any]:
    return [x for x in source.streams if x.type in COPIED]


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


def _others(source: Any, streams: dict[int, Any]) -> Iterator[tuple[float, Any]]:
    av = pyav()
    last = float("-inf")
    if not streams:
        return
    packets = source.demux(*(source.streams[x] for x in streams))
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.FFmpegError):  # a file that was cut off ends here
            return
        if not packet.size:
            continue
        if packet.dts is not None:
            last = max(last, float(packet.dts * packet.time_base))
        packet.stream = streams[packet.stream_index]
        yield last, packet
