# SPDX-License-Identifier: Apache-2.0
"""Every file that cannot be used is refused, by name, with the reason."""

import os
import re
import struct
import zlib

import numpy as np
import pytest
from image_files import chunk, noise, png, saved, tiff, write
from PIL import Image as PILImage
from PIL import ImageFile

from searchtransfer.errors import ImageFileError
from searchtransfer.images import ImageWarning, read_image, reading


def refused(path, pattern, **options):
    with pytest.raises(ImageFileError, match=pattern) as caught:
        read_image(path, **options)
    assert repr(os.fspath(path)) in str(caught.value)


def test_missing(tmp_path):
    refused(tmp_path / "no.png", "no such file")


def test_folder(tmp_path):
    refused(tmp_path, "is a folder")


def test_empty(tmp_path):
    refused(write(tmp_path / "a.png", b""), r"is empty \(0 bytes\)")


def test_pipe_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    refused(tmp_path / "a.png", "no regular file")


def test_device():
    refused("/dev/zero", "no regular file")


def test_symlink_loop(tmp_path):
    (tmp_path / "a.png").symlink_to(tmp_path / "a.png")
    refused(tmp_path / "a.png", "cannot be opened")


def test_name_with_nul():
    with pytest.raises(ImageFileError, match="cannot be opened"):
        read_image("a\0.png")


def test_byte_limit_on_a_sparse_file(tmp_path):
    path = write(tmp_path / "a.png", png(noise(2, 2, 3)))
    os.truncate(path, 2**40)
    refused(path, r"1024\.0 GiB, more than the limit of 2 GiB")


CONTENT = {
    "HTML": (b"<!DOCTYPE html><html>", "an HTML page"),
    "html": (b"\n <html><body>", "an HTML page"),
    "SVG": (b'<?xml version="1.0"?><svg width="1"/>', "an SVG drawing"),
    "XML": (b'<?xml version="1.0"?><a/>', "an XML document"),
    "EPS": (b"%!PS-Adobe-3.0 EPSF-3.0", r"a PostScript \(EPS\) document"),
    "PDF": (b"%PDF-1.7", "a PDF document"),
    "EXR": (b"\x76\x2f\x31\x01\2\0\0\0", "an OpenEXR image"),
    "HDR": (b"#?RADIANCE\n", "a Radiance HDR image"),
    "icon": (saved(PILImage.new("RGB", (16, 16)), "ICO"), "a Windows icon"),
    "PCX": (saved(PILImage.new("RGB", (2, 2)), "PCX"), "a PCX image"),
    "QOI": (b"qoif\0\0\0\1", "a QOI image"),
    "MP4": (b"\x00\x00\x00\x1cftypisom", "a.* video"),
    "LFS": (b"version https://git-lfs.github.com/spec/v1\noid", "a Git LFS pointer"),
    "text": (b"hello\n", "plain text"),
    "noise": (bytes(range(128, 256)), "no known image format"),
    "pickle": (b"\x80\x04cos\nsystem\n", "no known image format"),
}


@pytest.mark.parametrize(("data", "what"), CONTENT.values(), ids=CONTENT)
def test_other_content_is_named(tmp_path, data, what):
    refused(write(tmp_path / "a.png", data), f"its content is {what}.*can be read")


def smooth(mode="RGB"):
    return PILImage.fromarray(noise(8, 8, 3)).resize((64, 64)).convert(mode)


GOOD = {
    "PNG": saved(smooth(), "PNG"),
    "PNG16": png(noise(40, 40, 3, 16)),
    "PNG with alpha": saved(smooth("RGBA"), "PNG"),
    "JPEG": saved(smooth(), "JPEG"),
    "progressive": saved(smooth(), "JPEG", progressive=True),
    "TIFF": saved(smooth(), "TIFF"),
    "TIFF16": tiff(noise(40, 40, 3, 16), photometric="rgb", compression="zlib"),
    "palette TIFF": saved(smooth().quantize(8), "TIFF"),
    "WebP": saved(smooth(), "WEBP"),
    "lossless WebP": saved(smooth("RGBA"), "WEBP", lossless=True),
}


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD)
def test_truncated(tmp_path, data, share):
    path = write(tmp_path / "a.img", data[: max(12, int(len(data) * share))])
    refused(path, "damaged or truncated")


