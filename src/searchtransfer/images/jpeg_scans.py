# SPDX-License-Identifier: Apache-2.0
"""Whether a JPEG file without its end marker has all the scans that its pixels need.

A progressive file says its coefficients in several scans, coarse to fine (ITU-T T.81, annex G).
"""

import re
from collections.abc import Iterator

_NEXT_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}
_PROGRESSIVE = {0xC2, 0xCA}
_SCAN = 0xDA
_BANDS = 64


def has_all_scans(data: bytes) -> bool:
    """Whether every bit of every coefficient is in some scan, and the file ends in a scan."""
    needed: set[tuple[int, int]] = set()
    progressive, last = False, 0
    for marker, body in _segments(data):
        last = marker
        if marker in _FRAMES:
            progressive = marker in _PROGRESSIVE
            parts = body[6::3]
            needed = {(part, band) for part in parts for band in range(_BANDS)}
        elif marker == _SCAN and body and len(body) >= 2 * body[0] + 4:
            first, end, bits = body[2 * body[0] + 1 :][:3]
            if not progressive:
                first, end, bits = 0, _BANDS - 1, 0
            if bits & 15 == 0:
                parts = body[1 : 2 * body[0] : 2]
                needed -= {(part, band) for part in parts for band in range(first, end + 1)}
    return last == _SCAN and not needed


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(marker, body) of each segment up to the first that is not whole, which is (0, b"")."""
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        if data[place + 1] == 0xFF:  # filling
            place += 1
            continue
        marker = data[place + 1]
        stop = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        if stop > len(data):
            yield 0, b""
            return
        yield marker, data[place + 4 : stop]
        place = stop
        if marker == _SCAN:
            found = _NEXT_MARKER.search(data, stop)
            if found is None:
                return
            place = found.start()
    if place < len(data):
        yield 0, b""
