# SPDX-License-Identifier: Apache-2.0
"""The inspector in a real browser shows what `provenance` says, to everybody, and loads nothing.

Screenshots of the states are left in pytest's temporary folder.
"""

import base64
import html
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from inspections import found_in_place, inspected
from PIL import Image

from searchtransfer import Upscaler
from searchtransfer.inspection import inspect_result
from searchtransfer.pictures.inspector import InspectorInput, inspector_page, provenance

ORANGE = (255, 176, 0)
Open = Callable[..., Any]


@pytest.fixture
def browser(chromium: Any) -> Any:
    return chromium


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Opens the page of a picture from disk; in the end nothing was loaded and nothing failed."""
    faults: list[str] = []

    def check(request: Any) -> None:
        if not request.url.startswith((tmp_path.as_uri(), "data:")):
            faults.append(f"asked for {request.url[:80]}")

    def open_page(picture: InspectorInput, width: int = 1000, **options: object):
        path = tmp_path / "page.html"
        path.write_text(inspector_page(picture), encoding="utf-8")
        page = browser.new_context(viewport={"width": width, "height": 800}, **options).new_page()
        page.on("request", check)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text))
        page.on("dialog", lambda dialog: faults.append("a dialog"))
        page.goto(path.as_uri())
        page.wait_for_selector("body[data-ready=yes]")
        return page

    yield open_page
    for context in browser.contexts:
        context.close()
    assert faults == []


def plain(traced: object) -> object:
    """A provenance as JSON knows it."""
    if isinstance(traced, tuple) and hasattr(traced, "_asdict"):
        return {name: plain(value) for name, value in traced._asdict().items()}
    return [plain(x) for x in traced] if isinstance(traced, (tuple, list)) else traced


def shown(page: Any) -> object:
    return json.loads(page.get_attribute("#point", "data-provenance"))


def pixels(page: Any, canvas: str) -> np.ndarray:
    """Red, green, blue, opacity of each pixel of a canvas."""
    settle(page)
    address = page.evaluate("name => document.querySelector(name).toDataURL()", canvas)
    data = base64.b64decode(address.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))


def settle(page: Any) -> None:
    """Wait until what was asked for is drawn."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def until(page: Any, condition: str) -> None:
    """Wait for something to be true. (Playwright's own waiting needs eval, which is forbidden.)"""
    for _ in range(200):
        settle(page)
        if page.evaluate(condition):
            return
    raise AssertionError(f"never true: {condition}")


def eight_bit(colour: torch.Tensor) -> np.ndarray:
    return (colour * 255).round().permute(1, 2, 0).byte().numpy()


def sampled(canvas: np.ndarray, top: float, left: float, zoom: float, side: int) -> np.ndarray:
    """The middles of side x side squares of `zoom` screen pixels."""
    rows, columns = ((start + (np.arange(side) + 0.5) * zoom).astype(int) for start in (top, left))
    return canvas[rows][:, columns, :3]


def in_place() -> InspectorInput:
    small, photo = found_in_place()
    result = Upscaler.from_pretrained("transfer").upscale(small, photo)
    return inspect_result(result, small, [photo], name="small.png", names=["photo.png"])


def upright(picture: InspectorInput) -> InspectorInput:
    """The same, found at whole pixels."""
    jacobian = torch.eye(2).expand_as(picture.jacobian)
    return replace(picture, position=(picture.position - 0.5).round() + 0.5, jacobian=jacobian)


def some_unmatched() -> InspectorInput:
    picture = inspected(photos=((30, 41), (25, 27), (8, 8)), seed=1)
    photo = picture.photo.clone()
    photo[1:3, 1:3] = -1
    return replace(picture, photo=photo)


