# SPDX-License-Identifier: Apache-2.0
"""PNG: pixels are read by Pillow (8 bits) or OpenImageIO (16 bits), everything else by the chunks.

The libraries are given a file of nothing but pixels, so that neither a text, a profile nor a wrong
checksum in one decides whether the picture can be read.
"""

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import PngImagePlugin

from .deep import decode_deep
from .image import Metadata
from .metadata import orientation
from .png_chunks import only, png_file, read_chunks
from .png_words import read_words, write_words
from .samples import CheckSize, Decoded, Note, Samples, to_samples

_CHANNELS = {0: 2, 2: 4, 3: 4, 4: 2, 6: 4}
"""Of each kind of pixels, alpha included, which may come by a chunk of its own."""
_PALETTE = 3
_LEVEL = 6
"""Of compression, zlib's own choice."""
_PIECE = 2**20
"""Bytes that are packed at a time, and of a chunk of pixels."""


def decode_png(data: bytes, check_size: CheckSize, note: Note) -> Decoded:
    """Decode a PNG file; arguments and errors as in `decoding.decode`."""
    width, height, depth, kind = _header(data)
    check_size(height, width, _CHANNELS[kind])
    chunks = read_chunks(data, note)
    count = next((int.from_bytes(body[:4], "big") for name, body in chunks if name == b"acTL"), 1)
    if count > 1:
        note(f"it holds {count} pictures; only the first is used")
    metadata = read_words(chunks, note)
    needed = [b"IHDR", b"PLTE", b"IDAT", b"IEND"] + [b"tRNS"] * (kind == _PALETTE)
    pixels = png_file(only(chunks, needed))
    if depth == 16:
        samples = decode_deep(pixels, ".png", bits=16)
        _check_whole(pixels)
    else:
        with PngImagePlugin.PngImageFile(io.BytesIO(pixels)) as picture:
            picture.load()
            samples, metadata = to_samples(picture, metadata, note)
    hidden = next((body for name, body in chunks if name == b"tRNS"), None)
    if hidden is not None and kind in (0, 2):
        samples = _with_hidden(samples, hidden, depth)
    return Decoded(samples, metadata, orientation(metadata.exif, metadata.xmp))


def encode_png(samples: Samples, metadata: Metadata) -> bytes:
    """A PNG file of `[H, W, C]`, C from 1 to 4, of 8 or 16 bits."""
    height, width, channels = samples.shape
    depth, kind = 8 * samples.itemsize, {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    packer = zlib.compressobj(_LEVEL)
    pieces = [packer.compress(rows) for rows in _filtered(samples)]
    pixels = b"".join([*pieces, packer.flush()])
    parts = [pixels[i : i + _PIECE] for i in range(0, len(pixels), _PIECE)]
    words = write_words(metadata)
    return png_file([(b"IHDR", header), *words, *((b"IDAT", x) for x in parts), (b"IEND", b"")])


def _filtered(samples: Samples) -> Iterator[bytes]:
    """Rows as differences to the left or to above, whichever is smaller (section 9 of PNG)."""
    height, width, channels = samples.shape
    stride = channels * samples.itemsize
    above = np.zeros((1, width * stride), np.uint8)
    step = max(1, _PIECE // (width * stride))
    for top in range(0, height, step):
        part = samples[top : top + step]
        rows = part.astype(part.dtype.newbyteorder(">")).view(np.uint8).reshape(len(part), -1)
        left, up = rows.copy(), rows - np.concatenate([above, rows[:-1]])
        left[:, stride:] -= rows[:, :-stride]
        costs = [np.abs(x.view(np.int8).astype(np.int16)).sum(1) for x in (left, up)]
        upwards = costs[1] < costs[0]
        chosen = np.where(upwards[:, None], up, left)
        kinds = np.where(upwards, 2, 1).astype(np.uint8)[:, None]
        yield np.concatenate([kinds, chosen], axis=1).tobytes()
        above = rows[-1:]


def _header(data: bytes) -> tuple[int, int, int, int]:
    """(width, height, depth, colour type)."""
    if data[12:16] != b"IHDR" or len(data) < 33:
        raise ValueError("it does not begin with its header")
    kind = data[25]
    if kind not in _CHANNELS:
        raise ValueError(f"its colour type {kind} does not exist")
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big"), data[24], kind


def _check_whole(pixels: bytes) -> None:
    """Pillow finds pixels that are missing or damaged, which OpenImageIO may pass over."""
    with PngImagePlugin.PngImageFile(io.BytesIO(pixels)) as picture:
        picture.load()


def _with_hidden(samples: Samples, key: bytes, depth: int) -> Samples:
    """Alpha from the one transparent colour of tRNS, which is given in the depth of the file."""
    channels = 1 if len(key) < 6 else 3
    stored = np.frombuffer(key[: 2 * channels], ">u2").astype(np.int64) & (2**depth - 1)
    most = np.iinfo(samples.dtype).max
    hidden = (samples[..., :channels] == stored * (most // (2**depth - 1))).all(-1)
    alpha = np.where(hidden, 0, most).astype(samples.dtype)
    return np.concatenate([samples[..., :channels], alpha[..., None]], axis=-1)
