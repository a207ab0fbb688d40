# SPDX-License-Identifier: Apache-2.0
"""What a PNG file says beside its pixels is kept, turned into a profile, or told."""

import io
import os
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
from image_files import ICC, chunk, exif, noise, png, write
from PIL import Image as PILImage
from PIL import ImageCms

from searchtransfer.errors import ImageFileError
from searchtransfer.images import Image, ImageWarning, Metadata, read_image, write_image
from searchtransfer.images.convert import integer_samples

P3 = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
COLOURS = {
    "linear": chunk(b"gAMA", struct.pack(">I", 100_000)),
    "gamma": chunk(b"gAMA", struct.pack(">I", 45_455)),
    "primaries": chunk(b"cHRM", P3),
    "P3": chunk(b"gAMA", struct.pack(">I", 45_455)) + chunk(b"cHRM", P3),
    "cICP P3": chunk(b"cICP", bytes([12, 13, 0, 1])),
    "cICP linear": chunk(b"cICP", bytes([1, 8, 0, 1])),
}


def read(tmp_path, data):
    return read_image(write(tmp_path / "a.png", data))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("extra", COLOURS.values(), ids=COLOURS)
def test_colours_become_a_profile_in_every_format(tmp_path, extra, grey, bits):
    image = read(tmp_path, png(noise(4, 5, 1 if grey else 3, bits), extra))
    profile = ImageCms.ImageCmsProfile(io.BytesIO(image.metadata.icc)).profile
    assert profile.xcolor_space.strip() == ("GRAY" if grey else "RGB")
    for name in ("b.png", "b.tif"):
        write_image(image, tmp_path / name)
        assert read_image(tmp_path / name).metadata.icc == image.metadata.icc


def test_the_profile_means_what_the_chunks_say(tmp_path):
    """Linear grey of a half is 188 in sRGB; a red of P3 is outside of sRGB's, so it is clipped."""
    half = read(tmp_path, png(np.full((1, 1, 3), 128, np.uint8), COLOURS["linear"]))
    red = read(tmp_path, png(np.array([[[200, 60, 40]]], np.uint8), COLOURS["cICP P3"]))
    target = ImageCms.createProfile("sRGB")

    def converted(image):
        source = ImageCms.ImageCmsProfile(io.BytesIO(image.metadata.icc))
        picture = PILImage.fromarray(integer_samples(image))
        return np.asarray(ImageCms.profileToProfile(picture, source, target))[0, 0].tolist()

    assert converted(half) == pytest.approx([188] * 3, abs=1)
    # By the matrices of both spaces, computed by hand.
    assert converted(red) == pytest.approx([217, 42, 23], abs=1)


def test_what_no_profile_can_say_stays_in_png_and_is_told_elsewhere(tmp_path):
    code = bytes([9, 16, 0, 1])  # BT.2100, perceptual quantiser
    image = read(tmp_path, png(noise(4, 5, 3), chunk(b"cICP", code)))
    assert image.metadata.cicp == code
    for metadata in ("keep", "strip"):
        write_image(image, tmp_path / "b.png", metadata=metadata, on_exists="overwrite")
        assert read_image(tmp_path / "b.png").metadata.cicp == code
    for name in ("b.jpg", "b.tif", "b.webp"):
        with pytest.warns(ImageWarning, match="cannot say its colours .*9-16-0-1"):
            write_image(image, tmp_path / name)


def test_a_profile_outranks_gamma(tmp_path):
    extra = chunk(b"iCCP", b"x\0\0" + zlib.compress(ICC)) + COLOURS["linear"]
    assert read(tmp_path, png(noise(2, 2, 3), extra)).metadata.icc == ICC
    extra = chunk(b"sRGB", b"\0") + COLOURS["gamma"]
    assert read(tmp_path, png(noise(2, 2, 3), extra)).metadata.icc is None


@pytest.mark.parametrize("body", [b"", bytes(4), b"\xff" * 4, b"\xff" * 32, bytes(32)])
def test_absurd_colours_are_none(tmp_path, body):
    kind = b"cHRM" if len(body) == 32 else b"gAMA"
    assert read(tmp_path, png(noise(2, 2, 3), chunk(kind, body))).metadata.icc is None


TEXTS = (("Author", "somebody"), ("Title", "日本"), ("Comment", "x" * 5000))


