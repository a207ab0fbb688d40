# SPDX-License-Identifier: Apache-2.0
"""Every format by files that its reference encoders write: what is read of it, and written again.

A row of the table in docs/formats.md is a row here.
"""

import io
import re
import warnings
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
import pytest
import tifffile
from image_files import ICC, XMP, exif, saved, write
from PIL import Image as PILImage

from searchtransfer.images import Image, ImageWarning, Metadata, read_image, write_image
from searchtransfer.images.convert import integer_samples
from searchtransfer.images.formats import FORMATS, WRITTEN

SIZE = 24, 32
KINDS = {"grey": 1, "RGB": 3, "RGBA": 4}


def smooth(channels, bits=8):
    """A picture without edges, which lossy formats hold well; opaque nowhere and hidden nowhere."""
    small = np.random.default_rng(channels).uniform(0.2, 0.8, (4, 5, channels))
    large = cv2.resize(small, SIZE[::-1], interpolation=cv2.INTER_CUBIC).reshape(*SIZE, channels)
    return np.rint(large.clip(0, 1) * (2**bits - 1)).astype(np.uint16 if bits > 8 else np.uint8)


def pillow(samples, kind, **options):
    return saved(PILImage.fromarray(samples.squeeze()), kind, **options)


def opencv(samples, ending, *options):
    order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[samples.shape[2]]
    done, data = cv2.imencode(ending, np.ascontiguousarray(samples[..., order]), options)
    assert done
    return data.tobytes()


def libheif(samples, **options):
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[samples.shape[2]] + ";16" * (samples.dtype == np.uint16)
    file = io.BytesIO()
    picture = pillow_heif.from_bytes(mode=mode, size=SIZE[::-1], data=samples.tobytes())
    picture.save(file, quality=100, chroma=444, matrix_coefficients=0, **options)
    return file.getvalue()


_AVIF = {"quality": 100, "subsampling": "4:4:4"}
# (format, encoder, kinds, bits, the largest difference as a share of the range, how it is encoded)
ROWS = [
    ("PNG", "Pillow", KINDS, 8, 0, lambda x: pillow(x, "PNG")),
    ("PNG", "libpng by OpenCV", KINDS, 16, 0, lambda x: opencv(x, ".png")),
    (
        "JPEG",
        "libjpeg-turbo by Pillow",
        ["grey", "RGB"],
        8,
        0.03,
        lambda x: pillow(x, "JPEG", quality=100, subsampling=0),
    ),
    ("TIFF", "libtiff by Pillow", KINDS, 8, 0, lambda x: pillow(x, "TIFF", compression="tiff_lzw")),
    (
        "TIFF",
        "libtiff by Pillow, Deflate",
        KINDS,
        8,
        0,
        lambda x: pillow(x, "TIFF", compression="tiff_adobe_deflate"),
    ),
    ("TIFF", "libtiff by OpenCV", KINDS, 16, 0, lambda x: opencv(x, ".tiff")),
    ("TIFF", "tifffile", KINDS, 16, 0, lambda x: _tifffile(x)),
    (
        "WebP",
        "libwebp by Pillow",
        ["RGB", "RGBA"],
        8,
        0,
        lambda x: pillow(x, "WEBP", lossless=True, exact=True),
    ),
    (
        "AVIF",
        "libavif by Pillow",
        KINDS,
        8,
        0.03,
        lambda x: pillow(x, "AVIF", **(_AVIF if x.shape[2] > 1 else {"quality": 100})),
    ),
    (
        "AVIF",
        "libavif by OpenCV, 10 bits",
        ["RGB"],
        10,
        0.01,
        lambda x: opencv(x, ".avif", cv2.IMWRITE_AVIF_DEPTH, 10, cv2.IMWRITE_AVIF_QUALITY, 100),
    ),
    (
        "AVIF",
        "libavif by OpenCV, 12 bits",
        ["RGB"],
        12,
        0.01,
        lambda x: opencv(x, ".avif", cv2.IMWRITE_AVIF_DEPTH, 12, cv2.IMWRITE_AVIF_QUALITY, 100),
    ),
    ("BMP", "Pillow", ["grey", "RGB"], 8, 0, lambda x: pillow(x, "BMP")),
    ("BMP", "OpenCV", ["RGB", "RGBA"], 8, 0, lambda x: opencv(x, ".bmp")),
    ("GIF", "Pillow", ["grey"], 8, 0, lambda x: pillow(x, "GIF")),
    ("PPM", "Pillow", ["grey", "RGB"], 8, 0, lambda x: pillow(x, "PPM")),
    (
        "PPM",
        "OpenCV",
        ["grey", "RGB"],
        16,
        0,
        lambda x: opencv(x, ".pgm" if x.shape[2] == 1 else ".ppm"),
    ),
    (
        "JPEG 2000",
        "OpenJPEG by Pillow",
        KINDS,
        8,
        0,
        lambda x: pillow(x, "JPEG2000", num_resolutions=2),
    ),
    ("JPEG 2000", "OpenJPEG by OpenCV", KINDS, 16, 0, lambda x: _jp2(x)),
    ("TGA", "Pillow", KINDS, 8, 0, lambda x: pillow(x, "TGA")),
    ("TGA", "Pillow, run lengths", KINDS, 8, 0, lambda x: pillow(x, "TGA", compression="tga_rle")),
    ("HEIC", "x265 by libheif", KINDS, 8, 0.03, libheif),
    ("HEIC", "x265 by libheif, 10 bits", ["grey", "RGB"], 10, 0.02, libheif),
]


