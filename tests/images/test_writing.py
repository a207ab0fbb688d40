# SPDX-License-Identifier: Apache-2.0
"""What is written is what was meant, whole, and only where nothing is lost."""

import errno
import os
import stat
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from image_files import noise, png, write
from PIL import Image as PILImage

from searchtransfer.errors import (
    ImageFileError,
    MissingExtraError,
    NonFiniteError,
    OptionError,
    OutputError,
)
from searchtransfer.files import writing as files
from searchtransfer.images import (
    Image,
    check_output,
    from_numpy,
    read_image,
    write_image,
    writing,
)
from searchtransfer.images.convert import integer_samples


def names(folder):
    return sorted(path.name for path in folder.iterdir())


PLAIN = from_numpy(noise(4, 5, 3))
LOSSLESS = [
    (".png", 8, 1),
    (".png", 8, 2),
    (".png", 8, 3),
    (".png", 8, 4),
    (".png", 16, 1),
    (".png", 16, 2),
    (".png", 16, 3),
    (".png", 16, 4),
    (".tif", 8, 1),
    (".tif", 8, 2),
    (".tif", 8, 3),
    (".tif", 8, 4),
    (".TIFF", 16, 1),
    (".tif", 16, 2),
    (".tif", 16, 3),
    (".tif", 16, 4),
    (".webp", 8, 3),
    (".WebP", 8, 4),
]


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (300, 1), (130, 170)])
@pytest.mark.parametrize(("extension", "bits", "channels"), LOSSLESS)
def test_round_trip_is_exact(tmp_path, extension, bits, channels, size):
    samples = noise(*size, channels, bits)
    path = tmp_path / f"a{extension}"
    write_image(from_numpy(samples), path)
    back = read_image(path)
    assert (back.bits, back.grey) == (bits, channels < 3)
    np.testing.assert_array_equal(integer_samples(back), samples)
    assert names(tmp_path) == [path.name]


@pytest.mark.parametrize("channels", [1, 2])
def test_webp_holds_grey_as_colour(tmp_path, channels):
    samples = noise(6, 7, channels)
    write_image(from_numpy(samples), tmp_path / "a.webp")
    back = integer_samples(read_image(tmp_path / "a.webp"))
    np.testing.assert_array_equal(back[..., :3], samples[..., :1].repeat(3, -1))
    assert back.shape[2] == channels + 2


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("extension", [".jpg", ".JPEG"])
def test_jpeg(tmp_path, extension, grey):
    smooth = PILImage.fromarray(noise(4, 4, 3)).resize((40, 32), PILImage.Resampling.BICUBIC)
    samples = np.asarray(smooth)[..., :1] if grey else np.asarray(smooth)
    write_image(from_numpy(samples), tmp_path / f"a{extension}")
    back = read_image(tmp_path / f"a{extension}")
    assert back.grey == grey
    assert np.abs(integer_samples(back).astype(int) - samples).mean() < 3
    with PILImage.open(tmp_path / f"a{extension}") as picture:
        assert grey or picture.layer[0][1:3] == (1, 1)  # chroma is not subsampled


