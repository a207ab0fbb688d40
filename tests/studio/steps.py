# SPDX-License-Identifier: Apache-2.0
"""What visitors do, in words."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def choose(page: Any, kind: str, *paths: Path) -> None:
    """Choose files for the small image (or sharp photo), or the references."""
    drop = page.locator(f"st-drop[data-url$='/{kind}']")
    if kind == "small":  # the one before is replaced
        gone = [x.get_attribute("data-remove") for x in drop.locator("[data-remove]").all()]
    before = drop.locator(".st-files li").count() if kind == "reference" else 0
    drop.locator("input").set_input_files(list(paths))
    drop.locator(".st-files li").nth(before + len(paths) - 1).wait_for()
    for id in gone if kind == "small" else []:
        drop.locator(f"[data-remove='{id}']").wait_for(state="detached")


def refused(page: Any, kind: str, path: Path) -> str:
    """Choose a file that is not taken; returns what is said."""
    drop = page.locator(f"st-drop[data-url$='/{kind}']")
    drop.locator("input").set_input_files(path)
    message = drop.locator(".st-message:not([hidden])")
    message.wait_for()
    return str(message.inner_text())


def upscale(page: Any) -> None:
    """Press the button and wait for the result, and for all that follows it."""
    page.locator("#start").click()
    page.locator("st-compare .st-stage").wait_for()
    page.locator("#start:enabled").wait_for()


def pixels(page: Any, label: str) -> np.ndarray[Any, Any]:
    """One of the pictures that are compared, as the browser gets it."""
    address = page.locator(f"st-compare img[data-label='{label}']").get_attribute("src")
    return decoded(page.request.get(page.url.rstrip("/") + address).body())


def decoded(png: bytes) -> np.ndarray[Any, Any]:
    """The samples of a PNG."""
    assert png.startswith(b"\x89PNG")
    return np.asarray(Image.open(io.BytesIO(png)))
