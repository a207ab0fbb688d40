# SPDX-License-Identifier: Apache-2.0
"""The main job in a real browser: what is shown and downloaded is what the package makes."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from studio.steps import choose, decoded, pixels, upscale

from searchtransfer import Upscaler
from searchtransfer.batch.item import measure, reduced
from searchtransfer.images import read_image, to_numpy, up
from searchtransfer.inspection import inspect_result
from searchtransfer.pictures.inspector import provenance


@pytest.fixture(scope="module")
def expected(pictures: Path) -> Any:
    """The small picture, the references and the result of the package itself."""
    small = read_image(pictures / "small.png")
    photos = [read_image(pictures / name) for name in ("first.png", "second.png")]
    return small, photos, Upscaler.from_pretrained().upscale(small, photos)


@pytest.fixture(scope="module")
def done(visit_once: Any, pictures: Path) -> Any:
    """A page with a result, as the tests before left it."""
    page = visit_once()
    choose(page, "small", pictures / "small.png")
    choose(page, "reference", pictures / "first.png", pictures / "second.png")
    upscale(page)
    return page


def test_what_is_shown_is_what_the_package_makes(done: Any, expected: Any, shoot: Any) -> None:
    small, _, result = expected
    np.testing.assert_array_equal(pixels(done, "Result"), to_numpy(result.image))
    bicubic = up(small.colour, 4).clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(pixels(done, "Bicubic"), bicubic)
    assert done.locator("st-compare img[data-label='Original']").count() == 0
    assert "160 x 128 pixels" in done.locator(".st-summary").inner_text()
    shoot(done, "result")


def test_downloads_are_whole_with_and_without_metadata(done: Any, expected: Any) -> None:
    result = to_numpy(expected[2].image)
    for words, has_metadata in (("without metadata", False), ("with metadata", True)):
        with done.expect_download() as waiting:
            done.get_by_role("link", name=f"Download PNG {words}", exact=True).click()
        assert waiting.value.suggested_filename == "small-x4.png"
        file = waiting.value.path()
        np.testing.assert_array_equal(decoded(file.read_bytes()), result)
        metadata = read_image(file).metadata
        assert (metadata.exif is not None, metadata.dpi is not None) == (has_metadata,) * 2


def test_the_divider_follows_mouse_and_keys(done: Any) -> None:
    divider, stage = done.get_by_role("slider"), done.locator(".st-stage")

    def clip() -> str:
        return str(done.locator(".st-right").evaluate("x => getComputedStyle(x).clipPath"))

    divider.focus()
    for key, place in (("Home", 0), ("ArrowRight", 2), ("ArrowLeft", 0), ("End", 100)):
        done.keyboard.press(key)
        assert divider.get_attribute("aria-valuenow") == str(place)
        assert clip().endswith(f"{place}%)" if place else "0px)") or f" {place}%" in clip()
    divider.press("Home")
    box = stage.bounding_box()
    stage.click(position={"x": box["width"] * 0.25, "y": box["height"] / 2})
    assert divider.get_attribute("aria-valuenow") == "25"
    box = stage.bounding_box()  # the page may have scrolled, and its head lies over what is above
    middle = box["y"] + box["height"] / 2
    done.mouse.move(box["x"] + box["width"] * 0.25, middle)
    done.mouse.down()
    done.mouse.move(box["x"] + box["width"] * 0.75, middle)
    done.mouse.up()
    assert divider.get_attribute("aria-valuenow") == "75"


def test_zoom_moves_the_picture_and_the_lens_enlarges_both(done: Any, shoot: Any) -> None:
    stage = done.locator(".st-stage")
    picture = done.locator("st-compare img[data-label='Result']")
    done.get_by_role("button", name="Fit").click()
    before = picture.bounding_box()
    for _ in range(2):
        done.get_by_role("button", name="Zoom in").click()
    after = picture.bounding_box()
    assert after["width"] == pytest.approx(before["width"] * 1.5**2, rel=0.01)
    box = stage.bounding_box()
    done.mouse.move(box["x"] + 300, box["y"] + 200)
    done.mouse.down()
    done.mouse.move(box["x"] + 260, box["y"] + 180)
    done.mouse.up()
    assert picture.bounding_box()["x"] == pytest.approx(after["x"] - 40, abs=1)
    stage.press("ArrowRight")
    assert picture.bounding_box()["x"] == pytest.approx(after["x"] - 80, abs=1)
    stage.press("0")
    assert picture.bounding_box() == before
    stage.press("l")
    assert done.get_by_role("button", name="Lens").get_attribute("aria-pressed") == "true"
    stage.hover(position={"x": 300, "y": 300})
    shown = [
        done.locator(".st-lens i").nth(i).evaluate("x => x.style.backgroundImage") for i in (0, 1)
    ]
    assert "before" in shown[0] and "after" in shown[1]
    shoot(done, "lens")


def test_the_inspector_frames_the_block_that_the_api_returns(
    done: Any, expected: Any, shoot: Any
) -> None:
    small, photos, result = expected
    picture = inspect_result(result, small, photos, names=["first.png", "second.png"])
    done.get_by_role("tab", name="Inspector").click()
    frame = done.frame_locator("iframe")
    canvas = frame.locator("#result")
    frame.locator("body[data-ready]").wait_for()
    box = canvas.bounding_box()
    inside = next(x for x in done.frames if x != done.main_frame)
    for across, down in ((0.3, 0.4), (0.71, 0.83), (0.02, 0.02)):
        if inside.evaluate("inspector.state.pinned"):
            canvas.press("Escape")
        canvas.click(position={"x": box["width"] * across, "y": box["height"] * down})
        point = inside.evaluate("inspector.state.point")
        # The picture lies in the middle of its pane; a click may be a pixel off its place.
        truth = provenance(picture, point["row"], point["column"])
        shown = inside.evaluate("({row, column}) => inspector.provenance(row, column)", point)
        for name in ("match", "block"):
            part = getattr(truth, name)
            assert shown[name]["middle"] == list(part.middle)
            assert shown[name]["corners"] == [list(corner) for corner in part.corners]
        assert shown["photo"] == truth.photo
        said = frame.locator("#fact-from").inner_text()
        rows = [row for row, _ in truth.match.corners]
        first, last = math.floor(min(rows) + 1), math.floor(max(rows))
        assert picture.photos[truth.photo].name in said
        assert f"{first}" in said and f"{last}" in said
        assert f"{truth.score:.3f}" == frame.locator("#fact-score").inner_text()
    shoot(done, "inspector", whole=False)
    frame.get_by_text("Score", exact=True).first.click()
    shoot(done, "inspector-scores", whole=False)


def test_a_sharp_photo_is_reduced_and_measured(visit: Any, pictures: Path, shoot: Any) -> None:
    page = visit()
    page.get_by_label("This is my sharp photo").check()
    page.get_by_text("It is made small first").wait_for()
    choose(page, "small", pictures / "photo.png")
    choose(page, "reference", pictures / "first.png")
    upscale(page)
    small, truth = reduced(read_image(pictures / "photo.png"), 4)
    result = Upscaler.from_pretrained().upscale(small, read_image(pictures / "first.png"))
    quality = measure(result.image, small, truth)
    rows = page.locator(".st-quality tbody tr")
    assert rows.nth(0).inner_text().split("\t")[1:] == [
        f"{quality.psnr_bicubic:.2f} dB",
        f"{quality.ssim_bicubic:.4f}",
    ]
    assert rows.nth(1).inner_text().split("\t")[1:] == [
        f"{quality.psnr:.2f} dB",
        f"{quality.ssim:.4f}",
    ]
    page.get_by_label("Left").select_option("Original")
    np.testing.assert_array_equal(pixels(page, "Original"), to_numpy(truth))
    assert page.locator(".st-tag-left").inner_text() == "Original"
    shoot(page, "measured")


def test_other_scales(visit: Any, pictures: Path) -> None:
    page = visit()
    choose(page, "small", pictures / "small.png")
    choose(page, "reference", pictures / "first.png")
    page.locator("[name=scale][value='2']:enabled").check()
    page.locator("[name=look][value='vivid']:disabled").wait_for()
    upscale(page)
    assert pixels(page, "Result").shape == (64, 80, 3)


def test_a_vivid_look(visit: Any, pictures: Path) -> None:
    page = visit()
    choose(page, "small", pictures / "small.png")
    upscale(page)
    faithful = pixels(page, "Result")
    page.locator("[name=look][value='vivid']:enabled").check()
    page.locator("#stale").wait_for()
    page.locator("#start").click()
    page.locator("#stale").wait_for(state="hidden")  # the old result is gone
    page.locator("st-compare .st-stage").wait_for()
    page.locator("#start:enabled").wait_for()
    vivid = pixels(page, "Result")
    assert vivid.shape == faithful.shape
    assert (vivid != faithful).any()
