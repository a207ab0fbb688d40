# SPDX-License-Identifier: Apache-2.0
"""Tiny image files, good and bad, made by the tests themselves."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image, ImageCms

ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="6">\xc3\xa9</a></x:xmpmeta>'


def noise(height: int, width: int, channels: int, bits: int = 8, seed: int = 0) -> np.ndarray:
    dtype = np.uint16 if bits == 16 else np.uint8
    shape = (height, width, channels)
    return np.random.default_rng(seed).integers(0, 2**bits, shape, dtype=dtype)


def exif(orientation: int = 1) -> bytes:
    """An EXIF block with a maker, a date, an exposure, a maker note, a position and a size."""
    block = Image.Exif()
    block[0x010F] = "Maker"
    block[0x0112] = orientation
    block[0x8769] = {0x829A: 0.01, 0x9003: "2020:01:02 03:04:05", 0x927C: b"note\0bytes"}
    block[0x8769] |= {0xA002: 7, 0xA003: 5}
    block[0x8825] = {1: "N", 2: (10.0, 20.0, 30.0)}
    return block.tobytes()


def read_exif(block: bytes) -> tuple[dict, dict, dict]:
    """The three directories of a block: the picture's, the camera's, the position's."""
    read = Image.Exif()
    read.load(block)
    base = {tag: value for tag, value in read.items() if tag not in (0x8769, 0x8825)}
    return base, dict(read.get_ifd(0x8769)), dict(read.get_ifd(0x8825))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


_ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2))
_ADAM7 += ((1, 0, 2, 1),)


def png(
    samples: np.ndarray, extra: bytes = b"", after: bytes = b"", interlaced: bool = False
) -> bytes:
    """A PNG written by hand, of either depth; `extra` goes before the pixels, `after` behind."""
    height, width, channels = samples.shape
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    passes = [samples[y::dy, x::dx] for y, x, dy, dx in _ADAM7] if interlaced else [samples]
    big = samples.dtype.newbyteorder(">")
    rows = b"".join(
        b"\0" + row.astype(big).tobytes() for part in passes if part.size for row in part
    )
    depth = 8 * samples.itemsize
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(rows))
        + after
        + chunk(b"IEND", b"")
    )


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def tiff(samples: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, samples, **options)
    return file.getvalue()


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
