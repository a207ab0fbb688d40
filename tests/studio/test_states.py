# SPDX-License-Identifier: Apache-2.0
"""The other states of the page: empty, working, cancelled, failed, narrow, dark, by keyboard."""

import base64
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from studio.server import Studio, Visitor, wait_for
from studio.steps import choose, refused, upscale

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
    page = visit(refusals=True)
    page.locator("#start").click()
    fault = page.locator(".st-fault")
    fault.wait_for()
    assert "There is no small image yet" in fault.inner_text()
    assert "Number" not in fault.inner_text()
    assert "there is no small image yet" in studio.log.read_text()
    assert page.get_by_role("heading", name="Make a small image sharp").is_visible()
    shoot(page, "nothing-to-upscale")


def test_what_cannot_be_is_not_offered(visit: Any, pictures: Path, shoot: Any) -> None:
    page = visit(refusals=True)
    choose(page, "small", pictures / "small.png")
    assert page.get_by_label("transfer").is_disabled()
    assert page.get_by_label("2 times").is_enabled()
    assert "needs a reference" in page.locator("#models").inner_text()
    shoot(page, "no-reference")
    choose(page, "reference", pictures / "first.png")
    page.locator("[name=model][value=transfer]:enabled").check()
    page.locator("[name=scale][value='2']:enabled").check()
    upscale(page)
    assert page.locator(".st-fault").count() == 0
    # What is chosen can become impossible: then it is said before and after the click.
    page.locator("st-drop[data-kind=reference] [data-remove]").click()
    page.locator("#forecast", has_text="needs a reference").wait_for()
    page.locator("#start").click()
    page.locator(".st-fault", has_text="needs a reference").wait_for()


def test_what_is_shown_late_undoes_no_choice(visit: Any, pictures: Path) -> None:
    """Answers to choices are slow; those to earlier ones come after the later choice."""
    page = visit()
    choose(page, "small", pictures / "small.png")
    choose(page, "reference", pictures / "first.png")
    held: list[Any] = []
    page.locator("[name=model][value=transfer]:enabled").wait_for()
    page.route("**/settings", lambda route: held.append(route))
    page.get_by_label("transfer").check()
    page.get_by_label("2 times").check()
    wait_for(lambda: page.wait_for_timeout(10) or len(held) == 2)
    held[0].continue_()  # the server hears of the first only
    page.wait_for_timeout(1000)
    assert page.get_by_label("transfer").is_checked() and page.get_by_label("2 times").is_checked()
    held[1].continue_()
    page.unroute("**/settings")
    page.locator("#forecast", has_text="80 x 64").wait_for()
    # Nor does one that the server hears late.
    page.route("**/settings", lambda route: held.append(route))
    page.get_by_label("3 times").check()
    page.get_by_label("8 times").check()
    wait_for(lambda: page.wait_for_timeout(10) or len(held) == 4)
    held[3].continue_()
    page.locator("#forecast", has_text="320 x 256").wait_for()
    held[2].continue_()
    page.wait_for_timeout(1000)
    assert page.get_by_label("8 times").is_checked()
    assert "320 x 256" in page.locator("#forecast").inner_text()


def test_what_is_there_is_not_replaced(visit: Any, pictures: Path) -> None:
    """The button that has the focus keeps it while the list around it changes."""
    page = visit()
    choose(page, "reference", pictures / "first.png", pictures / "second.png")
    page.locator("[data-remove]").nth(1).focus()
    focused = page.evaluate("document.activeElement.dataset.remove")
    choose(page, "reference", pictures / "small.png")
    assert page.evaluate("document.activeElement.dataset.remove") == focused
    assert page.locator(".st-name").all_inner_texts() == [
        f"{name}\n{size} pixels"
        for name, size in (("first.png", "210 x 128"), ("second.png", "120 x 90"))
    ] + ["small.png\n40 x 32 pixels"]


