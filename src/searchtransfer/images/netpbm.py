# SPDX-License-Identifier: Apache-2.0
"""PBM, PGM and PPM, of any depth up to 16 bits.

Read here, because Pillow reduces deep colour to 8 bits without a word. The format is a few numbers
and the samples (netpbm's own description of P1 to P6).
"""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .image import Metadata
from .samples import CheckSize, Decoded, Note, spread

_SPACE = rb"(?:[ \t\r\n\v\f]|#[^\r\n]*[\r\n])+"
_HEADER = re.compile(rb"P([1-6])" + (_SPACE + rb"(\d{1,9})") * 2)
_MOST = re.compile(_SPACE + rb"(\d{1,5})")
_COMMENT = re.compile(rb"#[^\r\n]*")


def decode_netpbm(data: bytes, check_size: CheckSize, note: Note) -> Decoded:
    """Decode the first picture; arguments and errors as in `decoding.decode`.

    Samples are scaled to the whole range of 8 bits, or of 16 where there are more than 255 levels.
    """
    head = _HEADER.match(data)
    if head is None:
        raise ValueError("its header is damaged")
    kind, width, height = (int(value) for value in head.groups())
    channels = 3 if kind in (3, 6) else 1
    check_size(height, width, channels)
    start, most = head.end(), 1
    if kind in (2, 3, 5, 6):
        depth = _MOST.match(data, start)
        if depth is None or not 1 <= (most := int(depth[1])) <= 65535:
            raise ValueError("its number of levels is missing or impossible")
        start = depth.end()
    count = height * width * channels
    values: NDArray[np.integer[Any]]
    if kind == 4:
        values = _bits(data[start + 1 :], height, width)
    elif kind > 3:
        values = np.frombuffer(data, ">u2" if most > 255 else "u1", count, start + 1)
    else:
        values = _words(data[start:], count, digits=kind == 1)
    if values.max() > most:
        raise ValueError(f"it has samples above its {most} levels")
    if kind in (1, 4):
        values = 1 - values  # 1 is black
    return Decoded(spread(values, most).reshape(height, width, channels), Metadata())


def _bits(data: bytes, height: int, width: int) -> NDArray[np.uint8]:
    row = (width + 7) // 8
    packed = np.frombuffer(data, np.uint8, height * row).reshape(height, row)
    return np.unpackbits(packed, axis=1)[:, :width].reshape(-1)


def _words(data: bytes, count: int, digits: bool) -> NDArray[np.int64]:
    """Numbers in plain text; of a bitmap every digit is one."""
    plain = _COMMENT.sub(b" ", data)
    words = re.findall(rb"[01]", plain) if digits else plain.split()
    if len(words) < count:
        raise ValueError(f"it has {len(words)} samples, expected {count}")
    if any(len(word) > 5 or not word.isdigit() for word in words[:count]):
        raise ValueError("its samples are no numbers of 16 bits")
    return np.array([int(word) for word in words[:count]], np.int64)
