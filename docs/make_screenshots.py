# SPDX-License-Identifier: Apache-2.0
"""Makes the pictures of `studio.md`: `python docs/make_screenshots.py`.

A studio is started, and a visitor in Debian's Chromium does what the page describes. The photo is
scikit-image's astronaut (NASA, public domain), made four times smaller; its reference is a turned,
enlarged and darkened part of the same photo, as on the front page.
"""

import argparse
import io
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from make_pictures import warped
from PIL import Image
from playwright.sync_api import sync_playwright
from skimage import data

SCALE = 4
WINDOW = {"width": 1200, "height": 780}
QUALITY = 80  # of WebP
PLACE = (0.445, 0.235)
"""Of the point that the inspector is asked about, in parts of the picture."""


@contextmanager
def studio() -> Iterator[str]:
    """The address of one that runs."""
    command = [sys.executable, "-u", "-m", "searchtransfer", "studio", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            line = next(line for line in process.stdout if "http://" in line)
            yield next(word for word in line.split() if word.startswith("http://"))
        finally:
            process.terminate()


@contextmanager
def browser() -> Iterator[Any]:
    path = shutil.which("chromium")
    if path is None:
        sys.exit("there is no chromium: apt-get install chromium")
    with sync_playwright() as driver:
        # Its own sandbox needs user namespaces, which containers and root do not have.
        chromium = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def photos(folder: Path) -> tuple[Path, Path]:
    """The small image and its reference, as files."""
    photo = Image.fromarray(data.astronaut())
    small, sharp = folder / "small.png", folder / "sharp.png"
    side = photo.width // SCALE
    photo.resize((side, side), Image.Resampling.BICUBIC).save(small)
    warped(photo, size=(400, 200)).save(sharp)
    return small, sharp


def choose(page: Any, kind: str, path: Path) -> None:
    drop = page.locator(f"st-drop[data-url$='/{kind}']")
    drop.locator("input").set_input_files(path)
    drop.locator(".st-files li").first.wait_for()


def visit(page: Any, small: Path, sharp: Path) -> Iterator[str]:
    """Do what the page describes; the name of each state that is worth a picture."""
    page.wait_for_selector("st-drop")
    choose(page, "small", small)
    choose(page, "reference", sharp)
    page.locator("#forecast", has_text="pixels").wait_for()
    yield "chosen"
    page.locator("#start").click()
    page.locator("st-compare .st-stage").wait_for()
    page.locator("#start:enabled").wait_for()
    yield "result"
    page.get_by_role("button", name="Where does each point come from?").click()
    frame = page.frame_locator("iframe")
    frame.locator("body[data-ready]").wait_for()
    box = frame.locator("#result").bounding_box()
    frame.locator("#result").click(
        position={"x": PLACE[0] * box["width"], "y": PLACE[1] * box["height"]}
    )
    yield "inspector"


def shoot(page: Any, path: Path) -> None:
    page.wait_for_timeout(500)  # what fades in is there
    picture = Image.open(io.BytesIO(page.screenshot()))
    picture.convert("RGB").save(path, quality=QUALITY, method=6)


def make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, studio() as address, browser() as chromium:
        page = chromium.new_page(viewport=WINDOW, color_scheme="light")
        page.set_default_timeout(120_000)
        page.goto(address)
        for name in visit(page, *photos(Path(temporary))):
            shoot(page, folder / f"studio-{name}.webp")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "pictures")
    make(parser.parse_args().out)
