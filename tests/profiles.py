# SPDX-License-Identifier: Apache-2.0
"""Small ICC profiles (ICC.1:2001) whose conversions are known beforehand."""

import struct


def matrix_profile(*, gamma: float = 2.2, swap_red_and_green: bool = False) -> bytes:
    """An RGB profile with the primaries of sRGB and a plain power curve."""
    red, green, blue = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)
    if swap_red_and_green:
        red, green = green, red
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
    tags = {b"rXYZ": _xyz(red), b"gXYZ": _xyz(green), b"bXYZ": _xyz(blue)}
    tags |= {b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
    return _profile(b"mntrRGB XYZ ", tags)


def grey_profile(gamma: float) -> bytes:
    """A grey profile with a plain power curve."""
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
    return _profile(b"mntrGRAYXYZ ", {b"kTRC": curve})


def cmyk_profile() -> bytes:
    """A minimal CMYK output profile: ink to Lab by a table of 2^4 corners.

    Every ink alone darkens, and cyan has a colour of its own that no plain formula gives.
    """
    corners = bytearray()
    for index in range(16):
        c, m, y, k = ((index >> shift) & 1 for shift in (3, 2, 1, 0))
        light = max(0.0, 100 - 30 * c - 35 * m - 8 * y - 90 * k)
        corners += bytes(
            [int(light * 2.55), int(128 - 20 * c + 60 * m), int(128 - 40 * c - 5 * m + 80 * y)]
        )
    ramp = bytes(range(256))
    identity = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    table = (
        b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + identity + ramp * 4 + bytes(corners) + ramp * 3
    )
    return _profile(b"prtrCMYKLab ", {b"A2B0": table})


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(x * 65536) for x in values))


def _profile(kind: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A whole profile: of this class, space of the device, and space it is connected by."""
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78),
        b"cprt": b"text" + bytes(4) + b"none\0",
        b"wtpt": _xyz((0.9642, 1.0, 0.8249)),
        **tags,
    }
    body, directory, start = b"", struct.pack(">I", len(tags)), 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        directory += name + struct.pack(">II", start + len(body), len(data))
        body += data
    size = 128 + len(directory) + len(body)
    header = struct.pack(">I", size) + bytes(4) + b"\x02\x10\0\0" + kind + bytes(12) + b"acsp"
    header = header.ljust(68, b"\0") + struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + directory + body