@pytest.mark.parametrize("kind", ["PNG", "PNG16", "TIFF16"])
def test_flipped_bytes_in_compressed_pixels(tmp_path, kind):
    data = bytearray(GOOD[kind])
    for place in range(len(data) // 2, len(data) // 2 + 40):
        data[place] ^= 0xFF
    refused(write(tmp_path / "a.img", bytes(data)), "damaged or truncated")


def test_random_bytes_behind_each_signature(tmp_path):
    generator = np.random.default_rng(0)
    for data in GOOD.values():
        for length in (0, 5, 200):
            path = write(tmp_path / "a.img", data[:12] + generator.bytes(length))
            refused(path, "damaged or truncated|its size|more than the limit|its samples")


@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD)
def test_whatever_other_libraries_have_set(tmp_path, monkeypatch, data):
    """Whole files are read and halves refused; the switch of the process stays as it is."""
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    read_image(write(tmp_path / "a", data))
    refused(write(tmp_path / "b", data[: len(data) // 2]), "damaged or truncated")
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


@pytest.mark.parametrize("bits", [8, 16])
def test_bomb_png(tmp_path, bits):
    """A header of 3.6 gigapixels over a few bytes: refused before anything of that size exists."""
    header = struct.pack(">IIBBBBB", 60000, 60000, bits, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99))
    path = write(tmp_path / "a.png", data + chunk(b"IEND", b""))
    refused(path, r"60000 x 60000 = 3600\.0 million pixels, more than the limit of 134\.2 million")


def test_bomb_tiff(tmp_path):
    data = bytearray(tiff(noise(4, 4, 3), photometric="rgb"))
    for tag in (256, 257):
        entry = data.index(struct.pack("<HH", tag, 4))
        struct.pack_into("<I", data, entry + 8, 60000)
    refused(write(tmp_path / "a.tif", bytes(data)), "3600.0 million pixels")


@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD)
def test_pixel_limit_is_exact(tmp_path, data):
    path = write(tmp_path / "a.img", data)
    height, width = read_image(path).size
    read_image(path, max_pixels=height * width)
    refused(path, "raise max_pixels", max_pixels=height * width - 1)


def test_limit_is_ours_not_pillows(tmp_path, monkeypatch):
    """Pillow's own limit is global to the process, and half of it is only a warning."""
    monkeypatch.setattr(PILImage, "MAX_IMAGE_PIXELS", 10)
    assert read_image(write(tmp_path / "a.png", GOOD["PNG"])).size == (64, 64)


def test_no_size(tmp_path):
    header = struct.pack(">IIBBBBB", 0, 4, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    refused(write(tmp_path / "a.png", data), "size is 0 x 4|damaged")


NUMBERS = {
    "float": (np.float32, "32-bit floating point"),
    "half": (np.float16, "16-bit floating point"),
    "double": (np.float64, "64-bit floating point"),
    "int16": (np.int16, "16-bit signed"),
    "uint32": (np.uint32, "32-bit unsigned"),
}


@pytest.mark.parametrize(("dtype", "what"), NUMBERS.values(), ids=NUMBERS)
def test_tiff_of_other_numbers(tmp_path, dtype, what):
    data = tiff(noise(4, 5, 3).astype(dtype), photometric="rgb")
    refused(write(tmp_path / "a.tif", data), f"its samples are {what} numbers.*convert it")


def test_tiff_of_other_colours(tmp_path):
    data = tiff(noise(4, 5, 3), photometric="cielab")
    refused(write(tmp_path / "a.tif", data), "colour model.*convert it")
    data = tiff(noise(4, 5, 4, 16), photometric="separated")
    refused(write(tmp_path / "a.tif", data), "colour model.*16 bits")


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP"])
def test_text_bomb_in_png(tmp_path, kind):
    """The text is left out; the picture is as good as any."""
    bomb = b"a\0\0" + zlib.compress(bytes(80 * 2**20))
    path = write(tmp_path / "a.png", png(noise(2, 2, 3), chunk(kind, bomb)))
    with pytest.warns(ImageWarning, match=f"{kind.decode()} cannot .*more than 64 MiB.*left out"):
        image = read_image(path)
    assert (image.metadata.text, image.metadata.icc) == ((), None)


def test_out_of_memory_is_an_error_of_the_file(tmp_path, monkeypatch):
    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(reading, "decode", fail)
    refused(write(tmp_path / "a.png", GOOD["PNG"]), "not enough memory")


def test_names_are_escaped(tmp_path):
    with pytest.raises(ImageFileError, match=re.escape(r"new\nline\x1b.png")):
        read_image(tmp_path / "new\nline\x1b.png")
    with pytest.raises(ImageFileError, match=re.escape(r"\udcff.png")):
        read_image(os.fsdecode(b"/\xff.png"))


def test_inputs_are_never_changed(tmp_path):
    for name, data in GOOD.items():
        path = write(tmp_path / name, data)
        read_image(path)
        assert path.read_bytes() == data
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(GOOD)
