# SPDX-License-Identifier: Apache-2.0
"""What a result takes over from the original as it is: sound, subtitles, their fonts, chapters."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import OutputError
from ..foreign import shown
from .encoding import CONTAINERS
from .packets import Clock
from .pyav import pyav
from .reading import Film, opened, picture_stream, restarts_of

COPIED = ("audio", "subtitle")
"""Kinds of streams that are taken over."""

ATTACHED = "attachment"
"""Fonts of subtitles, which Matroska holds."""

SAID = ("language", "title")
"""What a stream says of itself; the rest is of its coding."""


def check_copies(film: Film, target: Path) -> None:
    """Find out whether a container takes the sound and subtitles of a film.

    Raises:
        OutputError: it does not.
    """
    if not isinstance(film.source, Path):
        return
    with opened(film.source, film.name) as source:
        copied = [x for x in source.streams if x.type in COPIED]
        for stream in copied:
            if _holds(CONTAINERS[target.suffix.lower()], stream):
                continue
            others = [x for x, name in CONTAINERS.items() if all(_holds(name, y) for y in copied)]
            advice = (
                f"write {' or '.join(others)}"
                if others
                else "nothing that is written here holds them all; take it out first, with: "
                f"ffmpeg -i FILM -map 0 -map -0:{stream.index} -c copy OTHER"
            )
            kind = getattr(stream.codec_context, "name", None) or "of an unknown kind"
            raise OutputError(
                f"output {shown(target)}: cannot hold stream {stream.index} of the film "
                f"({stream.type}, {kind}); {advice}"
            )


def left_out(film: Film, target: Path) -> list[str]:
    """The streams of a film that its result does not have, in words."""
    if not isinstance(film.source, Path):
        return []
    with opened(film.source, film.name) as source:
        there = [picture_stream(source, film.name), *_taken(source, target)]
        numbers = {x.index for x in there}
        return [f"{x.index} ({_kind(x)})" for x in source.streams if x.index not in numbers]


class Copies:
    """Sound, subtitles and what belongs to them, on their way from a film to a container.

    Args:
        film: the original.
        source: the same, opened.
        target: says which container.
        out: the container.
    """

    def __init__(self, film: Film, source: Any, target: Path, out: Any) -> None:
        self._film, self._source = film, source
        self._streams = {x.index: _like(x, out) for x in _taken(source, target)}
        out.metadata.update(source.metadata)
        out.set_chapters(source.chapters())

    def packets(self) -> Iterator[tuple[float, Any]]:
        """Each packet and when it is due, as long as there are any."""
        av = pyav()
        wanted = [x for x in self._source.streams if x.index in self._streams and x.type in COPIED]
        if not wanted:
            return
        restarts = restarts_of(self._film)
        clocks = {x.index: Clock(self._source, restarts) for x in wanted}
        due, last = float("-inf"), dict.fromkeys(clocks, -(2**62))
        packets = self._source.demux(*wanted)
        while True:
            try:
                packet = next(packets)
            except (StopIteration, av.error.FFmpegError):  # a file that was cut off ends here
                return
            if not packet.size:
                continue
            number = packet.stream_index
            clocks[number].set(packet)
            if packet.dts is not None:
                # No container takes them out of order, as they are where recordings overlap.
                packet.dts = last[number] = max(packet.dts, last[number] + 1)
                packet.pts = None if packet.pts is None else max(packet.pts, packet.dts)
                due = max(due, float(packet.dts * packet.time_base))
            packet.stream = self._streams[number]
            yield due, packet


def describe(made: Any, stream: Any) -> None:
    """Let a stream say of itself what another does: language, title, if it is the usual one."""
    made.metadata.update({x: stream.metadata[x] for x in SAID if x in stream.metadata})
    made.disposition = stream.disposition.value


def _taken(source: Any, target: Path) -> list[Any]:
    kinds = (*COPIED, ATTACHED) if CONTAINERS[target.suffix.lower()] == "matroska" else COPIED
    return [x for x in source.streams if x.type in kinds]


def _like(stream: Any, out: Any) -> Any:
    made = out.add_stream_from_template(stream)
    if stream.type != ATTACHED:
        describe(made, stream)
    return made


def _holds(container: str, stream: Any) -> bool:
    av = pyav()
    try:
        with av.open(io.BytesIO(), "w", format=container) as trial:
            trial.add_stream_from_template(stream)
            trial.start_encoding()
    except (av.error.FFmpegError, ValueError):
        return False
    return True


def _kind(stream: Any) -> str:
    name = getattr(stream.codec_context, "name", None) or getattr(stream, "name", None)
    return f"{stream.type}, {name}" if name else str(stream.type)