def _tifffile(samples):
    file = io.BytesIO()
    rgb = samples.shape[2] > 2
    options = {"photometric": "rgb" if rgb else "minisblack", "tile": (16, 16)}
    if samples.shape[2] == 4:
        options["extrasamples"] = ["unassalpha"]
    tifffile.imwrite(file, samples if rgb else samples[..., 0], **options)
    return file.getvalue()


def _jp2(samples):  # OpenCV asks for more resolutions than small pictures have, so this is larger
    return opencv(np.tile(samples, (4, 3, 1)), ".jp2", cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000)


def cases():
    for name, encoder, kinds, bits, difference, encode in ROWS:
        for kind in kinds:
            yield pytest.param(
                name, KINDS[kind], bits, difference, encode, id=f"{encoder} {name} {kind} {bits}"
            )


@pytest.mark.parametrize(("name", "channels", "bits", "difference", "encode"), list(cases()))
def test_in_and_out(tmp_path, name, channels, bits, difference, encode):
    """As the encoder was given it, and the same in each format that is written and can hold it."""
    stored = 16 if bits > 8 and name == "HEIC" else bits  # this library takes 16 and stores 10
    samples = smooth(channels, stored)
    ending = next(x for x in FORMATS if x.name == name).extensions[0]
    image = read_image(write(tmp_path / f"in{ending}", encode(samples)))
    assert image.bits == (16 if bits > 8 else 8)
    assert (image.alpha is not None) == (channels == 4)
    assert image.grey == (channels == 1) or name == "GIF"
    got = integer_samples(image)[: SIZE[0], : SIZE[1], :channels] / (2**image.bits - 1)
    assert np.abs(got - samples / (2**stored - 1)).max() <= max(difference, 1e-9)
    for target in WRITTEN:
        if (image.bits == 16 and not target.deep) or (image.alpha is not None and not target.alpha):
            continue
        path = tmp_path / f"out{target.extensions[0]}"
        write_image(image, path)
        back = read_image(path)
        assert (back.bits, back.size) == (image.bits, image.size)
        assert (back.alpha is None) == (image.alpha is None)
        assert back.grey == image.grey or target.name == "WebP"
        far = (back.colour - image.colour).abs().max() * 255
        assert far <= {"JPEG": 10, "AVIF": 12}.get(target.name, 0.01)


def test_every_format_has_a_row():
    assert {row[0] for row in ROWS} == {format.name for format in FORMATS}


def test_the_page_says_so():
    """The table's rows are the formats; what it says of depth, alpha and writing is the code's."""
    page = (Path(__file__).parents[2] / "docs" / "formats.md").read_text()
    rows = re.findall(r"^\| (\w[\w ]*?) +\| (yes) \| (yes|no) \| ([^|]+) \| ([^|]+) \|", page, re.M)
    told = {name: (written, bits, alpha) for name, _, written, bits, alpha in rows}
    assert list(told) == [format.name for format in FORMATS]
    for format in FORMATS:
        written, bits, alpha = told[format.name]
        assert (written == "yes") == format.written
        deep = {bits for name, _, _, bits, _, _ in ROWS if name == format.name} - {8}
        assert ("16" in bits or "10" in bits) == bool(deep), format.name
        holds = any(name == format.name and "RGBA" in kinds for name, _, kinds, *_ in ROWS)
        assert alpha.startswith("yes") == (holds or format.name == "GIF"), format.name
        if format.written:
            assert format.alpha == alpha.startswith("yes")


