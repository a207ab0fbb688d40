# SPDX-License-Identifier: Apache-2.0
"""Films that are turned and mirrored when they are shown."""

import struct
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from clips import frames, pan, small_of, write_film
from torch import Tensor

from searchtransfer.film import read_film

ONE = 1 << 16


def turned(picture: Tensor, way: str) -> Tensor:
    """As people would do it by hand."""
    return {
        "as it is": lambda x: x,
        "a quarter clockwise": lambda x: torch.rot90(x, -1, (1, 2)),
        "upside down": lambda x: torch.rot90(x, 2, (1, 2)),
        "a quarter back": lambda x: torch.rot90(x, 1, (1, 2)),
        "mirrored": lambda x: x.flip(2),
        "mirrored in water": lambda x: x.flip(1),
        "swapped": lambda x: x.transpose(1, 2),
        "swapped across": lambda x: x.transpose(1, 2).flip(1, 2),
    }[way](picture)


@pytest.mark.parametrize(
    ("way", "matrix"),
    [
        ("as it is", (1, 0, 0, 1)),
        ("a quarter clockwise", (0, 1, -1, 0)),
        ("upside down", (-1, 0, 0, -1)),
        ("a quarter back", (0, -1, 1, 0)),
        ("mirrored", (-1, 0, 0, 1)),
        ("mirrored in water", (1, 0, 0, -1)),
        ("swapped", (0, 1, 1, 0)),
        ("swapped across", (0, -1, -1, 0)),
    ],
)
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "gray"])
def test_frames_are_upright(
    tmp_path: Path, way: str, matrix: tuple[int, int, int, int], pix_fmt: str
) -> None:
    codec = "libx264"
    path = write_film(
        tmp_path / "small.mp4", small_of(pan(1, 1)), codec=codec, pix_fmt=pix_fmt,
        aspect=Fraction(4, 3),
    )  # fmt: skip
    stored = frames(path)[0]
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 44
    a, b, c, d = (ONE * x for x in matrix)
    content[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    film = read_film(path)
    shown = frames(path)[0]
    assert torch.equal(shown, turned(stored, way)) and film.size == tuple(shown.shape[1:])
    assert film.aspect == (Fraction(3, 4) if film.size == (24, 16) else Fraction(4, 3))
