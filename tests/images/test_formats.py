# SPDX-License-Identifier: Apache-2.0
"""Formats that are read only, and what of their kinds is kept, told or refused."""

import struct
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from image_files import noise, saved, tiff, write
from PIL import Image as PILImage

from searchtransfer.errors import ImageFileError
from searchtransfer.images import ImageWarning, read_image
from searchtransfer.images.convert import integer_samples
from searchtransfer.images.formats import extension_for


def read(tmp_path, data, name="a.bin"):
    return read_image(write(tmp_path / name, data))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
@pytest.mark.parametrize("kind", ["BMP", "GIF", "TGA", "JPEG2000", "PPM", "AVIF"])
def test_are_read(tmp_path, kind, mode):
    without = {("BMP", "RGBA"), ("GIF", "RGB"), ("GIF", "RGBA"), ("PPM", "RGBA"), ("PPM", "P")}
    if (kind, mode) in without:
        pytest.skip("the format has no such pictures")
    if mode == "P" and kind in {"JPEG2000", "AVIF"}:
        pytest.skip("the format has no palettes")
    picture = PILImage.fromarray(noise(9, 11, 4)).convert("RGB" if mode == "P" else mode)
    if mode == "P":
        picture = picture.quantize(16)
    options = {"quality": 100, "subsampling": "4:4:4"} if kind == "AVIF" else {}
    image = read(tmp_path, saved(picture, kind, **options), "a.tga" if kind == "TGA" else "a.bin")
    expected = np.asarray(picture.convert("RGB") if mode == "P" else picture)
    got = integer_samples(image)
    if kind in {"AVIF", "GIF"} and mode == "L":
        got = got[..., :1]  # these have no grey
    difference = got.reshape(expected.shape).astype(int) - expected
    assert np.abs(difference).max() <= (12 if kind == "AVIF" else 0)


