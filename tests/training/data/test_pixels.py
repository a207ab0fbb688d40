# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import torch
from PIL import Image
from training.data.photos import photo, saved

from searchtransfer.errors import ImageFileError
from searchtransfer.training.data.augment import turn_and_flip
from searchtransfer.training.data.locate import locate
from searchtransfer.training.data.pixels import (
    crop_to_multiple,
    make_sample,
    pad_to,
    read_pixels,
)
from searchtransfer.training.data.synthesis import homography, made_reference, recoloured, warped


def test_degradation_is_pillows_on_eight_bits():
    target, reference = photo(40, 48), photo(32, 32, seed=1)
    sample = make_sample(target, reference)
    small = Image.fromarray(target).resize((12, 10), Image.BICUBIC)
    large = small.resize((48, 40), Image.BICUBIC)
    for ours, image in ((sample.lr, small), (sample.lr_up, large)):
        expected = np.asarray(image).transpose(2, 0, 1) / 127.5 - 1
        torch.testing.assert_close(ours, torch.tensor(expected, dtype=torch.float32))
    again = Image.fromarray(reference).resize((8, 8), Image.BICUBIC).resize((32, 32), Image.BICUBIC)
    levels = ((sample.ref_down_up + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
    assert np.array_equal(levels, np.asarray(again))


def test_pixels_and_the_range_minus_one_to_one():
    black_white = np.array([[[0, 0, 0], [255, 255, 255], [127, 128, 0], [9, 9, 9]]] * 4, np.uint8)
    sample = make_sample(black_white, black_white)
    assert sample.hr[:, 0, 0].tolist() == [-1, -1, -1]
    assert sample.hr[:, 0, 1].tolist() == [1, 1, 1]
    assert sample.hr.shape == (3, 4, 4)
    assert sample.lr.shape == (3, 1, 1)


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "CMYK"])
def test_reading_modes(tmp_path, mode):
    path = tmp_path / "a.tif"
    Image.fromarray(photo(5, 7)).convert(mode).save(path)
    assert read_pixels(path).shape == (5, 7, 3)


def test_what_alpha_hides_is_no_picture(tmp_path):
    pixels = np.full((12, 16, 4), 200, np.uint8)
    pixels[:, 9:] = (0, 255, 0, 0)
    assert (read_pixels(saved(tmp_path / "a.png", pixels)) == 200).all()


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n"])
def test_reading_what_is_no_image(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageFileError, match=r"a\.png'"):
        read_pixels(tmp_path / "a.png")


def test_reading_a_truncated_or_missing_image(tmp_path):
    path = saved(tmp_path / "a.png", photo())
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ImageFileError, match="damaged or truncated"):
        read_pixels(path)
    with pytest.raises(ImageFileError, match="no such file"):
        read_pixels(tmp_path / "none.png")


def test_padding_is_black_at_bottom_and_right():
    pixels = photo(5, 12)
    padded = pad_to(pixels, 8)
    assert padded.shape == (8, 12, 3)
    assert np.array_equal(padded[:5], pixels)
    assert not padded[5:].any()


def test_crop_to_multiple():
    pixels = photo(7, 8)
    assert np.array_equal(crop_to_multiple(pixels), pixels[:4])


def test_all_eight_symmetries_and_nothing_else():
    rng = np.random.default_rng(0)
    pixels = photo(4, 4)
    seen = {turn_and_flip(pixels, rng).tobytes() for _ in range(200)}
    expected = {
        np.ascontiguousarray(np.rot90(side, k)).tobytes()
        for side in (pixels, pixels[:, ::-1])
        for k in range(4)
    }
    assert seen == expected
    assert len(seen) == 8


@pytest.mark.parametrize("corner", [(0, 0), (31, 40), (32, 96)])
def test_a_patch_is_located_where_it_was_cut_out(corner):
    reference = photo(96, 160)
    row, column = corner
    found = locate(reference[row : row + 64, column : column + 64], reference)
    assert max(abs(found[0] - row), abs(found[1] - column)) <= 8


def test_location_fits_even_where_nothing_does():
    assert locate(photo(64, 64), np.zeros((64, 65, 3), np.uint8)) in [(0, 0), (0, 1)]
    assert locate(np.zeros((4, 4, 3), np.uint8), photo(5, 6)) in [(0, 0), (0, 1), (0, 2), (1, 0)]


def test_homography_takes_corners_to_corners():
    source = np.array([[0.0, 0], [8, 0], [8, 8], [0, 8]])
    target = np.array([[1.0, 2], [9, 1], [10, 11], [0, 9]])
    a, b, c, d, e, f, g, h = homography(source, target)
    for (x, y), expected in zip(source, target, strict=True):
        scale = g * x + h * y + 1
        mapped = ((a * x + b * y + c) / scale, (d * x + e * y + f) / scale)
        assert mapped == pytest.approx(tuple(expected))


class Unchanging(np.random.Generator):
    """Stands for a random generator that always draws the middle of the range."""

    def uniform(self, low, high, size=None):
        middle = (low + high) / 2
        return middle if size is None else np.full(size, middle)


def test_warp_and_colour_without_change_are_the_identity():
    pixels = photo(48, 64)
    assert np.array_equal(
        warped(pixels, (8, 20), 16, Unchanging(np.random.PCG64())), pixels[8:24, 20:36]
    )
    assert np.array_equal(recoloured(pixels, Unchanging(np.random.PCG64())), pixels)


def test_made_reference_is_another_view_of_the_same_place():
    pixels = photo(96, 96)
    rng = np.random.default_rng(3)
    reference = made_reference(pixels, (32, 32), 32, rng)
    patch = pixels[32:64, 32:64].astype(float)
    elsewhere = [pixels[r : r + 32, c : c + 32] for r, c in ((0, 0), (64, 0), (0, 64), (64, 64))]

    def distance(view):
        return np.abs(view.astype(float) - reference).mean()

    assert reference.shape == (32, 32, 3)
    assert 0 < distance(patch) < min(map(distance, elsewhere))


@pytest.mark.parametrize("corner", [(0, 0), (8, 8)])
def test_made_reference_at_the_border_is_mirrored_and_never_black(corner):
    white = np.full((16, 16, 3), 200, np.uint8)
    for seed in range(20):
        view = warped(white, corner, 8, np.random.default_rng(seed))
        assert view.min() == view.max() == 200