CARRIED = {
    "PNG": lambda x: pillow(x, "PNG", icc_profile=ICC, exif=exif()),
    "JPEG": lambda x: pillow(x, "JPEG", icc_profile=ICC, exif=exif(), xmp=XMP, comment=b"said"),
    "TIFF": lambda x: pillow(
        x, "TIFF", icc_profile=ICC, tiffinfo={700: XMP, 33723: b"\x1c\x02\x78\0\2ab"}
    ),
    "WebP": lambda x: pillow(x, "WEBP", icc_profile=ICC, exif=exif(), xmp=XMP),
    "AVIF": lambda x: pillow(x, "AVIF", icc_profile=ICC, exif=exif(), xmp=XMP),
    "HEIC": lambda x: _heic_with_words(x),
    "GIF": lambda x: pillow(x[..., :1], "GIF", comment=b"said"),
    "JPEG 2000": lambda x: _jp2_with_words(pillow(x, "JPEG2000", num_resolutions=2)),
}


def _heic_with_words(samples):
    picture = pillow_heif.from_pillow(PILImage.fromarray(samples))
    picture[0].info |= {"icc_profile": ICC, "icc_profile_type": "prof", "exif": exif(), "xmp": XMP}
    file = io.BytesIO()
    picture.save(file, quality=90)
    return file.getvalue()


IPTC = b"\x1c\x02\x78\0\x05hello"


def _box(kind, body):
    return (len(body) + 8).to_bytes(4, "big") + kind + body


def _jp2_with_words(data):
    """The colours are said by a profile, and EXIF, IPTC, XMP and a place stand in boxes."""
    at = data.index(b"colr") - 4
    old = int.from_bytes(data[at : at + 4], "big")
    colours = _box(b"colr", b"\2\0\0" + ICC)
    head = data.index(b"jp2h") - 4
    length = int.from_bytes(data[head : head + 4], "big") + len(colours) - old
    data = (
        data[:head] + length.to_bytes(4, "big") + data[head + 4 : at] + colours + data[at + old :]
    )
    place = io.BytesIO()
    tags = [(33550, 12, 3, (10.0, 10.0, 0.0), True), (33922, 12, 6, (0.0,) * 6, True)]
    tifffile.imwrite(place, np.zeros((1, 1), np.uint8), extratags=tags)
    words = {
        b"JpgTiffExif->JP2": exif()[6:],
        bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38"): IPTC,
        bytes.fromhex("be7acfcb97a942e89c71999491e3afac"): XMP,
        bytes.fromhex("b14bf8bd083d4b43a5ae8cd7d5a6ce03"): place.getvalue(),
    }
    extra = b"".join(_box(b"uuid", name + body) for name, body in words.items())
    return data[: data.index(b"jp2c") - 4] + extra + data[data.index(b"jp2c") - 4 :]


FIELDS = {
    "PNG": {"icc", "exif"},
    "JPEG": {"icc", "exif", "xmp", "text"},
    "TIFF": {"icc", "xmp", "iptc"},
    "WebP": {"icc", "exif", "xmp"},
    "AVIF": {"icc", "exif", "xmp"},
    "HEIC": {"icc", "exif", "xmp"},
    "GIF": {"text"},
    "JPEG 2000": {"icc", "exif", "xmp", "iptc", "place"},
}
NAMED = {"iptc": "IPTC", "text": "text", "place": "georeference"}