def test_a_broken_connection_replaces_nothing(visit: Any, pictures: Path, studio: Studio) -> None:
    """The stream says everything again when it is back."""
    first = visit()
    choose(first, "small", pictures / "small.png")
    choose(first, "reference", pictures / "first.png")
    upscale(first)
    base = first.locator("st-drop").first.get_attribute("data-base")
    told = json.dumps(Visitor(studio, base.strip("/").rpartition("/")[2]).sees())
    asked: list[Any] = []

    def say_and_break_off(route: Any) -> None:
        asked.append(route)
        body = f"retry: 100\ndata: {told}\n\n"
        route.fulfill(content_type="text/event-stream", body=body)

    page = visit()
    page.route("**/events", say_and_break_off)
    page.reload()
    page.locator("st-compare .st-stage").wait_for()
    page.get_by_role("slider").press("Home")
    page.evaluate("document.querySelector('iframe').mine = true")
    before = len(asked)
    wait_for(lambda: page.wait_for_timeout(50) or len(asked) > before + 2)
    assert page.get_by_role("slider").get_attribute("aria-valuenow") == "0"
    assert page.evaluate("document.activeElement.className") == "st-divider"
    assert page.evaluate("document.querySelector('iframe').mine")
    assert page.locator("st-compare").count() == page.locator("iframe").count() == 1
    page.unroute_all(behavior="ignoreErrors")


def test_a_result_of_earlier_choices_is_marked(visit: Any, pictures: Path) -> None:
    page = visit()
    choose(page, "small", pictures / "small.png")
    choose(page, "reference", pictures / "first.png")
    upscale(page)
    assert page.locator("#stale").is_hidden()
    choose(page, "small", pictures / "first.png")
    page.locator("#stale").wait_for()
    assert page.locator("st-compare").is_visible()
    choose(page, "small", pictures / "small.png")
    page.locator("#start").click()
    page.locator("#stale").wait_for(state="hidden")
    page.locator("st-compare .st-stage").wait_for()
    page.locator("#start:enabled").wait_for()
    page.get_by_label("This is my sharp photo").check()
    page.locator("#stale").wait_for()
    page.get_by_label("This is my sharp photo").uncheck()
    page.locator("#stale").wait_for(state="hidden")


DROP = """([target, name, data]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([Uint8Array.from(atob(data), (x) => x.charCodeAt(0))], name));
  const at = document.querySelector(target);
  return ["dragenter", "dragover", "drop"].map((type) => !at.dispatchEvent(new DragEvent(type,
    { bubbles: true, cancelable: true, dataTransfer: transfer })));
}"""

PASTE = """([name, data]) => {
  const clipboardData = new DataTransfer();
  clipboardData.items.add(new File([Uint8Array.from(atob(data), (x) => x.charCodeAt(0))], name));
  document.body.dispatchEvent(new ClipboardEvent("paste", { bubbles: true, clipboardData }));
}"""


def test_files_are_dropped_anywhere_and_pasted(visit: Any, pictures: Path) -> None:
    page = visit()
    data = {x.name: base64.b64encode(x.read_bytes()).decode() for x in pictures.glob("*.png")}
    small, reference = (f"st-drop[data-kind={kind}] li" for kind in ("small", "reference"))
    # Beside the zones: first the small image, then references. The browser opens none of them.
    assert page.evaluate(DROP, ["h1", "small.png", data["small.png"]]) == [True] * 3
    page.locator(small).wait_for()
    assert page.evaluate(DROP, [".st-results", "first.png", data["first.png"]]) == [True] * 3
    page.locator(reference).wait_for()
    page.evaluate(PASTE, ["second.png", data["second.png"]])
    page.locator(reference).nth(1).wait_for()
    zone = "st-drop[data-kind=small] .st-zone"
    page.evaluate(DROP, [zone, "other name.png", data["small.png"]])
    page.locator(small, has_text="other name.png").wait_for()
    assert page.locator(small).count() == 1
    assert page.locator("st-drop").count() == 2  # the page is still there


def inspected(visit: Any, pictures: Path) -> tuple[Any, Any]:
    """A page with a result in the inspector, and the inspector."""
    page = visit()
    choose(page, "small", pictures / "small.png")
    choose(page, "reference", pictures / "first.png")
    upscale(page)
    page.get_by_role("button", name="Where does each point come from?").click()
    frame = page.frame_locator("iframe")
    frame.locator("body[data-ready]").wait_for()
    return page, frame