PICTURES = {
    "one reference": lambda: inspected(photos=((30, 41),)),
    "three references, some cells without": some_unmatched,
    "scale 3": lambda: inspected((5, 4), ((3, 3), (17, 19)), scale=3),
    "turned": lambda: inspected((9, 9), ((30, 41), (25, 27)), turned=True),
    "turned, scale 3": lambda: inspected((9, 9), ((9, 11),), scale=3, turned=True),
    "one cell": lambda: inspected((1, 1), ((8, 8),), scale=8),
    "alone": lambda: inspected(photos=()),
}


@pytest.mark.parametrize("name", PICTURES)
def test_the_script_says_what_python_says(opened, name):
    picture = PICTURES[name]()
    page = opened(picture)
    scale = picture.scale
    height, width = picture.score.shape
    points = [(r * scale + r % scale, c * scale) for r in range(height) for c in range(width)]
    found = page.evaluate("points => points.map(([r, c]) => inspector.provenance(r, c))", points)
    assert found == [plain(provenance(picture, *point)) for point in points]


def test_a_wrong_script_would_be_noticed(opened):
    picture = inspected()
    page = opened(replace(picture, score=picture.score + 0.5))
    assert page.evaluate("inspector.provenance(0, 0)") != plain(provenance(picture, 0, 0))


def test_the_point_under_the_mouse_is_shown(opened):
    picture = some_unmatched()
    page = opened(picture)
    box = page.locator("#result").bounding_box()
    for row, column in ((0, 0), (13, 22), (23, 31)):
        x = box["x"] + box["width"] * (column + 0.5) / 32
        y = box["y"] + box["height"] * (row + 0.5) / 24
        page.mouse.move(x, y)
        until(page, f"inspector.state.point.row === {row}")
        settle(page)
        traced = provenance(picture, row, column)
        assert shown(page) == plain(traced)
        assert page.inner_text("#fact-place") == f"row {row}, column {column}"
        assert page.inner_text("#fact-score") == f"{traced.score:.3f}"
        name, match = picture.photos[traced.photo].name, traced.match
        rows, columns = (f"{x - 1.5:.0f}\u2013{x + 1.5:.0f}" for x in match.middle)
        expected = f"{name} ({traced.photo + 1} of 3), rows {rows}, columns {columns}"
        assert page.inner_text("#fact-from") == expected
        assert page.inner_text("#reference-name") == name


def test_the_frame_holds_the_matched_pixels(opened):
    """Found by its colour on the canvas, and compared with the photo."""
    picture = upright(in_place())
    page = opened(picture)
    for _ in range(2):
        page.click("#zoom-in")
    page.evaluate("inspector.select(22, 25)")
    row, column = (int(x - 1.5) for x in provenance(picture, 22, 25).match.middle)
    photo = eight_bit(picture.photos[0].colour)[row : row + 4, column : column + 4]
    canvas = pixels(page, "#reference")
    rows, columns = np.nonzero((canvas[..., :3] == ORANGE).all(-1))
    top, left = rows.min() + 2, columns.min() + 2  # the line is two pixels thick
    zoom = (rows.max() - 1 - top) / 4
    assert zoom > 8
    np.testing.assert_array_equal(sampled(canvas, top, left, zoom, 4), photo)
    assert zoom == pytest.approx(page.evaluate("inspector.state.zoom"), abs=0.3)


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ([[1.0, 0.0], [0.0, 1.0]], ""),
        ([[0.0, -2.0], [2.0, 0.0]], "2.0 times larger, turned by 90 degrees anticlockwise"),
        ([[0.0, 0.5], [-0.5, 0.0]], "2.0 times smaller, turned by 90 degrees clockwise"),
        ([[1.0, 0.0], [0.0, -1.0]], "mirrored"),
        ([[-1.0, 0.0], [0.0, -1.0]], "turned by 180 degrees"),
        ([[1.0, 0.0], [0.0, 1.5]], "1.2 times larger, tilted"),
    ],
)
def test_turned_matches_have_turned_frames_and_plain_words(opened, way, words):
    """Orange lies along the sides of the true quadrilateral, in pane and loupe."""
    picture = inspected((6, 8), ((60, 60),))
    position = torch.full((6, 8, 2), 30.0) + torch.rand(6, 8, 2)
    picture = replace(
        picture, position=position, jacobian=torch.tensor(way).expand(6, 8, 2, 2).contiguous()
    )
    page = opened(picture)
    page.evaluate("inspector.select(9, 14)")
    traced = provenance(picture, 9, 14)
    said = page.inner_text("#fact-moved").partition("; the reference shows it ")[2]
    assert said == words
    corners = np.array(traced.match.corners)
    for canvas in ("#reference", "#loupe-reference"):
        found = pixels(page, canvas)
        rows, columns = np.nonzero((found[..., :3].astype(int) - ORANGE == 0).all(-1))
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        zoom = float(
            page.get_attribute(canvas, "data-zoom") or page.evaluate("inspector.state.zoom")
        )
        expected = np.ptp(corners, axis=0) * zoom
        assert (height, width) == pytest.approx(expected, abs=6)


