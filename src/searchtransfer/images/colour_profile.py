# SPDX-License-Identifier: Apache-2.0
"""ICC profiles made from the few numbers by which files say their colours.

A profile of primaries and one curve (ICC.1:2001, section 6.3.1.2), or of a curve alone for grey.
Numbers of code points: ITU-T H.273, tables 2 and 3.
"""

import struct
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Places = Sequence[tuple[float, float]]
"""CIE xy of white, red, green and blue."""
Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""From a stored value to light, both 0 to 1."""

_D65 = (0.3127, 0.3290)
_SRGB: Places = (_D65, (0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
_PRIMARIES: dict[int, Places] = {
    1: _SRGB,
    5: (_D65, (0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),
    6: (_D65, (0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    9: (_D65, (0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    11: ((0.314, 0.351), (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    12: (_D65, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
_STEPS = 1024


def from_chromaticities(exponent: float | None, places: Places | None, grey: bool) -> bytes | None:
    """The profile of PNG's gAMA (None: sRGB's curve) and cHRM (None: sRGB's primaries).

    Returns None where the numbers cannot be colours.
    """
    if exponent is not None and not 0.01 <= exponent <= 100:
        return None
    curve = _srgb if exponent is None else _power(1 / exponent)
    return _profile(curve, None if grey else places or _SRGB)


def from_code_points(code: bytes, grey: bool) -> bytes | None:
    """The profile of PNG's cICP; None where no profile of this kind can say it."""
    primaries, transfer, matrix, full = code
    curves = {1: _bt709, 4: _power(2.2), 5: _power(2.8), 6: _bt709, 8: _power(1.0), 13: _srgb}
    curves |= {14: _bt709, 15: _bt709}
    if primaries not in _PRIMARIES or transfer not in curves or matrix != 0 or full != 1:
        return None
    return _profile(curves[transfer], None if grey else _PRIMARIES[primaries])


def said_by(code: bytes, grey: bool) -> tuple[bytes | None, bytes | None]:
    """(profile, code points) of colours that are said by code points, one of them at most.

    A profile, so that every format can hold them; code points that none can say (high dynamic
    range) stay as they are.
    """
    made = from_code_points(code, grey)
    return (made, None) if made is not None else (None, code)


def of_film(code: bytes, grey: bool) -> tuple[bytes | None, bytes | None]:
    """As `said_by`, of formats made of films, where what is not said is sRGB.

    The curves of television are written there for pictures that everybody shows as sRGB, too.
    """
    primaries, transfer = code[0], code[1]
    if primaries in (1, 2) and transfer in (1, 2, 6, 13, 14, 15):
        return None, None
    known = bytes([1 if primaries == 2 else primaries, 13 if transfer == 2 else transfer])
    return said_by(known + code[2:], grey)


def _power(exponent: float) -> Curve:
    return lambda value: value**exponent


def _srgb(value: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _bt709(value: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(value < 0.081, value / 4.5, ((value + 0.099) / 1.099) ** (1 / 0.45))


def _profile(curve: Curve, places: Places | None) -> bytes | None:
    levels = np.rint(curve(np.linspace(0, 1, _STEPS)) * 65535).astype(">u2")
    shape = b"curv" + bytes(4) + struct.pack(">I", _STEPS) + levels.tobytes()
    text = b"made from what its file says\0"
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78),
        b"cprt": b"text" + bytes(4) + b"none\0",
        b"wtpt": _xyz(_D50),
    }
    if places is None:
        return _file(b"GRAY", tags | {b"kTRC": shape})
    colorants = _adapted(places)
    if colorants is None:
        return None
    tags |= {name: _xyz(c) for name, c in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants, strict=True)}
    return _file(b"RGB ", tags | {b"rTRC": shape, b"gTRC": shape, b"bTRC": shape})


def _adapted(places: Places) -> list[NDArray[np.float64]] | None:
    """XYZ of red, green and blue as seen under D50, which all profiles are about."""
    if any(not (0 <= x <= 1 and 0 < y <= 1) for x, y in places):
        return None
    white, *colours = (np.array([x / y, 1.0, (1 - x - y) / y]) for x, y in places)
    try:
        amounts = np.linalg.solve(np.stack(colours, 1), white)
    except np.linalg.LinAlgError:
        return None
    cones = _BRADFORD @ white
    if not (amounts > 0).all() or not (cones > 0).all():
        return None
    adapt = np.linalg.inv(_BRADFORD) @ np.diag(_BRADFORD @ _D50 / cones) @ _BRADFORD
    colorants = [adapt @ (amount * colour) for amount, colour in zip(amounts, colours, strict=True)]
    return colorants if np.abs(colorants).max() < 2 else None


def _xyz(value: NDArray[np.float64]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(float(v) * 65536) for v in value))


def _file(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    body, entries, at = b"", b"", {}
    for name, data in tags.items():
        if data not in at:  # the three curves are one
            at[data] = 128 + 4 + 12 * len(tags) + len(body)
            body += data + bytes(-len(data) % 4)
        entries += name + struct.pack(">II", at[data], len(data))
    header = struct.pack(">I4xI", 132 + len(entries) + len(body), 0x02100000)
    header += b"mntr" + space + b"XYZ " + struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp"
    header = header.ljust(68, b"\0") + _xyz(_D50)[8:]
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + entries + body
