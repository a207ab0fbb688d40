# SPDX-License-Identifier: Apache-2.0
"""Good files of every kind keep their samples exactly."""

import os
import warnings

import numpy as np
import pytest
import torch
from image_files import ICC, chunk, exif, noise, png, saved, tiff, write
from PIL import Image as PILImage
from PIL import ImageOps
from PIL.PngImagePlugin import PngInfo
from profiles import cmyk_profile

from searchtransfer.images import ImageWarning, read_image
from searchtransfer.images.convert import integer_samples


def read(tmp_path, data, name="a.bin"):
    return read_image(write(tmp_path / name, data))


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (5, 7)])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_samples_are_exact(tmp_path, kind, bits, channels, size):
    samples = noise(*size, channels, bits)
    options = {"photometric": "rgb" if channels > 2 else "minisblack"}
    if channels > 1:
        options["planarconfig"] = "contig"
    if channels in (2, 4):
        options["extrasamples"] = ["unassalpha"]
    data = png(samples) if kind == "png" else tiff(samples, **options)
    image = read(tmp_path, data)
    assert image.bits == bits
    assert image.grey == (channels < 3)
    assert (image.alpha is not None) == (channels in (2, 4))
    assert image.size == size
    assert image.colour.dtype == torch.float32
    np.testing.assert_array_equal(integer_samples(image), samples)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.txt", "a"])
def test_content_counts_not_the_name(tmp_path, name):
    samples = noise(2, 3, 3, 16)
    np.testing.assert_array_equal(integer_samples(read(tmp_path, png(samples), name)), samples)


TIFFS = {
    "big-endian": {"byteorder": ">"},
    "tiles": {"tile": (16, 16)},
    "deflate": {"compression": "zlib", "predictor": True},
    "BigTIFF": {"bigtiff": True},
    "strips": {"rowsperstrip": 3},
}


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("options", TIFFS.values(), ids=TIFFS)
def test_tiff_layouts(tmp_path, options, bits):
    samples = noise(19, 21, 3, bits)
    image = read(tmp_path, tiff(samples, photometric="rgb", **options))
    np.testing.assert_array_equal(integer_samples(image), samples)


