# SPDX-License-Identifier: Apache-2.0
from typing import Any, cast

import pytest
from pictures import coffee
from wear.test_compression import compressed, small
from wear.test_noise import noisy

from searchtransfer import Reference, Upscaler
from searchtransfer.errors import OptionError
from searchtransfer.images.reduction import BICUBIC, Reduction
from searchtransfer.wear import CLEAN, Wear, parse_wear, wear_of


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("auto", None),
        ("clean", CLEAN),
        ("area", Wear(reduction=Reduction("area"))),
        ("jpeg:60", Wear(quality=60)),
        ("blur:1.5, noise:8", Wear(8.0, None, Reduction("bicubic", 1.5))),
        ("coded:8,soft:0.6", Wear(coded=8.0, softness=0.6)),
        ("lanczos,jpeg:80", Wear(0.0, 80, Reduction("lanczos"))),
    ],
)
def test_words(words: str, expected: Wear | None) -> None:
    assert parse_wear(words) == expected


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "'' is not known; give auto, clean, or of bicubic, area"),
        ("old", "'old' is not known"),
        ("area:2", "'area:2' is not known"),
        ("noise", "'noise' is not known"),
        ("noise:x", "noise must be a number above 0, up to 100, got 'x'"),
        ("noise:nan", "got 'nan'"),
        ("jpeg:0", "got '0'"),
        ("jpeg:60.5", "whole number, got 60.5"),
        ("area,,", "'' is not known"),
    ],
)
def test_other_words_are_refused(words: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        parse_wear(words)


def test_numbers_outside_their_range_are_refused() -> None:
    with pytest.raises(OptionError, match="noise must be from 0 to 100"):
        Wear(-1.0)
    with pytest.raises(OptionError, match="quality must be from 1 to 100"):
        Wear(quality=0)
    with pytest.raises(OptionError, match="coded must be from 0 to 100"):
        Wear(coded=101.0)
    with pytest.raises(OptionError, match="softness must be from 0 to 10"):
        Wear(softness=-1.0)
    with pytest.raises((OptionError, TypeError), match="kernel"):
        Reduction(cast(Any, "sinc"))
    with pytest.raises(OptionError, match="softness must be from 0"):
        Reduction("area", -1.0)


def test_it_is_estimated() -> None:
    assert str(wear_of(small())) == "clean"
    assert wear_of(noisy(small(), 8)).noise == pytest.approx(8, rel=0.33)
    assert wear_of(compressed(small(), quality=60)).quality in range(58, 63)


def test_in_words() -> None:
    assert str(CLEAN) == "clean"
    worn = Wear(8.2, 60, Reduction("area", 1.2))
    expected = (
        "reduced by area, blurred by 1.2 pixels, noise of about 8 grey levels, "
        "JPEG of about quality 60"
    )
    assert str(worn) == expected
    assert str(Wear(reduction=BICUBIC)) == "clean"
    assert str(Wear(coded=7.6)) == "compressed, by about 8 grey levels"
    soft = Wear(softness=0.62)
    assert str(soft) == "soft by about 0.6 pixels"
    assert str(soft.reduced_by(BICUBIC)) == "clean"  # the reference knows better


def test_what_is_said_is_taken() -> None:
    for words, noise in (("clean", 0), ("noise:9", 9)):
        upscaler = Upscaler.from_pretrained("transfer", wear=words)
        result = upscaler.upscale(noisy(small(), 20.0), Reference.build([coffee()]))
        assert result.wear.noise == noise
        assert result.wear.reduction == BICUBIC or words != "clean"


def test_it_is_told() -> None:
    worn = compressed(small(), quality=60)
    alone = Upscaler.from_pretrained().upscale(worn)
    assert alone.condition == f"The image looks worn: {alone.wear}."
    assert "JPEG of about quality" in alone.condition
    assert Upscaler.from_pretrained().upscale(small()).condition == ""
    both = Upscaler.from_pretrained().upscale(worn, coffee())
    assert both.verdict.endswith(f" The image looks worn: {both.wear}.")
    assert alone.verdict.endswith(alone.condition)


class TestDoubt:
    """What is not sure is said, and not believed."""

    def test_a_small_image(self) -> None:
        wear = wear_of(small()[:, :40, :40].contiguous())
        assert wear == Wear()
        assert (str(wear), wear.described) == ("clean", "clean; not sure: it is too small to tell")

    def test_a_little_noise(self) -> None:
        wear = wear_of(noisy(small(), 1.2))
        assert wear.noise == 0
        assert "perhaps a little noise" in wear.doubt

    def test_what_is_sure_has_no_doubt(self) -> None:
        assert wear_of(small()).doubt == ""
        assert wear_of(noisy(small(), 8)).doubt == ""

    def test_it_is_shown(self) -> None:
        little = small()[:, :40, :40].contiguous()
        result = Upscaler.from_pretrained().upscale(little)
        assert result.condition == "Taken for clean, though not sure: it is too small to tell."

    def test_it_is_no_part_of_what_is_known(self) -> None:
        assert Wear(doubt="anything") == Wear()