def test_heic(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif")
    picture = PILImage.fromarray(noise(4, 4, 3)).resize((64, 48))
    file = tmp_path / "a.heic"
    pillow_heif.from_pillow(picture).save(file, quality=100)
    image = read_image(file)
    assert image.size == (48, 64)
    assert np.abs(integer_samples(image).astype(int) - np.asarray(picture)).mean() < 4


def test_heic_without_its_library_names_the_extra(tmp_path):
    path = write(tmp_path / "a.heic", b"\0\0\0\x18ftypheic" + bytes(64))
    code = """
        import sys
        sys.modules["pillow_heif"] = None
        from searchtransfer.errors import MissingExtraError
        from searchtransfer.images import read_image
        try:
            read_image(sys.argv[1])
        except MissingExtraError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), path], capture_output=True, text=True
    )
    assert "a.heic" in done.stdout and "searchtransfer[heif]" in done.stdout, done


def test_first_frame_of_a_gif(tmp_path):
    frames = [PILImage.new("L", (4, 3), value) for value in (10, 200)]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    with pytest.warns(ImageWarning, match=r"2 pictures; only the first"):
        image = read(tmp_path, data)
    assert integer_samples(image).max() == 10


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("most", [1, 100, 255, 1023, 65535])
@pytest.mark.parametrize("plain", [False, True])
def test_netpbm_of_every_depth(tmp_path, plain, most, channels):
    values = np.random.default_rng(0).integers(0, most + 1, (5, 7, channels))
    kind = {1: 5, 3: 6}[channels] - 3 * plain
    head = f"P{kind}\n# made by hand\n7 5 # size\n{most}\n".encode()
    dtype = ">u2" if most > 255 else "u1"
    body = " ".join(map(str, values.ravel())).encode() if plain else values.astype(dtype).tobytes()
    image = read(tmp_path, head + body)
    assert image.bits == (16 if most > 255 else 8)
    top = 65535 if most > 255 else 255
    np.testing.assert_array_equal(integer_samples(image), (2 * values * top + most) // (2 * most))


@pytest.mark.parametrize("body", [b"P1 9 2 1 0 1#x\n 0 1 0 1 0 1 " + b"1" * 9, None])
def test_bitmaps(tmp_path, body):
    picture = PILImage.fromarray(noise(2, 9, 1)[..., 0]).convert("1")
    if body is None:
        expected = np.asarray(picture) * 255
        body = saved(picture, "PPM")
    else:
        expected = np.array([[0, 255] * 4 + [0], [0] * 9])
    np.testing.assert_array_equal(integer_samples(read(tmp_path, body))[..., 0], expected)


@pytest.mark.parametrize(
    "data",
    [b"P5 4 4 255 short", b"P5 4 4 0 " + bytes(16), b"P2 2 1 9 10 1", b"P2 2 1 9 a b", b"P6 4"],
)
def test_damaged_netpbm(tmp_path, data):
    with pytest.raises(ImageFileError, match="damaged or truncated PPM"):
        read(tmp_path, data)


def test_deep_jpeg_2000_keeps_its_bits(tmp_path):
    samples = noise(9, 11, 1, 16)
    image = read(tmp_path, saved(PILImage.fromarray(samples[..., 0]), "JPEG2000"))
    assert image.bits == 16
    np.testing.assert_array_equal(integer_samples(image), samples)


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("bits", [8, 16])
def test_bigtiff_of_either_byte_order(tmp_path, byteorder, bits):
    samples = noise(19, 21, 3, bits)
    data = tiff(samples, photometric="rgb", bigtiff=True, byteorder=byteorder)
    np.testing.assert_array_equal(integer_samples(read(tmp_path, data)), samples)


@pytest.mark.parametrize("bands", [2, 3, 5, 7])
@pytest.mark.parametrize("bits", [8, 16])
def test_bands_never_pass_for_a_grey_picture(tmp_path, bands, bits):
    extra = ["unspecified"] * (bands - 1)
    data = tiff(
        noise(9, 11, bands, bits),
        photometric="minisblack",
        planarconfig="contig",
        extrasamples=extra,
    )
    with pytest.raises(ImageFileError, match=f"it has {bands} bands.*choose"):
        read(tmp_path, data)


def test_a_compression_that_is_unknown_here_is_named(tmp_path):
    data = tiff(noise(9, 11, 3), photometric="rgb", compression="lzma")
    with pytest.raises(ImageFileError, match=r"its compression \(.*lzma.*\) cannot be read.*LZW"):
        read(tmp_path, data)


def many_channels(side, channels):
    """A TIFF whose header alone is large: its strips are said to be somewhere in it."""
    entries = {256: side, 257: side, 259: 1, 262: 2, 273: 8, 277: channels, 278: side, 279: 8}
    body = struct.pack("<H", len(entries))
    body += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries.items())
    return b"II*\0" + struct.pack("<I", 8) + body + bytes(4)


def test_the_limit_counts_samples(tmp_path):
    with pytest.raises(ImageFileError, match="64 channels, more than the limit"):
        read_image(write(tmp_path / "a.tif", many_channels(4000, 64)), max_pixels=2**24)


def test_a_tile_is_no_way_around_the_limit(tmp_path):
    data = bytearray(tiff(noise(16, 16, 3), photometric="rgb", tile=(16, 16)))
    for tag in (322, 323):
        at = data.index(struct.pack("<H", tag))
        data[at : at + 12] = struct.pack("<HHII", tag, 4, 1, 160_000)
    with pytest.raises(ImageFileError, match="million pixels, more than the limit"):
        read(tmp_path, bytes(data))


@pytest.mark.parametrize("extension", [".png", ".JPG", ".jfif", ".tif", ".webp"])
def test_results_keep_the_extension_where_it_can_be_written(extension):
    assert extension_for(extension) == extension


@pytest.mark.parametrize("extension", [".bmp", ".GIF", ".heic", ""])
def test_results_of_read_only_formats_are_png(extension):
    assert extension_for(extension) == ".png"


def test_a_full_temporary_folder_is_no_fault_of_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", "/proc")  # where nobody can make a folder
    data = tiff(noise(4, 5, 3, 16), photometric="rgb")
    with pytest.raises(ImageFileError, match=r"folder for temporary files.*TMPDIR"):
        read(tmp_path, data)
