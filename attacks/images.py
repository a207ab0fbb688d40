# SPDX-License-Identifier: Apache-2.0
"""A generator of each hostile image file, and the words that its error must have."""

import io
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image


class Attack(NamedTuple):
    """One hostile file."""

    make: Callable[[], bytes]
    expected: str | None
    """A regular expression for the message; None: the file can be read all the same."""
    name: str = "a.img"


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of PNG."""
    check = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)


def png(width: int, height: int, depth: int = 8, colour: int = 2, extra: bytes = b"") -> bytes:
    """A PNG of any size by its header, with the pixels of a small one."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(200)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + pixels + chunk(b"IEND", b"")


def good(kind: str, **options: object) -> bytes:
    """A sound file of 24 x 16 pixels."""
    pixels = np.random.default_rng(0).integers(0, 255, (16, 24, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)  # type: ignore[arg-type]
    return file.getvalue()


def tiff(data: bytes = bytes(64), **tags: int) -> bytes:
    """A TIFF whose tags are given by number (`t256=...`), with pixels behind."""
    entries = {256: 4, 257: 4, 258: 8, 259: 1, 262: 1, 277: 1, 278: 4, 279: len(data)}
    entries |= {int(name[1:]): value for name, value in tags.items()}
    entries.setdefault(273, 8 + 2 + 12 * (len(entries) + 1) + 4)
    body = struct.pack("<H", len(entries))
    for tag, value in sorted(entries.items()):
        body += struct.pack("<HHII", tag, 4, 1, value)
    return b"II*\0" + struct.pack("<I", 8) + body + bytes(4) + data


def endless_directory() -> bytes:
    """The next directory of a TIFF is the same one again."""
    data = bytearray(tiff())
    count = struct.unpack_from("<H", data, 8)[0]
    struct.pack_into("<I", data, 10 + 12 * count, 8)
    return bytes(data)


def zip_bomb(kind: bytes) -> bytes:
    """80 MiB of zeros in a text or profile of a small PNG."""
    return png(8, 8, extra=chunk(kind, b"a\0\0" + zlib.compress(bytes(80 * 2**20), 9)))


def deflate_bomb() -> bytes:
    """A PNG of 8 x 8 pixels with 200 MB behind its last row."""
    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(200_000_000), 9))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


LARGE = "million pixels.* more than the limit"
DAMAGED = "damaged or truncated"

ATTACKS: dict[str, Attack] = {
    "empty": Attack(lambda: b"", "is empty"),
    "web page": Attack(lambda: b"<!DOCTYPE html><html></html>", "an HTML page", "a.png"),
    "text": Attack(lambda: b"hello\n", "plain text", "a.png"),
    "drawing": Attack(lambda: b'<?xml version="1.0"?><svg/>', "an SVG drawing", "a.png"),
    "PostScript": Attack(lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript", "a.png"),
    "PDF": Attack(lambda: b"%PDF-1.7\n", "a PDF document", "a.jpg"),
    "LFS pointer": Attack(lambda: b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    "archive": Attack(lambda: b"PK\x03\x04" + bytes(30), "a ZIP archive"),
    "program": Attack(lambda: b"\x7fELF" + bytes(60), "a program"),
    "half PNG": Attack(lambda: good("PNG")[:300], DAMAGED),
    "half JPEG": Attack(lambda: good("JPEG")[:-60], DAMAGED),
    "half WebP": Attack(lambda: good("WEBP")[:-60], DAMAGED),
    "half GIF": Attack(lambda: good("GIF")[:900], DAMAGED),
    "half BMP": Attack(lambda: good("BMP")[:900], DAMAGED),
    "half TGA": Attack(lambda: good("TGA")[:900], DAMAGED, "a.tga"),
    "half PPM": Attack(lambda: good("PPM")[:900], DAMAGED),
    "half JPEG 2000": Attack(lambda: good("JPEG2000")[:200], DAMAGED),
    "half AVIF": Attack(lambda: good("AVIF")[:-100], DAMAGED),
    "half TIFF": Attack(lambda: good("TIFF")[:900], DAMAGED),
    "PNG bomb": Attack(lambda: png(60_000, 60_000), LARGE),
    "deep PNG bomb": Attack(lambda: png(60_000, 60_000, 16), LARGE),
    "PNG of no width": Attack(lambda: png(0, 4), "its size is|damaged"),
    "PNG of negative size": Attack(lambda: png(2**31, 2**31), LARGE),
    "PNG of no colour type": Attack(lambda: png(8, 8, 8, 5), "colour type 5|damaged"),
    "text bomb": Attack(lambda: zip_bomb(b"zTXt"), None),
    "profile bomb": Attack(lambda: zip_bomb(b"iCCP"), None),
    "bomb behind the pixels": Attack(deflate_bomb, None),
    "TIFF bomb": Attack(lambda: tiff(t256=60_000, t257=60_000), LARGE),
    "TIFF of 60,000 channels": Attack(lambda: tiff(t256=3000, t257=3000, t277=60_000), "channels"),
    "TIFF of one tile": Attack(lambda: tiff(t322=1_000_000, t323=1_000_000, t324=8, t325=9), LARGE),
    "TIFF without end": Attack(endless_directory, None),
    "TIFF of nothing": Attack(lambda: b"II*\0" + struct.pack("<I", 2**31), DAMAGED),
    "BigTIFF of nothing": Attack(lambda: b"MM\0+\0\x08\0\0" + b"\xff" * 8, DAMAGED),
    "GIF bomb": Attack(lambda: b"GIF89a" + b"\xff" * 4 + bytes(9) + b";", f"{LARGE}|damaged"),
    "BMP bomb": Attack(
        lambda: good("BMP")[:18] + struct.pack("<ii", 60_000, 60_000) + good("BMP")[26:], LARGE
    ),
    "PPM bomb": Attack(lambda: b"P6 60000 60000 255\n" + bytes(9), LARGE),
    "PPM of endless digits": Attack(lambda: b"P6 " + b"9" * 10**6 + b" 1 255\n", DAMAGED),
    "TGA bomb": Attack(lambda: good("TGA")[:12] + b"\xff" * 4 + good("TGA")[16:], LARGE, "a.tga"),
    "JPEG bomb": Attack(
        lambda: good("JPEG").replace(struct.pack(">HH", 16, 24), b"\xff\xdc" * 2, 1), LARGE
    ),
    "EXIF in circles": Attack(
        lambda: good("JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\1\0\x69\x87\4\0\1\0\0\0\x08\0\0\0"),
        None,
    ),
    "profile of noise": Attack(lambda: good("PNG", icc_profile=bytes(range(256)) * 9), None),
}


def main(folder: Path) -> None:
    """Write every file, with its name and what must be said of it."""
    for title, attack in ATTACKS.items():
        path = folder / title.replace(" ", "-") / attack.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(attack.make())
        print(f"{path}\t{attack.expected or 'can be read'}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
