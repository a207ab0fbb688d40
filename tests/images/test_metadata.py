# SPDX-License-Identifier: Apache-2.0
"""What a file says beside its pixels goes through every format, or is said to be left out."""

import struct
import warnings

import numpy as np
import pytest
from image_files import ICC, XMP, chunk, exif, noise, png, read_exif, saved, tiff, write
from PIL import Image as PILImage
from PIL import ImageCms
from PIL.PngImagePlugin import PngInfo

from searchtransfer.images import Image, ImageWarning, Metadata, read_image, write_image
from searchtransfer.images.metadata import orientation, plausible_dpi, resized, upright

SOURCES = ["PNG", "PNG16", "JPEG", "WEBP", "TIFF"]
UPRIGHT = XMP.replace(b'Orientation="6"', b'Orientation="1"')
TARGETS = [".png", ".jpg", ".webp", ".tif", "16.png", "16.tif"]


def source(kind, turned=1):
    block = exif(turned)
    if kind == "PNG16":
        carried = saved(picture(), "PNG", exif=block, dpi=(300, 300), icc_profile=ICC)
        extra = carried[33 : carried.index(b"IDAT") - 4]  # everything between header and pixels
        xmp = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)
        return png(noise(6, 8, 3, 16), extra, after=xmp)
    options = {"exif": block, "dpi": (300, 300), "icc_profile": ICC, "xmp": XMP}
    if kind == "PNG":
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", XMP.decode())
        options |= {"pnginfo": info}
    if kind == "TIFF":
        from PIL.TiffImagePlugin import ImageFileDirectory_v2

        tags = ImageFileDirectory_v2()
        read = PILImage.Exif()
        read.load(block)
        for tag in read:
            tags[tag] = read.get_ifd(tag) if tag in (0x8769, 0x8825) else read[tag]
        tags.tagtype[700] = 1
        tags[700] = XMP
        del options["exif"], options["xmp"]
        options["tiffinfo"] = tags
    return saved(picture(), kind, **options)


def picture():
    return PILImage.fromarray(noise(6, 8, 3))


def write_as(image, folder, target, **options):
    bits = 16 if "16" in target else 8
    path = folder / f"out{target}"
    write_image(Image(image.colour, image.alpha, bits, image.grey, image.metadata), path, **options)
    return path


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", SOURCES)
def test_kept(tmp_path, kind, target):
    image = read_image(write(tmp_path / "in", source(kind)))
    assert image.metadata.icc == ICC
    assert image.metadata.xmp == UPRIGHT  # EXIF has the say, and XMP contradicts it no more
    if kind != "WEBP":
        assert image.metadata.dpi == pytest.approx((300, 300), abs=0.01)
    back = read_image(write_as(image, tmp_path, target)).metadata
    assert back.icc == ICC
    assert back.xmp == UPRIGHT
    if kind != "WEBP" and "webp" not in target:
        assert back.dpi == pytest.approx((300, 300), abs=0.01)
    base, camera, position = read_exif(back.exif)
    assert base[0x010F] == "Maker"
    assert base.get(0x0112, 1) == 1
    assert camera[0x829A] == pytest.approx(0.01)
    assert camera[0x9003] == "2020:01:02 03:04:05"
    assert camera[0x927C] == b"note\0bytes"
    assert (camera[0xA003], camera[0xA002]) == image.size
    assert position[1] == "N"
    assert tuple(float(value) for value in position[2]) == (10.0, 20.0, 30.0)


@pytest.mark.parametrize("target", [".png", ".jpg", ".webp", "16.png"])
def test_exif_is_kept_to_the_byte(tmp_path, target):
    block = exif()[6:]
    image = read_image(write(tmp_path / "in", saved(picture(), "JPEG", exif=exif())))
    assert image.metadata.exif == block
    expected = resized(Metadata(exif=block), (6, 8)).exif
    assert read_image(write_as(image, tmp_path, target)).metadata.exif == expected


@pytest.mark.parametrize("target", TARGETS)
def test_stripped(tmp_path, target):
    image = read_image(write(tmp_path / "in", source("JPEG")))
    path = write_as(image, tmp_path, target, metadata="strip")
    assert read_image(path).metadata == Metadata(icc=ICC)
    for secret in (b"Maker", b"xmpmeta", b"2020:01:02"):
        assert secret not in path.read_bytes()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", SOURCES)
def test_turned_once(tmp_path, kind, target):
    image = read_image(write(tmp_path / "in", source(kind, turned=6)))
    assert image.size == (8, 6)
    assert orientation(image.metadata.exif) == 1
    assert b'tiff:Orientation="1"' in image.metadata.xmp
    path = write_as(image, tmp_path, target)
    assert read_image(path).size == (8, 6)
    with PILImage.open(path) as other:  # nobody else turns it again
        other.load()
        assert other.getexif().get(0x0112, 1) == 1
        assert other.size == (6, 8)


@pytest.mark.parametrize("turned", range(2, 9))
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", [3, 4])
def test_orientation_in_both_byte_orders(order, kind, turned):
    value = struct.pack(order + ("HH" if kind == 3 else "I"), *([turned, 0][: 5 - kind]))
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "I", 8)
    block = head + struct.pack(order + "HHHI", 1, 0x0112, kind, 1) + value + bytes(4)
    assert orientation(block) == turned
    after = upright(Metadata(exif=block)).exif
    assert orientation(after) == 1
    assert sum(a != b for a, b in zip(block, after, strict=True)) == 1


