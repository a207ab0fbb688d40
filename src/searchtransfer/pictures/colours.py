# SPDX-License-Identifier: Apache-2.0
"""Colour scales of even steps to the eye, mixed in Oklab (Ottosson, 2020)."""

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray as Array

_LMS_FROM_LAB = np.array(
    [
        [1, 0.3963377774, 0.2158037573],
        [1, -0.1055613458, -0.0638541728],
        [1, -0.0894841775, -1.2914855480],
    ]
)
_RGB_FROM_LMS = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)

_SCORE_LIGHTNESS = (0.22, 0.95)
_SCORE_HUE = (285.0, 105.0)
"""Degrees: from violet over blue and green to yellow."""

CATEGORIES = (
    "#3b6fb6",
    "#e08a1e",
    "#3f9b62",
    "#b5474b",
    "#7d5ba6",
    "#8a6d4f",
    "#4fb0b5",
    "#c2649a",
)


def oklab_to_rgb(lab: Float[Array, "*n 3"]) -> UInt8[Array, "*n 3"]:
    """Oklab to 8-bit sRGB; what lies outside is clipped."""
    linear = ((lab @ _LMS_FROM_LAB.T) ** 3) @ _RGB_FROM_LMS.T
    linear = linear.clip(0, 1)
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    rgb: UInt8[Array, "*n 3"] = (curve * 255).round().astype(np.uint8)
    return rgb


def _lch(
    lightness: Float[Array, "*n"], chroma: Float[Array, "*n"], hue: Float[Array, "*n"]
) -> UInt8[Array, "*n 3"]:
    angle = np.deg2rad(hue)
    return oklab_to_rgb(
        np.stack([lightness, chroma * np.cos(angle), chroma * np.sin(angle)], axis=-1)
    )


def scale_colours(values: Float[Array, "*n"]) -> UInt8[Array, "*n 3"]:
    """Colours for values from 0 (dark violet) to 1 (light yellow); lightness grows evenly."""
    t = values.clip(0, 1).astype(np.float64)
    low, high = _SCORE_LIGHTNESS
    chroma = 0.11 + 0.05 * np.sin(np.pi * t)
    return _lch(low + (high - low) * t, chroma, _SCORE_HUE[0] + (_SCORE_HUE[1] - _SCORE_HUE[0]) * t)


def direction_colours(
    dy: Float[Array, "*n"], dx: Float[Array, "*n"], trust: Float[Array, "*n"]
) -> UInt8[Array, "*n 3"]:
    """Colours for directions: the hue is the direction, and the colour deepens with the distance.

    Args:
        dy: downwards, in units of the distance of the fullest colour.
        dx: to the right, in the same unit.
        trust: 0 (grey) to 1; how much of the colour is shown.
    """
    reach = np.hypot(dy, dx).clip(0, 1)
    hue = np.rad2deg(np.arctan2(dy, dx)) + 30
    lightness = 0.94 - 0.28 * reach
    shown = trust.clip(0, 1)
    grey = 0.82
    return _lch(grey + (lightness - grey) * shown, 0.17 * reach * shown, hue)
