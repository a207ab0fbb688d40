# SPDX-License-Identifier: Apache-2.0
"""Packets as they lie in a file: on a clock from 0 on, and whether the file is whole there."""

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from .pyav import pyav

AGAIN = 0.5
"""Seconds by which a clock goes back where it starts again; packets are less out of order."""

_PLACE = re.compile(r"\bat (?:pos )?(0x[0-9a-f]+|\d+)")

_ENDS = re.compile(r"ended prematurely|partial file")


class Piece(NamedTuple):
    """A packet of a stream; the last one is empty."""

    packet: Any
    broken: bool
    """It is damaged, or the file is right behind it; of the empty one: the file ends too early."""


class Clock:
    """Sets the time stamps of packets, so that they begin at 0 and go on.

    Those of MPEG streams count from any number on, and start again where two recordings were put
    behind each other. Other containers have their own beginning, which is kept.

    Args:
        container: that the packets are from.
        restarts: for sound and subtitles, what `restarts` was of the picture.
    """

    def __init__(self, container: Any, restarts: Sequence[Fraction] | None = None) -> None:
        av = pyav()
        self.is_set = bool(container.format.flags & av.format.Flags.ts_discont.value)
        """Time stamps are other ones than those of the file."""
        self._offset = Fraction(-(container.start_time or 0), av.time_base)
        self._known = restarts
        self._last: Fraction | None = None
        self._next: Fraction | None = None
        self._step = Fraction(0)
        self.restarts: list[Fraction] = []
        """Seconds that are added behind each restart so far."""

    def set(self, packet: Any) -> None:
        """Put a packet on this clock; those of a stream must come in their order."""
        if not self.is_set or not packet.size:
            return
        unit = packet.time_base
        if packet.dts is not None:
            at = packet.dts * unit
            jump = 0 if self._next is None else at - self._next
            if not (packet.is_corrupt and abs(jump) > AGAIN):  # else who knows what its stamp is
                if jump < -AGAIN:
                    self._start_again(-jump)
                elif self._last is not None:
                    self._step = at - self._last
                self._last, self._next = at, at + ((packet.duration or 0) * unit or self._step)
        offset = round(self._offset / unit)
        packet.pts = None if packet.pts is None else packet.pts + offset
        packet.dts = None if packet.dts is None else packet.dts + offset

    def _start_again(self, back: Fraction | int) -> None:
        number = len(self.restarts)
        if self._known is None:
            self._offset += back
        elif number < len(self._known):
            self._offset = self._known[number]
        self.restarts.append(self._offset)


class Complaints:
    """What libavformat finds wrong with a file, and tells nobody but its log.

    They are listened for from here on. Errors of decoders are none: those are raised.
    """

    def __init__(self) -> None:
        self._count = 0
        self.listen()

    def listen(self) -> None:
        """Forget what was said before, which may be of another file."""
        self._count = pyav().logging.get_last_error()[0]

    def heard(self, container: Any) -> str | None:
        """The last one; None if there was none."""
        count, error = pyav().logging.get_last_error()
        if count == self._count or error is None or error[1] != container.format.name:
            return None
        said: str = error[2]
        return said


def pieces(container: Any, stream: Any, complaints: Complaints, clock: Clock) -> Iterator[Piece]:
    """The packets of a stream, one late, since what is wrong behind one is found with the next.

    Args:
        container: a film, just opened.
        stream: one of its streams.
        complaints: listening since before it was opened.
        clock: a new one.
    """
    av = pyav()
    # What was read ahead while it was opened comes later: only its words tell where it belongs.
    said = complaints.heard(container)
    place, ends = _place(said), said is not None and _ENDS.search(said) is not None
    packets = container.demux(stream)
    last: Any = None
    while True:
        broken = False
        complaints.listen()
        try:
            packet = next(packets)
        except (StopIteration, av.error.EOFError):
            packet = av.Packet()
        except av.error.FFmpegError:
            packet, broken = av.Packet(), True
        broken = complaints.heard(container) is not None or broken
        if last is not None:
            passed = place is not None and (not packet.size or (packet.pos or 0) > place)
            place = None if passed else place
            yield Piece(last, bool(last.is_corrupt) or passed or (broken and bool(packet.size)))
        if not packet.size:
            yield Piece(packet, broken or ends)
            return
        clock.set(packet)
        last = packet


def _place(said: str | None) -> int | None:
    """The byte that a complaint speaks of."""
    found = None if said is None else _PLACE.search(said)
    return None if found is None else int(found[1], 0)
