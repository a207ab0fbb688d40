# SPDX-License-Identifier: Apache-2.0
"""Chains of parts, and how they are drawn."""

from collections import Counter
from dataclasses import fields

import numpy as np
import pytest
import torch
from skimage import data

from searchtransfer.errors import ConfigError, ShapeError
from searchtransfer.images import degrade
from searchtransfer.training import load_config
from searchtransfer.training.config import Album as AlbumSection
from searchtransfer.training.config import Degradations
from searchtransfer.training.degradations import (
    ALBUM,
    CLEAN,
    Album,
    Blur,
    Chain,
    Detour,
    Downsampling,
    Film,
    Jpeg,
    Noise,
    Recipe,
    Sharpening,
    WebP,
    clean,
    draw_chain,
    draw_wear,
)

PHOTO = np.ascontiguousarray(data.astronaut()[:96, 160:280])


def drawn(count, recipe=Recipe(), scale=4):  # noqa: B008
    return [draw_chain(np.random.default_rng(i), scale, recipe) for i in range(count)]


def reduced(scale):
    colour = torch.from_numpy(PHOTO.copy()).permute(2, 0, 1) / 255
    return (degrade(colour, scale) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_clean_is_the_reduction_of_the_protocols(scale):
    chain = clean(scale)
    assert chain.clean
    assert str(chain) == "bicubic"
    np.testing.assert_array_equal(chain.apply(PHOTO), reduced(scale))


def test_a_chain_is_its_parts_in_order():
    chain = Chain((Blur(1.6),), Downsampling("area", 4), (Noise(7.5), Jpeg(62)), seed=5)
    assert str(chain) == "blur 1.6 px, area, noise 7.5, JPEG 62"
    assert not chain.clean
    rng = np.random.default_rng(5)
    picture = PHOTO.astype(np.float32)
    for part in chain.parts:
        picture = part(picture, rng)
    np.testing.assert_array_equal(chain.apply(PHOTO), picture.round().astype(np.uint8))


def test_nothing_is_rounded_between():
    """Noise too weak to move a level is seen in the mean once a blur has gathered it."""
    grey = np.full((400, 400, 3), 100, np.uint8)
    worn = Chain((Noise(0.45), Blur(0.5)), seed=1).apply(grey)
    steps = Chain((Noise(0.45),), seed=1).apply(grey), Chain((Blur(0.5),)).apply(grey)
    assert (steps[1] == 100).all()
    assert (worn != 100).mean() < (steps[0] != 100).mean()


def test_a_detour_ends_at_the_size_that_the_scale_asks_for():
    for factor in (0.3, 0.51, 0.77, 1.3):
        chain = Chain((Detour("area", factor),), Downsampling("lanczos", 4))
        small = chain.apply(PHOTO)
        assert small.shape == (24, 30, 3)
        # The same view: no shift beside the softness of another filter.
        assert np.abs(small.astype(int) - reduced(4)).mean() < 8


def test_a_chain_without_reduction_keeps_the_size():
    assert str(Chain()) == "as it is"
    np.testing.assert_array_equal(Chain().apply(PHOTO), PHOTO)


def test_sides_must_be_multiples_even_after_a_detour():
    with pytest.raises(ShapeError, match="multiples of scale 4, got 120 x 95"):
        Chain((Detour("area", 0.5),), Downsampling("area", 4)).apply(PHOTO[1:])


def test_draws_repeat():
    recipe = Recipe(film_share=0.3)
    first, second = drawn(60, recipe), drawn(60, recipe)
    assert first == second
    assert len(set(map(str, first))) > 30
    for ours, theirs in zip(first, second, strict=True):
        small = ours.apply(PHOTO)
        assert small.shape == (24, 30, 3)
        np.testing.assert_array_equal(small, theirs.apply(PHOTO))


def test_shares_are_those_of_the_recipe():
    beside = Counter(
        "clean"
        if chain.clean
        else "light"
        if len(chain.before) + len(chain.after) + (chain.reduction.kernel != "bicubic") == 1
        else "heavy"
        for chain in drawn(4000)
    )
    assert beside["clean"] == pytest.approx(1400, abs=120)
    assert beside["light"] == pytest.approx(1400, abs=120)
    assert beside["heavy"] == pytest.approx(1200, abs=120)
    assert all(chain.clean for chain in drawn(100, CLEAN))
    assert not any(chain.clean for chain in drawn(500, Recipe(light=0.5, heavy=0.5)))


def test_every_part_is_drawn_within_its_range():
    recipe = Recipe(light=0.5, heavy=0.5, film_share=0.3)
    chains = drawn(4000, recipe)
    parts = [part for chain in chains for part in chain.parts]
    kinds = Counter(type(part) for part in parts)
    assert set(kinds) == {Blur, Detour, Film, Jpeg, Noise, Downsampling, Sharpening, WebP}
    assert {x.kernel for x in parts if isinstance(x, Downsampling)} == {
        *("bicubic", "area", "bilinear", "lanczos")
    }
    blurs = [x.sigma for x in parts if isinstance(x, Blur)]
    assert 0 <= min(blurs) < 0.1
    assert 3.1 < max(blurs) <= 3.2
    qualities = [x.quality for x in parts if isinstance(x, Jpeg)]
    assert min(qualities) in range(30, 36)
    assert max(qualities) in range(94, 96)
    assert np.median(qualities) > 75  # high ones are more frequent
    # At middle grey, where shot noise has its share.
    noises = [(x.sigma**2 + 127.5 * x.shot) ** 0.5 for x in parts if isinstance(x, Noise)]
    assert 20 < max(noises) <= 25
    assert np.mean(np.array(noises) < 12) > 0.6


def test_noise_and_codecs_come_in_more_than_one_order():
    chains = drawn(3000, Recipe(light=0.0, heavy=1.0))
    orders = {tuple(type(x).__name__ for x in chain.after) for chain in chains}
    assert {("Noise", "Jpeg"), ("Jpeg", "Noise")} <= orders
    assert len(orders) > 8


def test_blur_grows_with_the_scale():
    widest = [
        max(x.sigma for c in drawn(400, Recipe(light=1.0, heavy=0.0), s) for x in c.before)
        for s in (2, 8)
    ]
    assert widest[0] <= 1.6
    assert 4 < widest[1] <= 6.4


def test_wear_of_references():
    chains = [draw_wear(np.random.default_rng(i), ALBUM) for i in range(2000)]
    counts = Counter(type(part) for chain in chains for part in chain.parts)
    assert set(counts) == {Blur, Noise, Jpeg}
    assert all(count == pytest.approx(600, abs=80) for count in counts.values())
    versions = [chain.apply(PHOTO).astype(int) for chain in chains[:40]]
    changes = [np.abs(x - PHOTO).mean() for x in versions]
    assert min(changes) == 0
    assert 1 < max(changes) < 30
    assert chains[7] == draw_wear(np.random.default_rng(7), ALBUM)


def test_the_configuration_has_the_fields_of_recipes():
    """What it may say, and what it says where it says nothing: nothing but the clean reduction."""
    settings = Degradations().model_dump()
    assert Album(**settings.pop("references")) == ALBUM == Album(**AlbumSection().model_dump())
    assert Recipe(**settings) == CLEAN
    assert set(settings) == {field.name for field in fields(Recipe)}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("{light: 0.7, heavy: 0.4}", "light and heavy are shares of all: together at most 1"),
        ("{jpeg: [90, 30]}", "jpeg must be the smallest and the largest, in this order"),
        ("{references: {jpeg: [90, 30]}}", "jpeg must be the smallest and the largest"),
        ("{noise: [0, 400]}", "less than or equal to 255"),
        ("{blurr: [0, 1]}", "blurr"),
    ],
)
def test_settings_that_cannot_be(words, message):
    with pytest.raises(ConfigError, match=message):
        load_config("fusion-x4", [f"data.degradations={words}", "data.photos=x"])
