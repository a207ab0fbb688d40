# SPDX-License-Identifier: Apache-2.0
"""What a PNG file says beside its pixels: profile, colours, EXIF, XMP, resolution, texts.

Read and written chunk by chunk, since Pillow refuses whole files for a text or profile above a
limit that is global to the process. Here a limit costs the one chunk, with a note.
"""

import binascii
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping

from .colour_profile import from_chromaticities, said_by
from .image import Metadata
from .metadata import is_exif, plausible_dpi
from .png_chunks import Chunk
from .samples import Note

MAX_INFLATED = 2**26
"""Bytes of a profile or text after decompression; larger ones are left out."""

_XMP = "XML:com.adobe.xmp"
_RAW = "Raw profile type "
_METRES = 0.0254


def read_words(chunks: Iterable[Chunk], note: Note) -> Metadata:
    """The metadata of a PNG file; what cannot be understood is left out with a note."""
    found: dict[bytes, bytes] = {}
    texts: list[tuple[str, str]] = []
    for kind, body in chunks:
        try:
            if kind in (b"tEXt", b"zTXt", b"iTXt"):
                texts.append(_text(kind, body))
            elif kind == b"iCCP":
                found.setdefault(kind, _inflated(body[body.index(b"\0") + 2 :]))
            else:
                found.setdefault(kind, body)
        except (ValueError, zlib.error) as error:
            note(f"its chunk {kind.decode()} cannot be understood ({error}) and is left out")
    raw = {key[len(_RAW) :]: text for key, text in texts if key.startswith(_RAW)}
    exif = _exif(found, raw, note)
    icc = found.get(b"iCCP") or _unpacked(raw, ("icc", "icm"))
    xmp = next((text.encode("utf-8", "replace") for key, text in texts if key == _XMP), None)
    icc, cicp = _colours(found, icc)
    return Metadata(
        icc=icc,
        exif=exif,
        xmp=xmp or _unpacked(raw, ("xmp",)),
        dpi=_dpi(found.get(b"pHYs", b"")),
        cicp=cicp,
        iptc=_unpacked(raw, ("iptc",)),
        text=tuple((k, text) for k, text in texts if k != _XMP and not k.startswith(_RAW)),
    )


def write_words(metadata: Metadata) -> list[Chunk]:
    """The chunks that say the same; they go before the pixels."""
    chunks: list[Chunk] = []
    if metadata.cicp is not None:
        chunks.append((b"cICP", metadata.cicp))
    if metadata.icc is not None:
        chunks.append((b"iCCP", b"ICC Profile\0\0" + zlib.compress(metadata.icc)))
    if metadata.dpi is not None:
        x, y = (round(value / _METRES) for value in metadata.dpi)
        chunks.append((b"pHYs", struct.pack(">IIB", x, y, 1)))
    if metadata.exif is not None:
        chunks.append((b"eXIf", metadata.exif))
    if metadata.xmp is not None:
        chunks.append((b"iTXt", _XMP.encode() + bytes(5) + metadata.xmp))
    if metadata.iptc is not None:
        chunks.append(_raw_profile("iptc", metadata.iptc))
    return chunks + [_text_chunk(key, text) for key, text in metadata.text]


def _text(kind: bytes, body: bytes) -> tuple[str, str]:
    key, _, rest = body.partition(b"\0")
    word = key.decode("latin-1")
    if kind == b"tEXt":
        return word, rest.decode("latin-1")
    if kind == b"zTXt":
        return word, _inflated(rest[1:]).decode("latin-1")
    packed = rest[:1] == b"\1"
    _, _, value = rest[2:].split(b"\0", 2)
    return word, (_inflated(value) if packed else value).decode("utf-8", "replace")


def _text_chunk(key: str, text: str) -> Chunk:
    """Plain where it can be; long ones compressed, as they may have come."""
    word = key.encode("latin-1", "replace")[:79] or b"Comment"
    data = text.encode("utf-8")
    packed = len(data) > 1024
    value = zlib.compress(data) if packed else data
    try:
        if not packed:
            return b"tEXt", word + b"\0" + text.encode("latin-1")
    except UnicodeEncodeError:
        pass
    return b"iTXt", word + b"\0" + bytes([packed, 0, 0, 0]) + value


def _inflated(data: bytes) -> bytes:
    machine = zlib.decompressobj()
    plain = machine.decompress(data, MAX_INFLATED)
    if machine.unconsumed_tail:
        raise ValueError(f"it has more than {MAX_INFLATED >> 20} MiB")
    if not machine.eof:
        raise ValueError("its data end early")
    return plain


def _raw_profile(name: str, data: bytes) -> Chunk:
    """As ImageMagick stores what PNG has no chunk for."""
    digits = data.hex()
    lines = "\n".join(digits[i : i + 72] for i in range(0, len(digits), 72))
    text = f"\n{name}\n{len(data):8d}\n{lines}\n"
    return b"zTXt", f"{_RAW}{name}".encode() + b"\0\0" + zlib.compress(text.encode())


def _unpacked(raw: Mapping[str, str], names: Iterable[str]) -> bytes | None:
    for name in names:
        try:
            _, length, digits = raw[name].strip("\n").split("\n", 2)
            return binascii.unhexlify("".join(digits.split()))[: int(length)] or None
        except (KeyError, ValueError):
            continue
    return None


def _exif(found: Mapping[bytes, bytes], raw: Mapping[str, str], note: Note) -> bytes | None:
    block = found.get(b"eXIf") or _unpacked(raw, ("exif", "APP1"))
    if block is None:
        return None
    block = block.removeprefix(b"Exif\0\0")
    if is_exif(block):
        return block
    note("its EXIF is damaged (it does not start with a TIFF header) and is left out")
    return None


def _dpi(body: bytes) -> tuple[float, float] | None:
    if len(body) != 9 or body[8] != 1:
        return None
    return plausible_dpi(value * _METRES for value in struct.unpack(">II", body[:8]))


def _colours(found: Mapping[bytes, bytes], icc: bytes | None) -> tuple[bytes | None, bytes | None]:
    """(profile, code points): what counts of cICP, iCCP, sRGB, gAMA and cHRM, in that order.

    Colours that a profile can say become one.
    """
    grey = found[b"IHDR"][9] in (0, 4)
    if len(code := found.get(b"cICP", b"")) == 4:
        made, code_points = said_by(code, grey)
        return made or icc, code_points
    if icc is not None or b"sRGB" in found:
        return icc, None
    gamma, places = found.get(b"gAMA", b""), found.get(b"cHRM", b"")
    if len(gamma) != 4 and len(places) != 32:
        return None, None
    exponent = int.from_bytes(gamma, "big") / 1e5 if len(gamma) == 4 else None
    xy = [v / 1e5 for v in struct.unpack(">8I", places)] if len(places) == 32 else None
    return from_chromaticities(exponent, None if xy is None else list(_pairs(xy)), grey), None


def _pairs(values: list[float]) -> Iterator[tuple[float, float]]:
    """White, red, green, blue."""
    return zip(values[::2], values[1::2], strict=True)