@pytest.mark.parametrize("target", WRITTEN, ids=lambda x: x.name)
@pytest.mark.parametrize("name", CARRIED)
def test_each_piece_is_carried_or_told(tmp_path, name, target):
    """Of each pair of formats."""
    ending = next(x for x in FORMATS if x.name == name).extensions[0]
    image = read_image(write(tmp_path / f"in{ending}", CARRIED[name](smooth(3))))
    empty = Metadata()
    had = {x for x in vars(empty) if getattr(image.metadata, x) != getattr(empty, x)}
    assert had - {"dpi"} == FIELDS[name]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ImageWarning)
        write_image(image, tmp_path / f"out{target.extensions[0]}")
    said = " ".join(str(warning.message) for warning in caught)
    back = read_image(tmp_path / f"out{target.extensions[0]}").metadata
    for piece in FIELDS[name]:
        kept = getattr(back, piece) != getattr(empty, piece)
        assert kept != (NAMED.get(piece, piece) in said), (piece, said)
    if image.metadata.icc is not None:
        assert back.icc == image.metadata.icc


@pytest.mark.parametrize("target", [".webp", ".avif"])
@pytest.mark.parametrize("block", [None, exif()[6:]], ids=["alone", "beside others"])
def test_resolution_goes_into_exif(tmp_path, block, target):
    """Other programs see it there, and everything else that was in the block."""
    image = Image(read_image(write(tmp_path / "a.png", pillow(smooth(3), "PNG"))).colour)
    image = Image(image.colour, metadata=Metadata(dpi=(300.0, 240.5), exif=block))
    write_image(image, tmp_path / f"b{target}")
    with PILImage.open(tmp_path / f"b{target}") as other:
        read = other.getexif()
        assert (float(read[282]), float(read[283]), read[296]) == (300.0, 240.5, 2)
        if block is not None:
            assert read[271] == "Maker" and read.get_ifd(0x8769)[0x927C] == b"note\0bytes"
            assert read.get_ifd(0x8825)[1] == "N"


def test_a_resolution_that_a_jpeg_does_not_say_is_none(tmp_path):
    data = pillow(smooth(3), "JPEG", exif=exif())
    assert read_image(write(tmp_path / "a.jpg", data)).metadata.dpi is None


def _with_code(data, primaries, transfer):
    at = data.index(b"nclx") + 4
    code = primaries.to_bytes(2, "big") + transfer.to_bytes(2, "big")
    return data[:at] + code + data[at + 4 :]


@pytest.mark.parametrize(
    "encode", [CARRIED["HEIC"], lambda x: pillow(x, "AVIF")], ids=["HEIC", "AVIF"]
)
def test_colours_that_are_said_by_numbers(tmp_path, encode):
    plain = libheif(smooth(3)) if encode is CARRIED["HEIC"] else encode(smooth(3))
    assert read_image(write(tmp_path / "a", plain)).metadata == Metadata()
    wide = read_image(write(tmp_path / "a", _with_code(plain, 12, 13))).metadata
    assert wide.icc is not None and wide.cicp is None
    bright = read_image(write(tmp_path / "a", _with_code(plain, 9, 16)))
    assert bright.metadata.cicp == bytes([9, 16, 0, 1])
    write_image(bright, tmp_path / "b.png")
    assert read_image(tmp_path / "b.png").metadata.cicp == bytes([9, 16, 0, 1])
    with pytest.warns(ImageWarning, match="AVIF cannot say its colours"):
        write_image(bright, tmp_path / "b.avif")


@pytest.mark.parametrize(
    ("kind", "options"), [("PNG", {}), ("GIF", {}), ("WEBP", {}), ("AVIF", {})]
)
def test_the_first_of_several_pictures_is_taken_and_said(tmp_path, kind, options):
    first, second = (PILImage.new("RGB", (8, 6), (x, x, x)) for x in (10, 200))
    data = saved(first, kind, save_all=True, append_images=[second], **options)
    with pytest.warns(ImageWarning, match=r"2 pictures; only the first"):
        image = read_image(write(tmp_path / "a", data))
    assert integer_samples(image).max() < 20


def test_a_fourth_byte_that_is_not_marked_as_alpha_is_told(tmp_path):
    """Pillow writes alpha there, which nobody can tell from garbage."""
    samples = smooth(4)
    with pytest.warns(ImageWarning, match="fourth byte .* not marked as alpha"):
        image = read_image(write(tmp_path / "a.bmp", pillow(samples, "BMP")))
    np.testing.assert_array_equal(integer_samples(image), samples[..., :3])
    samples[..., 3] = 255
    read_image(write(tmp_path / "a.bmp", pillow(samples, "BMP")))
