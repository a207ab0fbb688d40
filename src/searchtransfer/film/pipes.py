# SPDX-License-Identifier: Apache-2.0
"""A stream of YUV4MPEG2 that is read, and whether it came to its end."""

from typing import Any, BinaryIO

HEAD = b"FRAME\n"
"""Before each frame; some programs add words there, and then nothing is known of the end."""


class Counted:
    """A stream whose bytes are counted: one that was cut off ends in the middle of a frame."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._begin = b""
        self._count = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        data = self._stream.read(size)
        self._count += len(data)
        if len(self._begin) < 1024:
            self._begin += data[:1024]
        return data

    def broken_off(self, frame: Any) -> bool:
        """Whether all that was read is no whole number of frames like this one."""
        header, end, first = self._begin.partition(b"\n")
        if not first.startswith(HEAD):
            return False
        components = frame.format.components
        size: int = sum(
            plane.width * plane.height * -(-part.bits // 8)
            for plane, part in zip(frame.planes, components, strict=True)
        )
        return (self._count - len(header + end)) % (len(HEAD) + size) != 0