def test_thumbnail_is_unlinked_only_when_the_picture_turns(tmp_path):
    block = exif(6)[6:]
    count = struct.unpack_from(">H", block, 8)[0]
    linked = bytearray(block)
    struct.pack_into(">I", linked, 10 + 12 * count, 77)
    after = upright(Metadata(exif=bytes(linked))).exif
    assert struct.unpack_from(">I", after, 10 + 12 * count)[0] == 0
    image = read_image(write(tmp_path / "a", saved(picture(), "JPEG", exif=b"Exif\0\0" + linked)))
    assert orientation(image.metadata.exif) == 1


@pytest.mark.parametrize(
    "block",
    [b"", b"M", b"MM\0*", b"MM\0*\0\0\0\x08", b"MM\0*\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff"],
    ids=repr,
)
def test_damaged_blocks_count_as_upright(block):
    assert orientation(block) == 1
    assert len(upright(Metadata(exif=block)).exif) == len(block)
    assert resized(Metadata(exif=block), (3, 4)).exif == block


def test_any_damage_to_a_block_is_survived():
    block = exif(6)[6:]
    generator = np.random.default_rng(0)
    for _ in range(2000):
        damaged = bytearray(block[: generator.integers(0, len(block) + 1)])
        for _ in range(generator.integers(0, 6)):
            if damaged:
                damaged[generator.integers(len(damaged))] = generator.integers(256)
        assert 1 <= orientation(bytes(damaged)) <= 8
        assert len(upright(Metadata(exif=bytes(damaged))).exif) == len(damaged)
        assert len(resized(Metadata(exif=bytes(damaged)), (3, 4)).exif) == len(damaged)


def damaged_exif():
    """A block whose directories point beyond its end."""
    block = bytearray(exif())
    place = block.index(struct.pack(">HHI", 0x8769, 4, 1))
    struct.pack_into(">I", block, place + 8, 2**31)
    return bytes(block)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("block", [b"Exif\0\0garbage", damaged_exif()], ids=["garbage", "wild"])
def test_damaged_exif_never_aborts(tmp_path, block, target):
    image = read_image(write(tmp_path / "in", saved(picture(), "JPEG", exif=block)))
    assert image.size == (6, 8)
    assert read_image(write_as(image, tmp_path, target)).size == (6, 8)


def test_damaged_exif_is_left_out_with_a_warning(tmp_path):
    data = saved(picture(), "WEBP", exif=b"garbage")
    with pytest.warns(ImageWarning, match="EXIF is damaged.*left out"):
        image = read_image(write(tmp_path / "in", data))
    assert image.metadata.exif is None


@pytest.mark.filterwarnings("default")
def test_damaged_directory_of_a_tiff(tmp_path):
    data = tiff(noise(4, 5, 3), photometric="rgb", extratags=[(34665, 4, 1, 2**31, True)])
    image = read_image(write(tmp_path / "a.tif", data))
    assert image.size == (4, 5)


def test_what_jpeg_cannot_hold_is_said(tmp_path):
    image = read_image(write(tmp_path / "in", saved(picture(), "PNG")))
    big = b"II*\0\x08\0\0\0" + bytes(70_000)
    image = Image(image.colour, metadata=Metadata(exif=big, xmp=bytes(70_000)))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        write_image(image, tmp_path / "a.jpg")
    text = " ".join(str(warning.message) for warning in caught)
    assert "EXIF has 70008 bytes, more than JPEG's 65527, and is left out" in text
    assert "XMP has 70000 bytes" in text
    assert all(warning.category is ImageWarning for warning in caught)


def test_grey_profile_never_reaches_a_colour_file(tmp_path):
    grey = bytearray(ICC)
    grey[16:20] = b"GRAY"
    image = Image(read_image(write(tmp_path / "in", saved(picture(), "PNG"))).colour, grey=True)
    image = Image(image.colour, grey=True, metadata=Metadata(icc=bytes(grey)))
    with pytest.warns(ImageWarning, match="grey ICC profile is left out"):
        write_image(image, tmp_path / "a.webp")
    assert read_image(tmp_path / "a.webp").metadata.icc is None


@pytest.mark.parametrize(
    "dpi", [None, (0, 300), (300, -1), (float("nan"), 1), (1e9, 1), ("a", "b"), (1,), 7]
)
def test_absurd_resolution_is_none(dpi):
    assert plausible_dpi(dpi) is None


def test_resolution_in_centimetres(tmp_path):
    data = tiff(noise(4, 5, 3), photometric="rgb", resolution=(100, 200), resolutionunit=3)
    assert read_image(write(tmp_path / "a.tif", data)).metadata.dpi == pytest.approx((254, 508))


def test_profile_of_the_wrong_kind_is_not_judged_here(tmp_path):
    """A profile is kept to the byte, even one that nobody can read."""
    data = saved(picture(), "PNG", icc_profile=b"not a profile")
    image = read_image(write(tmp_path / "a.png", data))
    assert image.metadata.icc == b"not a profile"
    with pytest.raises(ImageCms.PyCMSError):
        ImageCms.profileToProfile(picture(), b"", b"")