@pytest.mark.parametrize("bits", [8, 16])
def test_16_bit_files_open_elsewhere(tmp_path, bits):
    import tifffile

    samples = noise(40, 50, 3, bits)
    write_image(from_numpy(samples), tmp_path / "a.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), samples)
    write_image(from_numpy(samples), tmp_path / "a.png")
    with PILImage.open(tmp_path / "a.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), samples >> (bits - 8))


@pytest.mark.parametrize("bits", [8, 16])
def test_values_are_clamped_then_rounded(tmp_path, bits):
    most = 2**bits - 1
    values = torch.tensor([-0.5, 1.02, 0.49 / most, 0.51 / most, 1.0, 0.0])
    image = Image(values.expand(3, 1, 6), bits=bits)
    write_image(image, tmp_path / "a.png")
    got = integer_samples(read_image(tmp_path / "a.png"))[0, :, 0]
    assert got.tolist() == [0, most, 0, 1, most, 0]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nan_is_never_written(tmp_path, value):
    colour = PLAIN.colour.clone()
    colour[1, 2, 3] = value
    with pytest.raises(NonFiniteError, match="NaN or infinity"):
        write_image(replace(PLAIN, colour=colour), tmp_path / "a.png")
    assert not names(tmp_path)


@pytest.mark.usefixtures("as_users_run")
def test_words(tmp_path):
    with pytest.raises(OptionError, match="metadata must be 'keep' or 'strip', got 'all'"):
        write_image(PLAIN, tmp_path / "a.png", metadata="all")
    with pytest.raises(OptionError, match="on_exists must be 'error' or 'overwrite', got 'skip'"):
        write_image(PLAIN, tmp_path / "a.png", on_exists="skip")
    with pytest.raises(OptionError, match="on_exists must be"):
        check_output(tmp_path / "a.png", size=(4, 4), on_exists="skip")


# --- Checked before any work. Writing checks the same, so each is tried both ways.


def both(path, error, pattern, image=PLAIN, on_exists="error"):
    before = sorted(path.parent.rglob("*")) if path.parent.is_dir() else None
    with pytest.raises(error, match=pattern) as caught:
        check_output(
            path,
            size=image.size,
            alpha=image.alpha is not None,
            bits=image.bits,
            on_exists=on_exists,
        )
    assert repr(str(path)) in str(caught.value)
    with pytest.raises(error, match=pattern):
        write_image(image, path, on_exists=on_exists)
    assert before is None or sorted(path.parent.rglob("*")) == before


def test_a_good_output_passes_and_nothing_is_made(tmp_path):
    check_output(tmp_path / "a.png", size=(4, 5), alpha=True, bits=16, inputs=[tmp_path / "in.png"])
    assert not names(tmp_path)


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("a.jpgg", "unknown extension '.jpgg'.*did you mean '.jpg'"),
        ("a.tfi", "did you mean '.tif'"),
        ("a.gif", "'.gif' is read only; PNG, JPEG, TIFF, WebP or AVIF can be written"),
        ("a.xyzxyz", "use one of .png, .jpg, .tif, .webp"),
        ("a", "no extension"),
        (".png", "no extension"),
    ],
)
def test_extension(tmp_path, name, pattern):
    both(tmp_path / name, ImageFileError, pattern)


def test_alpha_to_jpeg(tmp_path):
    image = from_numpy(noise(4, 5, 4))
    both(tmp_path / "a.jpg", ImageFileError, "JPEG cannot hold transparency; write PNG", image)


@pytest.mark.parametrize("name", ["a.jpg", "a.webp"])
def test_16_bits_are_never_reduced_silently(tmp_path, name):
    image = from_numpy(noise(4, 5, 3, 16))
    both(tmp_path / name, ImageFileError, "cannot hold 16 bits; write PNG or TIFF", image)
    write_image(replace(image, bits=8), tmp_path / name)


@pytest.mark.parametrize(("name", "limit"), [("a.jpg", 65_500), ("a.webp", 16_383)])
def test_longest_side(tmp_path, name, limit):
    check_output(tmp_path / name, size=(limit, 1))
    write_image(Image(torch.zeros(3, 1, limit)), tmp_path / name)
    assert read_image(tmp_path / name).size == (1, limit)
    image = Image(torch.zeros(3, limit + 1, 1))
    both(tmp_path / f"b{name}", ImageFileError, f"1 x {limit + 1}.*at most {limit}", image)


@pytest.mark.parametrize("bits", [8, 16])
def test_longest_side_of_png(tmp_path, bits):
    limit = 1_000_000
    image = Image(torch.rand(1, 1, limit).expand(3, 1, limit), bits=bits, grey=True)
    write_image(image, tmp_path / "a.png")
    assert torch.equal(
        read_image(tmp_path / "a.png").colour.mul(2**bits - 1).round(),
        image.colour.mul(2**bits - 1).round(),
    )
    with pytest.raises(ImageFileError, match="at most 1000000"):
        check_output(tmp_path / "b.png", size=(limit + 1, 1))


def test_most_bytes_of_tiff(tmp_path):
    check_output(tmp_path / "a.tif", size=(30_000, 40_000))
    with pytest.raises(ImageFileError, match=r"6\.7 GiB of pixels.*write PNG"):
        check_output(tmp_path / "a.tif", size=(30_000, 40_000), bits=16)


def test_existing(tmp_path):
    path = write(tmp_path / "a.png", b"precious")
    both(path, OutputError, "exists already; choose another name")
    assert path.read_bytes() == b"precious"


def test_existing_dangling_link(tmp_path):
    (tmp_path / "a.png").symlink_to(tmp_path / "nowhere.png")
    both(tmp_path / "a.png", OutputError, "exists")


