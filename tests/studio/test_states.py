# SPDX-License-Identifier: Apache-2.0
"""The other states of the page: empty, working, cancelled, failed, narrow, dark, by keyboard."""

from pathlib import Path
from typing import Any

import pytest
from studio.server import Studio
from studio.steps import choose, upscale

UNNAMED = """() => [...document.querySelectorAll(
    "input, button, select, iframe, progress, [tabindex='0']")]
  .filter((x) => x.checkVisibility() && !(x.getAttribute("aria-label") || x.title
    || x.textContent.trim() || [...(x.labels ?? [])].some((label) => label.textContent.trim())
    || x.getAttribute("aria-labelledby")))
  .map((x) => x.outerHTML.slice(0, 200))"""
"""What a screen reader could not name."""


def test_an_empty_page_says_what_to_do(visit: Any, shoot: Any) -> None:
    page = visit()
    assert page.title() == "searchtransfer studio"
    assert page.get_by_role("heading", name="Make a small image sharp").is_visible()
    assert page.evaluate(UNNAMED) == []
    shoot(page, "empty")
    page.get_by_role("tab", name="Inspector").click()
    assert page.get_by_role("heading", name="Where does each point come from?").is_visible()
    shoot(page, "inspector-empty")


def test_nothing_to_upscale(visit: Any, shoot: Any, studio: Studio) -> None:
    page = visit()
    page.locator("#start").click()
    fault = page.locator(".st-fault")
    fault.wait_for()
    assert "There is no small image yet" in fault.inner_text()
    assert fault.inner_text().split()[-1] in studio.log.read_text()
    assert page.get_by_role("heading", name="Make a small image sharp").is_visible()
    shoot(page, "nothing-to-upscale")


def test_a_model_that_needs_a_reference_says_so(visit: Any, pictures: Path, shoot: Any) -> None:
    page = visit()
    page.get_by_label("transfer").check()
    choose(page, "small", pictures / "small.png")
    page.locator("#start").click()
    fault = page.locator(".st-fault")
    fault.wait_for()
    assert "needs a reference" in fault.inner_text()
    assert "Traceback" not in fault.inner_text() and "/tmp" not in fault.inner_text()
    page.locator("#start:enabled").wait_for()
    shoot(page, "no-reference")
    choose(page, "reference", pictures / "first.png")
    upscale(page)
    assert page.locator(".st-fault").count() == 0


def test_useless_references_are_told(visit: Any, pictures: Path, shoot: Any) -> None:
    page = visit()
    choose(page, "small", pictures / "small.png")
    choose(page, "reference", pictures / "second.png")
    upscale(page)
    assert "hardly shows the same things" in page.locator(".st-verdict").inner_text()
    shoot(page, "weak-reference")


def test_cancel_in_the_middle(visit: Any, pictures: Path, shoot: Any) -> None:
    page = visit()
    choose(page, "small", pictures / "whole.png")
    choose(page, "reference", pictures / "other.png")
    page.locator("#start").click()
    bar = page.locator("progress")
    bar.wait_for()
    page.get_by_text("Searching").wait_for()
    assert page.locator("#start").is_disabled()
    assert page.evaluate(UNNAMED) == []
    page.get_by_text("left", exact=False).last.wait_for()
    shoot(page, "working")
    page.locator("#cancel").click()
    page.get_by_text("Cancelled.").wait_for()
    assert page.locator(".st-fault").count() == 0  # it was asked for
    assert page.locator("#cancel").is_hidden()
    shoot(page, "cancelled")
    # The next job runs as ever.
    choose(page, "small", pictures / "small.png")
    upscale(page)
    assert page.get_by_text("Cancelled.").count() == 0


def test_a_second_job_waits_and_can_be_cancelled(visit: Any, pictures: Path, shoot: Any) -> None:
    first, second = visit(), visit()
    for page, small in ((first, "whole.png"), (second, "small.png")):
        choose(page, "small", pictures / small)
        choose(page, "reference", pictures / "other.png")
    first.locator("#start").click()
    first.get_by_text("Searching").wait_for()
    second.locator("#start").click()
    second.get_by_text("Waiting for its turn").wait_for()
    shoot(second, "waiting")
    second.locator("#cancel").click()
    first.locator("#cancel").click()
    for page in (first, second):
        page.get_by_text("Cancelled.").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_window(visit: Any, pictures: Path, shoot: Any, scheme: str) -> None:
    page = visit(viewport={"width": 400, "height": 800}, color_scheme=scheme)
    width = "document.documentElement.scrollWidth"
    assert page.evaluate(width) <= 400
    shoot(page, f"narrow-empty-{scheme}")
    choose(page, "small", pictures / "small.png")
    choose(page, "reference", pictures / "first.png")
    upscale(page)
    page.get_by_role("button", name="Lens").click()
    page.locator(".st-stage").hover(position={"x": 100, "y": 150})
    assert page.evaluate(width) <= 400
    lens, stage = (page.locator(x).bounding_box() for x in (".st-lens", ".st-stage"))
    assert lens["y"] >= stage["y"] - 1
    assert lens["y"] + lens["height"] <= stage["y"] + stage["height"] + 1
    shoot(page, f"narrow-{scheme}")
    page.get_by_role("tab", name="Inspector").click()
    frame = page.frame_locator("iframe")
    frame.locator("body[data-ready]").wait_for()
    assert page.evaluate(width) <= 400
    assert frame.locator("html").evaluate("x => x.scrollWidth <= x.clientWidth")
    shoot(page, f"narrow-inspector-{scheme}", whole=False)


def test_dark(visit: Any, pictures: Path, shoot: Any) -> None:
    page = visit(color_scheme="dark")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(int(x) for x in background[4:-1].split(",")) < 64
    choose(page, "small", pictures / "small.png")
    choose(page, "reference", pictures / "first.png", pictures / "second.png")
    upscale(page)
    shoot(page, "dark")


def test_the_example_by_keyboard_alone(visit: Any, shoot: Any) -> None:
    page = visit()

    def tab_to(words: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            if words in page.evaluate(
                "document.activeElement.ariaLabel ?? document.activeElement.textContent"
            ):
                return
        pytest.fail(f"{words!r} cannot be reached with the Tab key")

    tab_to("Small image")  # the file fields are reached too
    tab_to("Use the example")
    page.keyboard.press("Enter")
    page.locator(".st-files li").nth(1).wait_for()
    assert page.get_by_label("This is my sharp photo").is_checked()
    shoot(page, "example")
    tab_to("Upscale")
    page.keyboard.press("Enter")
    page.locator("st-compare .st-stage").wait_for(timeout=240_000)  # on one busy core
    page.locator("#start:enabled").wait_for()
    tab_to("Divider")
    page.keyboard.press("ArrowLeft")
    assert page.get_by_role("slider").get_attribute("aria-valuenow") == "48"
    assert page.evaluate(UNNAMED) == []
    values = [
        float(x.split()[0]) for x in page.locator(".st-quality td").all_inner_texts() if "dB" in x
    ]
    assert values[1] > values[0] + 2  # far sharper than bicubic
    shoot(page, "example-done")
