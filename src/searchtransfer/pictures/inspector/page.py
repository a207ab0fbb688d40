# SPDX-License-Identifier: Apache-2.0
"""The inspector as one HTML document that needs nothing else: no server, no network, no fonts.

Its style and scripts are the files of `page/`. A Content-Security-Policy names them by their
hashes, so that nothing else runs, whatever a file may be called.
"""

import base64
import hashlib
import json
from importlib.resources import files
from string import Template
from typing import Any

import numpy as np

from ...foreign import in_html, in_line
from ...given import check_kind, check_whole
from ..cell_colours import LEAST_SCORE, match_colours, photo_colours, wheel
from ..colours import scale_colours
from .encoding import array_json, eight_bit, png_uri, reduced
from .legends import histogram, shares
from .picture import PLACE, SLOPE, InspectorInput, Photo, in_steps

PHOTO_PIXELS = 12_500_000
"""Of all references together, a photo of a telephone; more are reduced, to bound the page."""

SCRIPTS = ("data", "provenance", "drawing", "view", "panels", "controls")
"""In this order one script."""

_HELP = {
    True: "Move over the result to see where it comes from; click to pin the point, click again "
    "to let it go. Arrow keys move the point by a cell (with Shift by eight), Enter pins it, "
    "Escape lets it go. Drag to move; + and -, Ctrl and the wheel, or two fingers to zoom, 0 to "
    "fit. Both pictures have the same magnification.",
    False: "Move over the result to look closer; click to pin the point, click again to let it "
    "go. Arrow keys move the point (with Shift by eight steps), Enter pins it, Escape lets it go. "
    "Drag to move; + and -, Ctrl and the wheel, or two fingers to zoom, 0 to fit.",
}


def inspector_page(picture: InspectorInput, *, photo_pixels: int = PHOTO_PIXELS) -> str:
    """Make the page.

    Args:
        picture: the result and where it comes from.
        photo_pixels: if the references have more pixels than this together, reduced copies of
            them are shown, and the page says so. Nothing else changes.

    Returns:
        An HTML document. It works from disk and inside an iframe, also a sandboxed one that
        allows scripts.
    """
    check_kind("inspector: picture", picture, InspectorInput, "which inspect_result makes")
    check_whole("inspector: photo_pixels", photo_pixels, 1)
    factor = _factor(picture.photos if picture.traced else (), photo_pixels)
    style = _source("page.css")
    script = "\n".join(_source(f"{name}.js") for name in SCRIPTS)
    notes = list(picture.notes)
    if factor > 1:
        notes.append(
            f"The references are shown reduced {factor} times, to keep this page small; the "
            "matches were made with all their pixels, and places are counted in those."
        )
    layers, reach = _layers(picture)
    return Template(_source("page.html")).substitute(
        name=in_html(picture.name),
        summary=in_html(picture.summary),
        facts="".join(
            f"<div><dt>{in_html(what)}</dt><dd>{in_html(value)}</dd></div>"
            for what, value in picture.facts
        ),
        notes="".join(f'<p class="note">{in_html(note)}</p>' for note in notes),
        help=_HELP[picture.traced],
        mode=("traced" if picture.traced else "alone")
        + (" single" if len(picture.photos) < 2 else ""),
        several_hint=" and the number of its reference" if len(picture.photos) > 1 else "",
        contributors="".join(
            f'<li id="contributor-{i}"><canvas hidden></canvas><span class="words"></span></li>'
            for i in range(9)
        ),
        histogram=histogram(picture.score) if picture.traced else "",
        shares=shares(picture) if len(picture.photos) > 1 else "",
        wheel=png_uri(wheel(224)),
        reach=f"{reach:g}",
        least=f"{LEAST_SCORE:g}",
        uncoloured="" if bool((picture.photo >= 0).all()) else "<br>No colour: no match.",
        pictures=_pictures(picture, layers, factor),
        data=_data(picture),
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
    )


def _source(name: str) -> str:
    return (files("searchtransfer.pictures.inspector") / "page" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _factor(photos: tuple[Photo, ...], most: int) -> int:
    """How many times the references are reduced to have at most so many pixels."""
    total = sum(photo.colour[0].numel() for photo in photos)
    return max(1, int(np.ceil(np.sqrt(total / max(1, most)))))


Pixels = np.ndarray[Any, np.dtype[np.uint8]]


def _layers(picture: InspectorInput) -> tuple[dict[str, Pixels], float]:
    """A pixel for each cell, transparent where it has no match; and the reach of the match map."""
    if not picture.traced:
        return {}, 0.0
    matches = match_colours(picture.position, picture.score, picture.scale)
    layers = {
        "score-map": scale_colours(picture.score.cpu().double().numpy()),
        "match-map": matches.colours,
        "photo-map": photo_colours(picture.photo.clamp(min=0), picture.score),
    }
    found = ((picture.photo >= 0).cpu().numpy() * 255).astype(np.uint8)
    return {name: np.dstack([colours, found]) for name, colours in layers.items()}, matches.reach


def _pictures(picture: InspectorInput, layers: dict[str, Pixels], factor: int) -> str:
    size = picture.result.shape[1], picture.result.shape[2]
    tags = [
        _image("result", eight_bit(picture.result), size),
        _image("bicubic", eight_bit(picture.bicubic), size),
    ]
    for number, photo in enumerate(picture.photos if picture.traced else ()):
        pixels = reduced(eight_bit(photo.colour), factor)
        tags.append(_image(f"photo-{number}", pixels, photo.size, factor))
    # A cell of a layer covers scale x scale pixels.
    tags += [_image(name, pixels, size, picture.scale) for name, pixels in layers.items()]
    return "".join(tags)


def _image(role: str, pixels: Pixels, size: tuple[int, int], factor: int = 1) -> str:
    return (
        f'<img data-role="{role}" data-height="{size[0]}" data-width="{size[1]}" '
        f'data-factor="{factor}" alt="" src="{png_uri(pixels)}">'
    )


def _data(picture: InspectorInput) -> str:
    none = picture.photo < 0
    place = in_steps(picture.position, PLACE).masked_fill(none.cpu()[..., None], 0)
    slope = in_steps(picture.jacobian, SLOPE)
    facts = {
        "scale": picture.scale,
        "size": list(picture.result.shape[1:]),
        "grid": list(picture.score.shape),
        "traced": picture.traced,
        "photos": [
            {"name": in_line(photo.name), "height": photo.size[0], "width": photo.size[1]}
            for photo in picture.photos
        ],
        "score": array_json(picture.score.detach().cpu().float().numpy()),
        "photo": array_json(picture.photo.cpu().numpy()),
        "place": array_json(place.numpy()),
        "slope": array_json(slope.numpy()),
        "steps": [PLACE, SLOPE],
    }
    # In a script element nothing but the end of the element, or a comment, has a meaning.
    return json.dumps(facts).replace("<", "\\u003c")