def test_overwrite(tmp_path):
    path = write(tmp_path / "a.png", b"old")
    path.chmod(0o640)
    check_output(path, size=PLAIN.size, on_exists="overwrite")
    write_image(PLAIN, path, on_exists="overwrite")
    assert torch.equal(read_image(path).colour, PLAIN.colour)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    write_image(PLAIN, tmp_path / "new.png", on_exists="overwrite")
    assert names(tmp_path) == ["a.png", "new.png"]


def test_overwrite_follows_a_link(tmp_path):
    write(tmp_path / "real.png", b"old")
    (tmp_path / "a.png").symlink_to("real.png")
    write_image(PLAIN, tmp_path / "a.png", on_exists="overwrite")
    assert (tmp_path / "a.png").is_symlink()
    assert torch.equal(read_image(tmp_path / "real.png").colour, PLAIN.colour)


def test_new_files_obey_the_umask(tmp_path):
    old = os.umask(0o027)
    try:
        write_image(PLAIN, tmp_path / "a.png")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == 0o640


@pytest.mark.parametrize("on_exists", ["error", "overwrite"])
@pytest.mark.parametrize("how", ["same", "dotted", "symbolic", "hard", "folder", "relative"])
def test_an_input_is_never_the_output(tmp_path, monkeypatch, how, on_exists):
    (tmp_path / "in").mkdir()
    source = write(tmp_path / "in" / "a.png", png(noise(2, 2, 3)))
    before = source.read_bytes()
    (tmp_path / "link").symlink_to(tmp_path / "in")
    monkeypatch.chdir(tmp_path)
    path = {
        "same": source,
        "dotted": tmp_path / "in" / ".." / "in" / "a.png",
        "symbolic": tmp_path / "b.png",
        "hard": tmp_path / "b.png",
        "folder": tmp_path / "link" / "a.png",
        "relative": Path("in/a.png"),
    }[how]
    if how == "symbolic":
        path.symlink_to(source)
    if how == "hard":
        path.hardlink_to(source)
    with pytest.raises(OutputError, match=r"is the same file as input .*never overwritten"):
        check_output(path, size=(2, 2), on_exists=on_exists, inputs=["other.png", source])
    assert source.read_bytes() == before


def test_an_input_in_other_case_is_the_output_where_case_does_not_count(tmp_path, monkeypatch):
    """Such a file system answers for every spelling; this stands in for one."""
    source = write(tmp_path / "A.PNG", b"")
    monkeypatch.setattr(
        Path, "samefile", lambda self, other: str(self).lower() == str(other).lower()
    )
    with pytest.raises(OutputError, match=r"is the same file as input"):
        check_output(tmp_path / "a.png", size=(2, 2), on_exists="overwrite", inputs=[source])


def test_folder_missing(tmp_path):
    both(tmp_path / "no" / "a.png", OutputError, "folder .* does not exist; create it first")


def test_folder_is_a_file(tmp_path):
    write(tmp_path / "f", b"")
    both(tmp_path / "f" / "a.png", OutputError, "its folder is a file")


def test_output_is_a_folder(tmp_path):
    (tmp_path / "a.png").mkdir()
    both(tmp_path / "a.png", OutputError, "is a folder, expected a file name")
    both(tmp_path / "a.png", OutputError, "is a folder", on_exists="overwrite")


def test_output_is_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    both(tmp_path / "a.png", OutputError, "no regular file", on_exists="overwrite")


def test_folder_read_only(tmp_path):
    folder = tmp_path / "f"
    folder.mkdir(mode=0o500)
    if os.access(folder, os.W_OK):
        folder = Path("/proc")  # nobody, not even root, makes files there
    with pytest.raises(OutputError, match=r"folder .* cannot be written to"):
        check_output(folder / "a.png", size=(2, 2))