def test_files_dropped_on_the_inspector_are_taken_too(visit: Any, pictures: Path) -> None:
    page, _ = inspected(visit, pictures)
    inside = next(x for x in page.frames if x != page.main_frame)
    data = base64.b64encode((pictures / "second.png").read_bytes()).decode()
    # Its own page stays, and from then on what is dragged goes to the page around it.
    assert inside.evaluate(DROP, ["canvas", "second.png", data]) == [True] * 3
    page.locator("body.st-dragging").wait_for()
    under = "getComputedStyle(document.querySelector('iframe')).pointerEvents"
    assert page.evaluate(under) == "none"
    assert page.evaluate(DROP, ["#pages", "second.png", data]) == [True] * 3
    page.locator("st-drop[data-kind=reference] li").nth(1).wait_for()
    assert page.locator("#upscale").is_visible()
    assert page.evaluate(under) == "auto"
    # The inspector too shows what is no longer chosen.
    page.locator("#stale").wait_for()
    page.get_by_role("tab", name="Inspector").click()
    assert page.locator("#stale").is_visible()
    assert page.locator("#pages.st-stale").is_visible()


def test_no_old_complaint_stays_over_a_result(visit: Any, pictures: Path, tmp_path: Path) -> None:
    page = visit(refusals=True)
    page.locator("#start").click()
    page.locator(".st-fault").wait_for()
    wrong = tmp_path / "wrong.png"
    wrong.write_text("no picture")
    refused(page, "reference", wrong)
    choose(page, "small", pictures / "small.png")
    choose(page, "reference", pictures / "first.png")
    refused(page, "small", wrong)
    upscale(page)
    assert page.locator(".st-fault:visible, .st-message:visible").count() == 0


def test_several_images_in_one_go(visit: Any, pictures: Path, shoot: Any) -> None:
    page = visit()
    choose(page, "small", pictures / "small.png", pictures / "second.png")
    choose(page, "reference", pictures / "first.png")
    page.locator("#forecast", has_text="2 images").wait_for()
    page.locator("#start").click()
    page.locator("#strip button").nth(1).wait_for()
    page.locator("#start:enabled").wait_for()
    assert page.locator("article:visible").count() == 1
    page.locator("#strip button").nth(1).click()
    shown = page.locator("article:visible st-compare")
    assert shown.get_attribute("data-name") == "second.png"
    shoot(page, "several")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download all 2").click()
    names = zipfile.ZipFile(waiting.value.path()).namelist()
    assert names == ["small-x4.png", "second-x4.png"]
    page.locator("article:visible [data-go]").click()
    assert page.locator("#pages iframe:visible").count() == 1


@pytest.mark.parametrize("size", [(1280, 900), (400, 800)])
def test_run_and_cancel_are_in_view_and_the_focus_is_kept(
    visit: Any, pictures: Path, size: tuple[int, int]
) -> None:
    page = visit(viewport={"width": size[0], "height": size[1]})
    choose(page, "small", pictures / "whole.png")
    choose(page, "reference", pictures / "other.png")

    def in_view(selector: str) -> bool:
        box = page.locator(selector).bounding_box()
        return bool(box["y"] >= 0 and box["y"] + box["height"] <= size[1])

    assert in_view("#start")
    page.locator("#start").focus()
    page.keyboard.press("Enter")
    page.locator("progress").wait_for()
    page.mouse.wheel(0, 3000)
    page.wait_for_timeout(200)
    assert in_view("#cancel") and in_view("progress")
    assert page.evaluate("document.activeElement.id") == "cancel"
    page.keyboard.press("Enter")
    page.get_by_text("Cancelled.").wait_for()
    page.locator("#start:enabled").wait_for()
    assert in_view("#start")
    assert page.evaluate("document.activeElement.id") == "start"


def test_the_inspector_has_no_scroll_bar_of_its_own(visit: Any, pictures: Path) -> None:
    page, frame = inspected(visit, pictures)
    inner = frame.locator("html")
    whole = "x => x.scrollHeight <= innerHeight + 1"
    wait_for(lambda: inner.evaluate(whole))
    assert frame.locator("#point").bounding_box()["y"] + 200 < 900  # in view with the pictures
    page.set_viewport_size({"width": 400, "height": 800})
    wait_for(lambda: inner.evaluate("x => x.clientWidth < 400") and inner.evaluate(whole))
    result, reference = (frame.locator(x).bounding_box() for x in ("#result", "#reference"))
    assert abs(result["y"] - reference["y"]) < 2 and result["x"] < reference["x"]


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
    page.locator("#start").focus()
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
