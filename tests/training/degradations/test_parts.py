# SPDX-License-Identifier: Apache-2.0
"""Each part does what it says, and the more the stronger."""

import sys

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from searchtransfer.errors import MissingExtraError, OptionError, ShapeError
from searchtransfer.images import degrade
from searchtransfer.training.degradations import (
    Blur,
    Detour,
    Downsampling,
    Film,
    Jpeg,
    Noise,
    Sharpening,
    WebP,
)

PHOTO = np.ascontiguousarray(data.astronaut()[:128, 160:320]).astype(np.float32)
ALL = (
    Downsampling("area", 4),
    Detour("lanczos", 0.7),
    Blur(1.6),
    Blur(2.0, 0.5, 30.0),
    Noise(7.5),
    Noise(2.0, 0.4, grey=True),
    Jpeg(62),
    WebP(40),
    Film(28),
    Film(28, "hevc"),
    Sharpening(0.8, 1.0),
)


def rng(seed=0):
    return np.random.default_rng(seed)


def flat(value, height=400, width=500):
    return np.full((height, width, 3), value, np.float32)


def off(part, picture=PHOTO):
    """How far a part takes a picture from what it was."""
    return float(np.abs(part(picture, rng()) - picture).mean())


@pytest.mark.parametrize("part", ALL, ids=str)
def test_every_part_repeats_and_leaves_its_input_alone(part):
    before = PHOTO.copy()
    first = part(PHOTO, rng(3))
    assert first.dtype == np.float32
    assert np.array_equal(first, part(PHOTO, rng(3)))
    assert np.array_equal(PHOTO, before)
    assert off(part) > 0 if first.shape == PHOTO.shape else first.size < PHOTO.size
    assert np.abs(first.mean() - PHOTO.mean()) < 4