def test_contributors_and_loupes_show_the_pixels_themselves(opened):
    picture = inspected((6, 8), ((30, 41), (25, 27)), seed=4)
    page = opened(picture, device_scale_factor=2)
    page.evaluate("inspector.select(9, 14)")
    traced = provenance(picture, 9, 14)
    assert sum(one.source is not None for one in traced.contributors) > 4
    for number, one in enumerate(traced.contributors):
        tile = f"#contributor-{number} canvas"
        assert page.is_visible(tile) == (one.source is not None)
        if one.source is None:
            assert "outside of" in page.inner_text(f"#contributor-{number}")
            continue
        zoom = int(page.get_attribute(tile, "data-zoom"))
        row, column = (int(x - 1.5) for x in one.source.middle)
        colour = eight_bit(picture.photos[one.photo].colour)
        expected = colour[row : row + 4, column : column + 4]
        canvas = pixels(page, tile)
        np.testing.assert_array_equal(sampled(canvas, 4 * zoom, 4 * zoom, zoom, 4), expected)
        assert page.inner_text(f"#contributor-{number}") == f"{one.score:.3f} · {one.photo + 1}"
    for name, colour in (("bicubic", picture.bicubic), ("result", picture.result)):
        zoom = int(page.get_attribute(f"#loupe-{name}", "data-zoom"))
        expected = eight_bit(colour)[8:12, 12:16]
        canvas = pixels(page, f"#loupe-{name}")
        np.testing.assert_array_equal(sampled(canvas, 8 * zoom, 8 * zoom, zoom, 4), expected)


def test_keys(opened):
    page = opened(inspected((20, 20), ((90, 90),)))
    page.focus("#result")
    assert page.evaluate("inspector.state.point") == {"row": 40, "column": 40}
    for keys, point in (
        (["ArrowRight", "ArrowDown"], (44, 44)),
        (["Shift+ArrowLeft"], (44, 12)),
        (["Shift+ArrowLeft"], (44, 0)),
        (["ArrowUp"], (40, 0)),
    ):
        for key in keys:
            page.keyboard.press(key)
        traced = shown(page)
        assert (traced["row"], traced["column"]) == point
    assert page.inner_text("#spoken").startswith("row 40, column 0: score ")
    page.keyboard.press("Enter")
    assert page.get_attribute("#pin", "aria-pressed") == "true"
    page.hover("#result")
    settle(page)
    assert shown(page)["row"] == 40
    assert shown(page)["column"] == 0
    page.keyboard.press("Escape")
    assert page.get_attribute("#pin", "aria-pressed") == "false"
    zoom = page.evaluate("inspector.state.zoom")
    page.keyboard.press("+")
    assert page.evaluate("inspector.state.zoom") == pytest.approx(1.5 * zoom)
    page.keyboard.press("0")
    assert page.evaluate("inspector.state.zoom") == pytest.approx(zoom)