@pytest.mark.parametrize("bits", [8, 16])
def test_texts_are_kept(tmp_path, bits):
    image = replace(read(tmp_path, png(noise(4, 5, 3, bits))), metadata=Metadata(text=TEXTS))
    write_image(image, tmp_path / "b.png")
    assert read_image(tmp_path / "b.png").metadata.text == TEXTS
    for name in ("b.jpg", "b.tif", "b.webp") if bits == 8 else ("b.tif",):
        with pytest.warns(ImageWarning, match="cannot hold its text"):
            write_image(image, tmp_path / name)


def test_a_comment_stays_in_jpeg(tmp_path):
    image = replace(read(tmp_path, png(noise(4, 5, 3))), metadata=Metadata(text=TEXTS[2:]))
    write_image(image, tmp_path / "b.jpg")
    assert read_image(tmp_path / "b.jpg").metadata.text == TEXTS[2:]


@pytest.mark.parametrize("name", ["b.png", "b.jpg", "b.tif"])
def test_iptc_is_kept(tmp_path, name):
    record = b"\x1c\x02\x78\0\x05hello!"
    image = replace(read(tmp_path, png(noise(4, 5, 3))), metadata=Metadata(iptc=record))
    write_image(image, tmp_path / name)
    assert read_image(tmp_path / name).metadata.iptc == record


def raw_profile(kind, body):
    digits = body.hex()
    lines = "\n".join(digits[i : i + 72] for i in range(0, len(digits), 72))
    text = f"\n{kind}\n{len(body):8d}\n{lines}\n".encode()
    return chunk(b"zTXt", f"Raw profile type {kind}".encode() + b"\0\0" + zlib.compress(text))


@pytest.mark.parametrize("kind", ["exif", "APP1"])
@pytest.mark.parametrize("bits", [8, 16])
def test_exif_in_a_text_is_exif(tmp_path, kind, bits):
    image = read(tmp_path, png(noise(4, 8, 3, bits), raw_profile(kind, exif(6))))
    assert image.size == (8, 4)
    assert image.metadata.exif is not None
    assert image.metadata.text == ()


def test_other_profiles_in_texts(tmp_path):
    data = png(noise(4, 8, 3), raw_profile("icc", ICC) + raw_profile("xmp", b"<x/>"))
    metadata = read(tmp_path, data).metadata
    assert (metadata.icc, metadata.xmp) == (ICC, b"<x/>")


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_every_transparent_grey_of_every_depth(tmp_path, depth):
    values = np.arange(min(2**depth, 16))
    bits = "".join(format(v, f"0{depth}b") for v in values)
    row = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", len(values), 1, depth, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0" + row)) + chunk(b"IEND", b"")
    for key in values:
        hidden = chunk(b"tRNS", struct.pack(">H", key))
        got = integer_samples(read(tmp_path, b"\x89PNG\r\n\x1a\n" + header + hidden + pixels))
        np.testing.assert_array_equal(got[0, :, 1] == 0, values == key)


@pytest.mark.parametrize("name", ["a.tif", "a.jpg", "a.png", "16.png"])
def test_large_profiles_come_back(tmp_path, name):
    profile = os.urandom(1_500_000)
    image = Image(
        read(tmp_path, png(noise(4, 5, 3))).colour,
        bits=16 if name == "16.png" else 8,
        metadata=Metadata(icc=profile),
    )
    write_image(image, tmp_path / name, on_exists="overwrite")
    assert read_image(tmp_path / name).metadata.icc == profile


BROKEN = {b"tEXt": b"Title\0x", b"pHYs": struct.pack(">IIB", 3000, 3000, 1), b"eXIf": exif()[6:]}


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("kind", BROKEN)
def test_a_wrong_checksum_costs_what_it_checks(tmp_path, kind, bits):
    bad = bytearray(chunk(kind, BROKEN[kind]))
    bad[-1] ^= 1
    samples = noise(4, 5, 3, bits)
    with pytest.warns(ImageWarning, match=f"{kind.decode()} has a wrong checksum"):
        image = read(tmp_path, png(samples, bytes(bad)))
    np.testing.assert_array_equal(integer_samples(image), samples)
    assert image.metadata == Metadata()


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("kind", [b"IHDR", b"IDAT", b"IEND"])
def test_a_wrong_checksum_of_pixels_is_damage(tmp_path, kind, bits):
    data = bytearray(png(noise(4, 5, 3, bits)))
    at = data.index(kind)
    (length,) = struct.unpack_from(">I", data, at - 4)
    data[at + 4 + length] ^= 1
    with pytest.raises(ImageFileError, match=r"wrong checksum|damaged"):
        read(tmp_path, bytes(data))
