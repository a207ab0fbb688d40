# SPDX-License-Identifier: Apache-2.0
"""A descriptor of a whole picture: its keypoints, summed up by what they resemble (VLAD).

Jégou et al., "Aggregating local descriptors into a compact image representation", 2010; each sum is
normalised, as by Arandjelovic and Zisserman, "All about VLAD", 2013.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, Float32
from torch import Tensor

from ..images.resize import crop_to_multiple, down
from ..references.copy import resized
from ..references.geometry import Keypoints, keypoints

AREA = 40_000
"""Pixels of a picture when it is described, about; so that all have keypoints of like sizes."""

POINTS = 600
"""Keypoints that describe a picture, at most."""

CENTRES, AXES = 64, 32
"""Of a vocabulary: kinds of keypoints, and numbers that are left of the 128 of each."""

SAMPLE = 100_000
"""Keypoints that a vocabulary is learned from, at most."""


def points_of(
    picture: Float[Tensor, "3 h w"], reduction: int, area: int = AREA, most: int = POINTS
) -> Keypoints:
    """Keypoints of a picture at the size that all pictures have here.

    Args:
        picture: in [0, 1].
        reduction: how many times a photo is reduced first, so that it looks like a small image; 1
            for one.
        area: pixels.
        most: how many, the strongest.
    """
    if reduction > 1 and min(picture.shape[1:]) >= 2 * reduction:
        picture = down(crop_to_multiple(picture, reduction), reduction)
    height, width = picture.shape[1:]
    factor = (area / (height * width)) ** 0.5
    size = max(8, round(height * factor)), max(8, round(width * factor))
    return keypoints(resized(picture, size), most)


class Vocabulary(NamedTuple):
    """Kinds of keypoints, learned from an album."""

    mean: Float32[np.ndarray, "128"]
    axes: Float32[np.ndarray, "128 axes"]
    centres: Float32[np.ndarray, "centres axes"]

    @classmethod
    def learn(cls, points: Sequence[Float[Tensor, "_ 128"]]) -> "Vocabulary":
        """Principal axes and centres of the keypoints of some pictures; the same for the same.

        Args:
            points: descriptors, of which there is at least one.
        """
        rng = np.random.default_rng(0)
        each = max(1, SAMPLE // max(1, len(points)))
        some = [x.numpy()[rng.permutation(len(x))[:each]] for x in points]
        sample = np.concatenate(some).astype(np.float32)
        mean = sample.mean(0)
        _, axes = np.linalg.eigh(np.cov((sample - mean).T.astype(np.float64)))
        axes = np.ascontiguousarray(axes[:, ::-1][:, :AXES]).astype(np.float32)
        flat = np.ascontiguousarray((sample - mean) @ axes)
        count = min(CENTRES, len(flat))
        cv2.setRNGSeed(0)
        ends = cv2.TERM_CRITERIA_MAX_ITER, 25, 0.0
        _, _, centres = cv2.kmeans(flat, count, None, ends, 1, cv2.KMEANS_PP_CENTERS)  # type: ignore[call-overload]
        return cls(mean, axes, centres.astype(np.float32))

    @property
    def size(self) -> int:
        """Numbers of a descriptor."""
        return int(self.centres.size)

    def describe(self, points: Float[Tensor, "n 128"]) -> Float32[np.ndarray, "d"]:
        """A picture by its keypoints; of norm one, or zero where there are none."""
        sums = np.zeros_like(self.centres)
        if len(points):
            flat = (points.numpy() - self.mean) @ self.axes
            distance = (self.centres**2).sum(1) - 2 * flat @ self.centres.T
            nearest = distance.argmin(1)
            residual = _unit(flat - self.centres[nearest])
            np.add.at(sums, nearest, residual)
        whole: np.ndarray = _unit(_unit(sums).reshape(1, -1))[0]
        return whole.astype(np.float32)


def _unit(rows: np.ndarray) -> np.ndarray:
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: np.ndarray = rows / np.maximum(norm, 1e-9)
    return unit