def test_the_magnification_outlives_a_turned_screen(opened):
    page = opened(inspected((20, 20), ((90, 90),)), width=400)
    fit = page.evaluate("inspector.state.zoom")
    page.click("#zoom-in")
    page.set_viewport_size({"width": 1400, "height": 1400})
    until(page, f"inspector.state.zoom > {1.6 * fit}")
    page.set_viewport_size({"width": 400, "height": 800})
    until(page, f"Math.abs(inspector.state.zoom - {1.5 * fit}) < 1e-6")
    page.click("#zoom-fit")
    until(page, f"Math.abs(inspector.state.zoom - {fit}) < 1e-6")


def test_a_click_pins_and_unpins(opened):
    page = opened(inspected((20, 20), ((90, 90),)))
    page.click("#result", position={"x": 60, "y": 60})
    settle(page)
    first = shown(page)
    page.hover("#result", position={"x": 200, "y": 200})
    settle(page)
    assert shown(page) == first
    assert page.inner_text("#pin") == "Unpin the point"
    page.click("#result", position={"x": 60, "y": 60})
    page.hover("#result", position={"x": 200, "y": 200})
    until(page, f"inspector.state.point.row !== {first['row']}")


def test_dragging_moves_both_panes(opened):
    page = opened(in_place())
    for _ in range(4):
        page.click("#zoom-in")
    page.evaluate("inspector.select(22, 25)")
    before, reference = page.evaluate("inspector.state.centre"), pixels(page, "#reference")
    page.locator("#reference").scroll_into_view_if_needed()
    box = page.locator("#reference").bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 150)
    page.mouse.down()
    page.mouse.move(box["x"] + 260, box["y"] + 170)
    page.mouse.up()
    settle(page)
    after, zoom = page.evaluate("inspector.state.centre"), page.evaluate("inspector.state.zoom")
    assert before["x"] - after["x"] == pytest.approx(60 / zoom)
    assert before["y"] - after["y"] == pytest.approx(20 / zoom)
    assert (pixels(page, "#reference") != reference).any()


def test_layers_lie_over_the_result(opened):
    picture = inspected()
    page = opened(picture)
    assert page.is_disabled("#opacity")
    page.evaluate("inspector.select(22, 2)")
    for layer in ("score-map", "match-map", "photo-map"):
        page.check(f"input[value={layer}]", force=True)
        page.fill("#opacity", "100")
        settle(page)
        canvas = pixels(page, "#result")
        side = canvas.shape[0] / 6
        colours = canvas[int(1.5 * side), [int((c + 0.5) * side) for c in range(8)]]
        address = page.get_attribute(f"img[data-role={layer}]", "src")
        data = base64.b64decode(address.removeprefix("data:image/png;base64,"))
        np.testing.assert_array_equal(colours, np.asarray(Image.open(io.BytesIO(data)))[1])
    page.fill("#opacity", "0")
    settle(page)
    bare = pixels(page, "#result")
    page.check("input[value=none]", force=True)
    settle(page)
    np.testing.assert_array_equal(pixels(page, "#result"), bare)


def test_the_slider_shows_bicubic_on_the_left(opened):
    picture = inspected()
    page = opened(picture)
    page.evaluate("inspector.select(12, 28)")
    page.fill("#split", "50")
    settle(page)
    canvas = pixels(page, "#result")
    zoom = canvas.shape[1] / 32
    left, right = (sampled(canvas, 4 * zoom, column * zoom, zoom, 4) for column in (4, 20))
    np.testing.assert_array_equal(left, eight_bit(picture.bicubic)[4:8, 4:8])
    np.testing.assert_array_equal(right, eight_bit(picture.result)[4:8, 20:24])
    assert page.is_visible(".tag.before")
    box = page.locator("#result").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 50)
    page.mouse.up()
    assert page.input_value("#split") == "25"