@pytest.mark.parametrize("bits", [8, 16])
def test_tiff_planes(tmp_path, bits):
    samples = noise(19, 21, 3, bits)
    data = tiff(samples.transpose(2, 0, 1).copy(), photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(integer_samples(read(tmp_path, data)), samples)


@pytest.mark.parametrize("bits", [8, 16])
def test_tiff_where_white_is_zero(tmp_path, bits):
    samples = noise(4, 5, 1, bits)
    image = read(tmp_path, tiff(samples[..., 0], photometric="miniswhite"))
    np.testing.assert_array_equal(integer_samples(image), 2**bits - 1 - samples)


@pytest.mark.parametrize("bits", [8, 16])
def test_tiff_multiplied_alpha_is_divided_out(tmp_path, bits):
    most = 2**bits - 1
    stored = np.array([[[10, 20, 30, most], [0, 0, 0, 0], [50, 25, 100, 100]]], f"u{bits // 8}")
    data = tiff(stored, photometric="rgb", extrasamples=["assocalpha"])
    expected = [[10, 20, 30, most], [0, 0, 0, 0], [round(most / 2), round(most / 4), most, 100]]
    got = integer_samples(read(tmp_path, data))[0]
    assert np.abs(got.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("compression", ["raw", "group4", "tiff_lzw", "packbits"])
def test_one_bit_tiff(tmp_path, compression):
    picture = PILImage.fromarray(noise(9, 11, 1)[..., 0]).convert("1")
    image = read(tmp_path, saved(picture, "TIFF", compression=compression))
    assert (image.grey, image.bits) == (True, 8)
    np.testing.assert_array_equal(integer_samples(image)[..., 0], np.asarray(picture) * 255)


def test_one_bit_png(tmp_path):
    picture = PILImage.fromarray(noise(9, 11, 1)[..., 0]).convert("1")
    image = read(tmp_path, saved(picture, "PNG"))
    np.testing.assert_array_equal(integer_samples(image)[..., 0], np.asarray(picture) * 255)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_palette_becomes_colour(tmp_path, kind):
    picture = PILImage.fromarray(noise(9, 11, 3)).quantize(16)
    image = read(tmp_path, saved(picture, kind))
    assert not image.grey and image.alpha is None
    np.testing.assert_array_equal(integer_samples(image), np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("transparency", [3, bytes(range(0, 160, 10))], ids=["index", "table"])
def test_palette_transparency_becomes_alpha(tmp_path, transparency):
    picture = PILImage.fromarray(noise(9, 11, 3)).quantize(16)
    image = read(tmp_path, saved(picture, "PNG", transparency=transparency))
    alpha = np.full(256, 255)
    if isinstance(transparency, int):
        alpha[transparency] = 0
    else:
        alpha[:16] = list(transparency)
    got = integer_samples(image)
    np.testing.assert_array_equal(got[..., :3], np.asarray(picture.convert("RGB")))
    np.testing.assert_array_equal(got[..., 3], alpha[np.asarray(picture)])


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_transparent_colour_becomes_alpha(tmp_path, channels, bits):
    samples = noise(4, 5, channels, bits)
    key = samples[2, 3]
    image = read(tmp_path, png(samples, chunk(b"tRNS", key.astype(">u2").tobytes())))
    got = integer_samples(image)
    np.testing.assert_array_equal(got[..., :channels], samples)
    hidden = (samples == key).all(-1)
    np.testing.assert_array_equal(got[..., -1], np.where(hidden, 0, 2**bits - 1))


def test_one_bit_transparency(tmp_path):
    picture = PILImage.fromarray(noise(9, 11, 1)[..., 0]).convert("1")
    image = read(tmp_path, saved(picture, "PNG", transparency=0))
    expected = np.asarray(picture) * 255
    np.testing.assert_array_equal(integer_samples(image), np.stack([expected] * 2, -1))


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg(tmp_path, mode, progressive):
    picture = PILImage.fromarray(noise(17, 19, 3)).convert(mode)
    data = saved(picture, "JPEG", progressive=progressive)
    image = read(tmp_path, data)
    expected = np.asarray(PILImage.open(write(tmp_path / "b.jpg", data)))
    assert image.grey == (mode == "L")
    np.testing.assert_array_equal(integer_samples(image).squeeze(), expected)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_webp(tmp_path, mode):
    picture = PILImage.fromarray(noise(17, 19, 3 if mode == "RGB" else 4))
    image = read(tmp_path, saved(picture, "WEBP", lossless=True, exact=True))
    np.testing.assert_array_equal(integer_samples(image), np.asarray(picture))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("size", [(1, 1), (9, 11)])
def test_interlaced_png(tmp_path, size, bits):
    samples = noise(*size, 3, bits)
    image = read(tmp_path, png(samples, interlaced=True))
    np.testing.assert_array_equal(integer_samples(image), samples)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_without_profile(tmp_path, kind):
    picture = PILImage.frombytes("CMYK", (16, 16), noise(1, 4, 1).tobytes() * 256)
    data = saved(picture, kind)
    with pytest.warns(ImageWarning, match="CMYK.*sRGB.*without a profile"):
        image = read(tmp_path, data)
    with PILImage.open(write(tmp_path / "b", data)) as stored:
        ink = np.asarray(stored).astype(float)
    expected = (255 - ink[..., :3]) * (255 - ink[..., 3:]) / 255
    assert np.abs(integer_samples(image) - expected).max() <= 1
    assert (image.grey, image.bits, image.metadata.icc) == (False, 8, None)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_through_its_profile(tmp_path, kind):
    cyan = PILImage.new("CMYK", (16, 16), (255, 0, 0, 0))
    with pytest.warns(ImageWarning, match="CMYK.*through its profile"):
        image = read(tmp_path, saved(cyan, kind, icc_profile=cmyk_profile()))
    red, green, blue = integer_samples(image)[8, 8].tolist()
    # Lab (70, -20, -40) of the profile is a sky blue; the plain formula would give (0, 255, 255).
    assert 40 < red < 110 and 165 < green < 200 and blue > 220
    assert image.metadata.icc is None


def test_cmyk_with_a_broken_profile(tmp_path):
    cyan = PILImage.new("CMYK", (16, 16), (255, 0, 0, 0))
    with pytest.warns(ImageWarning, match="CMYK.*profile, which does not work"):
        read(tmp_path, saved(cyan, "JPEG", icc_profile=b"nonsense" * 20))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "PNG16", "TIFF16"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(tmp_path, kind, orientation):
    samples = noise(16, 24, 3, 16 if "16" in kind else 8)
    block = exif(orientation)
    if kind == "PNG16":
        data = png(samples, chunk(b"eXIf", block[6:]))
    elif kind == "TIFF16":
        data = tiff(samples, photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
    else:
        options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}
        data = saved(PILImage.fromarray(samples), kind, exif=block, **options.get(kind, {}))
    image = read(tmp_path, data)
    stored = PILImage.fromarray((samples >> 8).astype(np.uint8) if "16" in kind else samples)
    stored.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(stored)).astype(int)
    got = integer_samples(image).astype(int)
    if "16" in kind:
        got >>= 8
    assert got.shape == expected.shape
    assert np.abs(got - expected).max() <= (12 if kind == "JPEG" else 0)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_first_of_several_with_a_warning(tmp_path, kind):
    first, second = (PILImage.fromarray(noise(8, 8, 3, seed=seed)) for seed in (1, 2))
    options = {} if kind == "TIFF" else {"duration": 50}
    if kind == "WEBP":
        options["lossless"] = True
    data = saved(first, kind, save_all=True, append_images=[second], **options)
    with pytest.warns(ImageWarning, match="only the first is used"):
        image = read(tmp_path, data)
    np.testing.assert_array_equal(integer_samples(image), np.asarray(first))


def test_multi_picture_jpeg(tmp_path):
    pictures = [PILImage.fromarray(noise(8, 8, 3, seed=seed)) for seed in (1, 2)]
    data = saved(pictures[0], "MPO", save_all=True, append_images=pictures[1:])
    with pytest.warns(ImageWarning, match="2 pictures; only the first"):
        read(tmp_path, data)


NAMES = ["ünï-日本-😀.png", "a b.png", "new\nline.png", "-leading.png", "quote'\".png", "%d{}.png"]


@pytest.mark.parametrize("name", NAMES)
def test_odd_names(tmp_path, monkeypatch, name):
    samples = noise(2, 3, 3, 16)
    write(tmp_path / name, png(samples))
    monkeypatch.chdir(tmp_path)
    np.testing.assert_array_equal(integer_samples(read_image(name)), samples)


@pytest.mark.parametrize("bits", [8, 16])
def test_name_that_is_not_utf8(tmp_path, bits):
    samples = noise(2, 3, 3, bits)
    path = tmp_path / os.fsdecode(b"\xff\xfe.png")
    try:
        write(path, png(samples))
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    np.testing.assert_array_equal(integer_samples(read_image(path)), samples)


def test_good_file_gives_no_warning(tmp_path):
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", "<x/>")
    data = saved(PILImage.fromarray(noise(4, 4, 3)), "PNG", icc_profile=ICC, pnginfo=info)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(tmp_path, data)
