# SPDX-License-Identifier: Apache-2.0
"""Frames of packets, as far as they are whole.

From a packet that is damaged to the next frame that needs no other, frames are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .packets import Clock, Complaints, pieces
from .pyav import pyav


@dataclass
class Damage:
    """What could not be decoded."""

    times: list[tuple[float, float | None]] = field(default_factory=list)
    """From which second to which; None: to the end."""

    def __str__(self) -> str:
        spans = [f"{clock(a)} to {'its end' if b is None else clock(b)}" for a, b in self.times]
        return ", ".join(spans)


def clock(seconds: float) -> str:
    """A time as people write it: 1:02:03.45."""
    hundredths = round(100 * seconds)
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02}" if hours else str(minutes)
    return f"{head}:{rest // 100:02}.{rest % 100:02}"


def decoded_of(
    container: Any, stream: Any, complaints: Complaints, damage: Damage
) -> Iterator[Any]:
    """Frames that were decoded without a fault.

    Args:
        container: a film, just opened.
        stream: of its picture.
        complaints: listening since before it was opened.
        damage: takes what cannot be decoded.
    """
    av = pyav()
    context = stream.codec_context
    context.thread_type = "NONE"  # so that a fault is that of the packet just given
    context.options = {"err_detect": "explode"}
    usual = float(1 / (stream.average_rate or stream.guessed_rate or 25))
    since: float | None = None
    """When the damage began."""
    until: float | None = None
    """When the last good frame ends: what comes behind it and before the damage is lost, too."""
    hit: set[int | None] = set()
    """Time stamps of packets that are damaged: not all of those fail, and frames come later."""
    last, early = float("-inf"), False
    for packet, broken in pieces(container, stream, complaints, Clock(container)):
        try:
            frames = context.decode(packet)
        except av.error.EOFError:
            frames = []
        except av.error.FFmpegError:
            frames, broken = [], True
        time = (until or 0.0) if packet.pts is None else float(packet.pts * stream.time_base)
        if broken and packet.size:
            hit.add(packet.pts)
        if packet.size and (broken or since is not None):
            since = time if since is None else min(since, time)
        early = broken and not packet.size
        for frame in frames:
            now = time if frame.time is None else frame.time
            if since is None and (frame.is_corrupt or now < last):  # late where others are missing
                since = now
            if since is not None and now >= since:
                if not frame.key_frame or frame.is_corrupt or frame.pts in hit:
                    continue
                damage.times.append((since if until is None else min(since, until), now))
                since = None
                hit.clear()
            long = float(frame.duration * frame.time_base) if frame.duration else usual
            last, until = now, now + long
            yield frame
    if since is not None or early:
        begun = [x for x in (since, until) if x is not None]
        damage.times.append((min(begun, default=0.0), None))