@pytest.mark.parametrize("part", ALL, ids=str)
@pytest.mark.parametrize("size", [(8, 8), (4, 16)])
def test_every_part_takes_small_pictures(part, size):
    assert part(PHOTO[: size[0], : size[1]], rng()).ndim == 3


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (17, 33)])
@pytest.mark.parametrize(
    "part", [part for part in ALL if not isinstance(part, Downsampling)], ids=str
)
def test_odd_sides_stay_unless_a_detour_changes_them(part, size):
    worn = part(PHOTO[: size[0], : size[1]], rng())
    if isinstance(part, Detour):
        assert worn.shape == (*(round(0.7 * n) for n in size), 3)
    else:
        assert worn.shape == (*size, 3)


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8])
def test_the_bicubic_reduction_is_that_of_the_protocols(scale):
    cut = PHOTO[: 128 // scale * scale, : 160 // scale * scale]
    expected = degrade(torch.from_numpy(cut.copy()).permute(2, 0, 1) / 255, scale) * 255
    ours = Downsampling("bicubic", scale)(cut, rng())
    np.testing.assert_array_equal(ours, expected.round().permute(1, 2, 0).numpy())


def test_area_is_the_mean_of_blocks():
    """But for Pillow's rounding after each of its two passes."""
    blocks = PHOTO.reshape(32, 4, 40, 4, 3).mean((1, 3))
    assert np.abs(Downsampling("area", 4)(PHOTO, rng()) - blocks).max() <= 1


@pytest.mark.parametrize("kernel", ["bicubic", "area", "bilinear", "lanczos"])
def test_kernels_are_those_of_pillow(kernel):
    """The response to a line, which tells one kernel from another."""
    line = flat(0, 4, 160)
    line[:, 80] = 255
    sharp = Image.fromarray(line.astype(np.uint8))
    name = {"area": "BOX"}.get(kernel, kernel.upper())
    expected = np.array(sharp.resize((40, 1), getattr(Image.Resampling, name)))
    np.testing.assert_array_equal(Downsampling(kernel, 4)(line, rng()), expected)


def test_reductions_differ():
    results = [Downsampling(k, 4)(PHOTO, rng()) for k in ("bicubic", "area", "bilinear", "lanczos")]
    for i, ours in enumerate(results):
        assert all(np.abs(ours - other).mean() > 0.3 for other in results[:i])


@pytest.mark.parametrize("sigma", [0.6, 1.6, 3.2])
def test_blur_is_a_gaussian(sigma):
    expected = cv2.GaussianBlur(PHOTO, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    np.testing.assert_allclose(Blur(sigma)(PHOTO, rng()), expected, atol=0.35)


def test_blur_along_and_across():
    """Second moments of the response to a point are the widths, along the turned axes."""
    point = flat(0, 81, 81)
    point[40, 40] = 255
    spread = Blur(4.0, 1.5, 30.0)(point, rng())[..., 0] / 255
    assert spread.sum() == pytest.approx(1, abs=1e-5)
    y, x = np.mgrid[-40:41, -40:41]
    turn = np.deg2rad(30)
    along, across = (x * np.cos(turn) - y * np.sin(turn)), (x * np.sin(turn) + y * np.cos(turn))
    assert (spread * along**2).sum() ** 0.5 == pytest.approx(4, rel=0.01)
    assert (spread * across**2).sum() ** 0.5 == pytest.approx(1.5, rel=0.01)
    assert abs((spread * along * across).sum()) < 0.05


def test_no_blur_is_nothing():
    np.testing.assert_allclose(Blur(0.0)(PHOTO, rng()), PHOTO, atol=1e-4)


@pytest.mark.parametrize("value", [40.0, 128.0, 200.0])
@pytest.mark.parametrize("grey", [False, True])
def test_noise_has_the_variance_that_it_says(value, grey):
    noise = Noise(3.0, 0.25, grey)(flat(value), rng()) - value
    assert noise.std() == pytest.approx((9 + 0.25 * value) ** 0.5, rel=0.01)
    assert abs(noise.mean()) < 0.05
    assert np.array_equal(noise[..., 0], noise[..., 1]) == grey
    if not grey:
        assert abs(np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]) < 0.02


def test_noise_is_not_rounded_and_stays_in_range():
    noisy = Noise(5.0)(flat(128), rng())
    assert np.abs(noisy - noisy.round()).mean() > 0.2
    dark = Noise(20.0)(flat(2), rng())
    assert dark.min() == 0
    assert Noise(20.0)(flat(253), rng()).max() == 255


def test_other_seeds_other_noise():
    assert not np.array_equal(Noise(5.0)(PHOTO, rng(1)), Noise(5.0)(PHOTO, rng(2)))


def test_sharpening_leaves_halos():
    edge = flat(80, 32, 64)
    edge[:, 32:] = 160
    row = Sharpening(0.5, 1.0)(edge, rng())[16, :, 0]
    assert row[:20] == pytest.approx(80, abs=1e-3)
    assert row[31] < 75
    assert row[32] > 165
    soft = Blur(1.0)(edge, rng())[16, :, 0]
    np.testing.assert_allclose(row, 80 + 80 * (np.arange(64) >= 32) + 0.5 * (edge[16, :, 0] - soft))


def test_jpeg_is_what_pillow_writes(tmp_path):
    Image.fromarray(PHOTO.astype(np.uint8)).save(tmp_path / "a.jpg", quality=40, subsampling=0)
    expected = np.array(Image.open(tmp_path / "a.jpg"))
    np.testing.assert_array_equal(Jpeg(40, "4:4:4")(PHOTO, rng()), expected)
    assert off(Jpeg(40, "4:2:0")) > off(Jpeg(40, "4:4:4"))


def test_a_codec_rounds_first():
    np.testing.assert_array_equal(Jpeg(60)(PHOTO + 0.3, rng()), Jpeg(60)(PHOTO, rng()))
    np.testing.assert_array_equal(
        Jpeg(60)(PHOTO * 2, rng()), Jpeg(60)(PHOTO.clip(0, 127.5) * 2, rng())
    )


def test_film_knows_colours():
    """Coded nearly without loss, even colour comes back as it was: no matrix is mixed up."""
    for colour in ((200, 30, 40), (20, 180, 60), (30, 60, 220)):
        picture = flat(0, 64, 64) + np.array(colour, np.float32)
        assert np.abs(Film(1)(picture, rng()) - picture).max() <= 4


@pytest.mark.parametrize(
    "stronger",
    [
        [Blur(s) for s in (0.4, 0.8, 1.6, 3.2)],
        [Noise(s) for s in (1.0, 3.0, 9.0, 25.0)],
        [Noise(1.0, s) for s in (0.0, 0.2, 1.0)],
        [Jpeg(q) for q in (95, 80, 60, 30)],
        [WebP(q) for q in (95, 80, 60, 30)],
        [Film(crf) for crf in (16, 22, 28, 34)],
        [Film(crf, "hevc") for crf in (16, 22, 28, 34)],
        [Sharpening(a, 1.0) for a in (0.1, 0.4, 0.8)],
    ],
    ids=lambda parts: str(parts[0]),
)
def test_stronger_is_farther_off(stronger):
    distances = [off(part) for part in stronger]
    assert distances == sorted(distances)
    assert len(set(distances)) == len(distances)


def test_words():
    assert [str(part) for part in ALL] == [
        "area",
        "lanczos to 70%",
        "blur 1.6 px",
        "blur 2.0 x 0.5 px at 30 degrees",
        "noise 7.5",
        "grey noise 2.0 + shot 0.40",
        "JPEG 62",
        "WebP 40",
        "film h264 28",
        "film hevc 28",
        "sharpening 0.8 at 1.0 px",
    ]
    assert str(Jpeg(62, "4:4:4")) == "JPEG 62 4:4:4"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Downsampling("bicubic", 9), "scale must be a whole number from 1 to 8, got 9"),
        (lambda: Detour("area", 0.0), "Detour: factor must be from 0.1 to 2, got 0.0"),
        (lambda: Blur(-1.0), "Blur: sigma must be from 0 to 50, got -1.0"),
        (lambda: Blur(1.0, 51.0), "Blur: sigma2 must be from 0 to 50"),
        (lambda: Blur(float("nan")), "Blur: sigma must be from 0 to 50, got nan"),
        (lambda: Noise(256.0), "Noise: sigma must be from 0 to 255"),
        (lambda: Noise(1.0, -0.5), "Noise: shot must be from 0 to 255"),
        (lambda: Jpeg(0), "Jpeg: quality must be from 1 to 100, got 0"),
        (lambda: Jpeg(True), "Jpeg: quality must be a whole number, got True"),
        (lambda: WebP(101), "WebP: quality must be from 0 to 100, got 101"),
        (lambda: Film(52), "Film: crf must be from 0 to 51, got 52"),
        (lambda: Sharpening(6.0, 1.0), "Sharpening: amount must be from 0 to 5"),
    ],
)
def test_strengths_out_of_range(make, message):
    with pytest.raises(OptionError, match=message):
        make()


def test_sides_that_are_no_multiple():
    with pytest.raises(ShapeError, match="multiples of scale 3, got 160 x 128"):
        Downsampling("area", 3)(PHOTO, rng())


def test_without_pyav_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'searchtransfer\[video\]'"):
        Film(28)(PHOTO, rng())
