# SPDX-License-Identifier: Apache-2.0
"""A studio, a browser, and pictures to give to them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image
from studio.server import Studio, running

SCREENSHOTS = Path(__file__).parents[2] / "out/studio"
"""Looked at by people, never committed."""


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """One for all tests, with a limit of 1 MiB and 2 million pixels a file."""
    pytest.importorskip("starlette", reason="the studio needs the extra `studio`")
    with running(
        tmp_path_factory.mktemp("studio"),
        file_bytes=2**20,
        photo_pixels=2**21,
        references=3,
        away_seconds=2,
    ) as server:
        yield server


@pytest.fixture
def visit(studio: Studio, chromium: Any) -> Iterator[Callable[..., Any]]:
    """Opens the studio for a test, see `visiting`."""
    with visiting(studio, chromium) as open_page:
        yield open_page


@pytest.fixture(scope="module")
def visit_once(studio: Studio, chromium: Any) -> Iterator[Callable[..., Any]]:
    """Opens the studio for all tests of a file, see `visiting`."""
    with visiting(studio, chromium) as open_page:
        yield open_page


@contextmanager
def visiting(studio: Studio, chromium: Any) -> Iterator[Callable[..., Any]]:
    """Opens the studio in a browser of its own; nothing may be asked of any other server."""
    contexts, foreign, faults = [], [], []

    def noted(request: Any) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.hostname != "127.0.0.1":
            foreign.append(request.url)

    def open_page(refusals: bool = False, **options: Any) -> Any:
        """A page; with `refusals` the server may refuse what is asked, which browsers note."""

        def heard(message: Any) -> None:
            if message.type == "error" and not (refusals and "status of 422" in message.text):
                faults.append(message.text)

        context = chromium.new_context(
            **{"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"} | options
        )
        context.set_default_timeout(180_000)  # machines may be busy
        contexts.append(context)
        context.on("request", noted)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", heard)
        page.faults = faults
        page.goto(studio.address)
        page.wait_for_selector("st-drop")
        return page

    try:
        yield open_page
    finally:
        for context in contexts:
            context.close()
    assert not foreign
    assert not faults


@pytest.fixture(scope="session")
def shoot() -> Callable[[Any, str], None]:
    """Keeps a picture of a state."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def take(page: Any, name: str, whole: bool = True) -> None:
        page.wait_for_timeout(400)  # what fades in is there
        page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=whole)

    return take


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sharp photo, the same made small, two references: parts of a real stereo pair."""
    data = pytest.importorskip("skimage.data")
    left, right, _ = data.stereo_motorcycle()
    folder = tmp_path_factory.mktemp("pictures")
    photo = Image.fromarray(left).crop((280, 200, 440, 328))
    photo.save(folder / "photo.png")
    exif = Image.Exif()
    exif[0x010F] = "A maker"
    small = photo.resize((40, 32), Image.Resampling.BICUBIC)
    small.save(folder / "small.png", exif=exif, dpi=(72, 72))
    Image.fromarray(right).crop((230, 200, 440, 328)).save(folder / "first.png")
    Image.fromarray(right).crop((0, 0, 120, 90)).save(folder / "second.png")
    Image.fromarray(left).save(folder / "whole.png")
    Image.fromarray(right).save(folder / "other.png")
    return folder