def test_folder_that_refuses_is_found_before_the_work(tmp_path, monkeypatch):
    def refuse(**_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    both(tmp_path / "a.png", OutputError, r"cannot be written to \(Read-only file system\)")


@pytest.mark.parametrize("name", ["a" * 300 + ".png", "a\0.png"])
def test_impossible_names(tmp_path, name):
    both(tmp_path / name, OutputError, "this name cannot be used")


@pytest.mark.parametrize(
    "name", ["ünï 😀.png", "new\nline.tif", "-x.webp", os.fsdecode(b"\xff.png")]
)
@pytest.mark.parametrize("bits", [8, 16])
def test_odd_names(tmp_path, monkeypatch, name, bits):
    if name.endswith(".webp") and bits == 16:
        bits = 8
    monkeypatch.chdir(tmp_path)
    image = replace(PLAIN, bits=bits)
    write_image(image, name)
    assert names(tmp_path) == [name]
    torch.testing.assert_close(read_image(name).colour, PLAIN.colour)


# --- Whole or not at all.


def failing_at(monkeypatch, step, error):
    def fail(*_, **__):
        raise error

    # where the failing step is looked up
    targets = {
        "sync": (os, "fsync"),
        "link": (files, "_give_name"),
        "move": (Path, "replace"),
        "encode": (writing, "encode"),
    }
    monkeypatch.setattr(*targets[step], fail)


@pytest.mark.parametrize("on_exists", ["error", "overwrite"])
@pytest.mark.parametrize("step", ["encode", "sync", "place"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left")])
def test_failure_leaves_nothing(tmp_path, monkeypatch, error, step, on_exists):
    old = {"error": [], "overwrite": ["a.png"]}[on_exists]
    for name in old:
        write(tmp_path / name, b"old")
    if step == "place":
        step = "link" if on_exists == "error" else "move"
    failing_at(monkeypatch, step, error)
    expected = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else OutputError
    with pytest.raises(expected):
        write_image(PLAIN, tmp_path / "a.png", on_exists=on_exists)
    monkeypatch.undo()
    assert names(tmp_path) == old
    for name in old:
        assert (tmp_path / name).read_bytes() == b"old"


def test_full_disk_is_said(tmp_path, monkeypatch):
    failing_at(monkeypatch, "sync", OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(OutputError, match=r"a\.png'.*No space left on device.*nothing was left"):
        write_image(PLAIN, tmp_path / "a.png")


def test_file_that_appears_meanwhile_survives(tmp_path, monkeypatch):
    original = writing.encode

    def slow(*arguments):
        write(tmp_path / "a.png", b"theirs")
        return original(*arguments)

    monkeypatch.setattr(writing, "encode", slow)
    with pytest.raises(OutputError, match="appeared while it was being made"):
        write_image(PLAIN, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == b"theirs"
    assert names(tmp_path) == ["a.png"]


@pytest.mark.parametrize("links", [True, False])
def test_of_many_writers_one_wins(tmp_path, monkeypatch, links):
    if not links:

        def no_links(*_):
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", no_links)
    images = [from_numpy(np.full((4, 5, 3), value, np.uint8)) for value in range(8)]
    outcomes = []

    def work(image):
        try:
            write_image(image, tmp_path / "a.png")
            outcomes.append(image)
        except OutputError:
            pass

    threads = [threading.Thread(target=work, args=(image,)) for image in images]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 1
    assert torch.equal(read_image(tmp_path / "a.png").colour, outcomes[0].colour)
    assert names(tmp_path) == ["a.png"]


def test_without_links_a_failed_move_gives_the_name_back(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", fail)
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OutputError, match="cannot be written"):
        write_image(PLAIN, tmp_path / "a.png")
    assert not names(tmp_path)


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("a.avif", (4, 32_769), "sides are at most 32768"),
        ("a.avif", (16_385, 16_385), "at most 268 million"),
        ("a.webp", (4, 16_384), "sides are at most 16383"),
    ],
)
def test_sizes_that_no_reader_would_take(tmp_path, name, size, message):
    with pytest.raises(ImageFileError, match=message):
        check_output(tmp_path / name, size=size)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (1, 32_768)])
def test_avif_of_any_size(tmp_path, size):
    write_image(Image(torch.rand(3, *size)), tmp_path / "a.avif")
    assert read_image(tmp_path / "a.avif").size == size


def test_quality_of_avif(tmp_path):
    image = Image(torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0)))
    for quality in (10, None, 100):
        write_image(image, tmp_path / f"{quality}.avif", quality=quality)
    sizes = [(tmp_path / f"{quality}.avif").stat().st_size for quality in (10, None, 100)]
    assert sizes == sorted(sizes) and len(set(sizes)) == 3


@pytest.mark.parametrize("ending", ["avif", "webp"])
def test_a_library_without_the_format_is_told_before_the_work(tmp_path, ending, monkeypatch):
    """As the Pillow of some systems is built."""
    path = tmp_path / f"a.{ending}"
    write_image(Image(torch.rand(3, 4, 4)), path)
    monkeypatch.setattr("searchtransfer.images.libraries.features.check", lambda name: False)
    with pytest.raises(MissingExtraError, match=r"without (AVIF|WebP); install"):
        check_output(tmp_path / f"b.{ending}", size=(4, 4))
    with pytest.raises(MissingExtraError, match=r"a\..*without (AVIF|WebP); install"):
        read_image(path)