def test_cells_without_a_match_say_so(opened):
    page = opened(some_unmatched())
    page.evaluate("inspector.select(5, 5)")
    assert page.is_visible("#unfound")
    assert page.is_hidden("#reference")
    assert page.is_hidden("#loupe-reference")
    assert "the small image alone" in page.inner_text("#unfound")
    assert page.inner_text("#fact-score") == "no match"
    page.evaluate("inspector.select(23, 31)")
    assert page.is_hidden("#unfound")
    assert page.is_visible("#reference")


def test_alone_there_is_no_empty_box(opened):
    page = opened(inspected(photos=()), width=400)
    for hidden in ("#reference", "#contributors", "#loupe-reference", "#opacity", ".histogram"):
        assert page.is_hidden(hidden)
    assert page.is_visible("#loupe-bicubic")
    page.focus("#result")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#fact-place") == "row 12, column 12"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 400, 768, 1280])
def test_nothing_is_cut_off(opened, tmp_path, width, scheme):
    names = ("a" * 90 + ".png", "second with blanks in its name.png", "third.png")
    picture = replace(inspected(photos=((30, 41),) * 3, names=names), name="b" * 120 + ".png")
    page = opened(picture, width=width, color_scheme=scheme)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width
    sticking_out = page.evaluate(
        """() => [...document.querySelectorAll("body *:not(option)")].filter((element) => {
            const box = element.getBoundingClientRect();
            const margin = element.id === "split" ? 8 : 0.5;
            return element.checkVisibility() && !element.classList.contains("unseen")
                && box.width && (box.right > innerWidth + margin || box.left < -margin);
        }).map((element) => element.outerHTML.slice(0, 80))"""
    )
    assert sticking_out == []
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 28)"
    assert dark == (scheme == "dark")
    page.screenshot(path=tmp_path / f"{scheme}-{width}.png", full_page=True)


def test_everything_has_a_name_for_screen_readers(opened):
    page = opened(inspected())
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input, canvas[role], output")].filter(
            (element) => !(element.ariaLabel || element.textContent.trim()
                || (element.labels && element.labels[0]?.textContent.trim()))
        ).map((element) => element.outerHTML)"""
    )
    assert nameless == []
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((x) => x.id)")
    assert len(ids) == len(set(ids))


def test_hostile_names_do_nothing(opened):
    hostile = "<img src=x onerror=alert(1)><script>alert(1)</script>"
    picture = replace(inspected(names=(hostile,) * 2), name=hostile)
    page = opened(picture)
    page.evaluate("inspector.select(9, 9)")
    assert page.inner_text("h1") == hostile
    assert hostile in page.inner_text("#fact-from")
    assert hostile in page.title()


def test_the_network_is_forbidden(browser, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(inspector_page(inspected()), encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    blocked = "() => fetch('data:text/plain,x').then(() => 'loaded', () => 'blocked')"
    assert page.evaluate(blocked) == "blocked"
    page.set_content("<p>without a policy")
    page.goto("about:blank")
    assert page.evaluate(blocked) == "loaded"
    page.close()


def test_inside_a_sandboxed_frame(browser):
    page = browser.new_page()
    inner = html.escape(inspector_page(inspected()), quote=True)
    page.set_content(f'<iframe sandbox="allow-scripts" width=900 height=600 srcdoc="{inner}">')
    frame = page.frame_locator("iframe")
    frame.locator("body[data-ready=yes]").wait_for()
    assert frame.locator("#fact-place").inner_text() == "row 12, column 16"
    page.close()


def test_reduced_references_keep_their_places(opened):
    picture = in_place()
    page_text = inspector_page(picture, photo_pixels=2000)
    assert "shown reduced 2 times" in page_text
    page = opened(picture)
    page.set_content(page_text)
    page.wait_for_selector("body[data-ready=yes]")
    page.evaluate("inspector.select(22, 25)")
    assert shown(page) == plain(provenance(picture, 22, 25))
