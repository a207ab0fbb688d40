# SPDX-License-Identifier: Apache-2.0
"""Geometry found, not guessed: planes of a photo in the small image, from keypoints.

Keypoints (SIFT; Lowe, 2004; root-normalised as by Arandjelovic and Zisserman, 2012) of the
enlarged small image are matched with those of a photo. A homography that many of them follow is a
plane that both show, and there may be another one among the rest.
"""

import logging
from typing import NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32, Float64
from torch import Tensor

from ..images.resize import crop_to_multiple, down, up
from ..process.devices import wide
from .maps import Map, applied, fault_of, jacobian_at, resizing, scale_of, turning

log = logging.getLogger(__name__)

POINTS = 6000
"""Keypoints of a picture at most, the strongest."""

CONTRAST = 0.01
"""Least contrast of a keypoint; an enlarged picture is soft."""

LARGEST = 1.5e6
"""Pixels of a picture in which keypoints are looked for: larger ones are reduced first."""

RATIO = 0.85
"""Distance to the best keypoint over that to the second best, at most (Lowe's ratio test)."""

TOLERANCE = 3.0
"""Pixels of the result that a keypoint may be off its plane."""

LEAST = 12
"""Keypoints that make a plane at least."""

SPREAD = 8.0
"""Pixels of the result that keypoints must be spread around a line through them, at least."""

UPRIGHT = 0.35
"""Distance of a Jacobian from that of a quarter turn at which a photo counts as nearly upright:
turned by 14 degrees, or a quarter larger in one direction."""

NEARLY = 0.03
"""How far the zoom may be from one of whole pixels to be taken for it: refinement does the rest."""

CHUNK = 1024
"""Keypoints compared at a time."""


class Keypoints(NamedTuple):
    """Places of a picture that can be found again."""

    place: Float32[np.ndarray, "n 2"]
    """Row and column."""
    descriptor: Float[Tensor, "n 128"]
    """Of norm one."""


class Plane(NamedTuple):
    """A plane that a small image and a photo show."""

    to_photo: Map
    """From the enlarged small image to the photo."""
    middle: Float64[Tensor, "2"]
    """A place of the enlarged small image in the middle of what was found of it."""
    points: int
    """Keypoints that follow it."""

    def __str__(self) -> str:
        zoom = 1 / scale_of(jacobian_at(self.to_photo, self.middle)).item()
        return f"on a plane of {self.points} keypoints, zoomed {zoom:.2f}"


class Alignment(NamedTuple):
    """A quarter turn, a mirror image and a zoom of a photo."""

    zoom: float
    turns: int
    mirrored: bool


def alignment_of(plane: Plane) -> Alignment | None:
    """What brings a photo nearly upright, at the size of the result, where it shows a plane.

    None where it is turned by some other angle, or tilted. On the grid of its own pixels a photo
    loses nothing, so that what is left to do is better left to the refinement of matches.
    """
    steps = jacobian_at(plane.to_photo, plane.middle)
    zoom = 1 / scale_of(steps).item()
    whole = round(1 / zoom) or 1  # pixels of the photo for one of the result, about
    zoom = 1 / whole if abs(zoom * whole - 1) < NEARLY else zoom
    for mirrored in (False, True):
        for turns in range(4):
            back = torch.linalg.inv(turning((1, 1), turns, mirrored))[:2, :2]
            if (zoom * steps - back).norm() < UPRIGHT:
                return Alignment(zoom, turns, mirrored)
    return None


def mirrored_planes(picture: Float[Tensor, "3 h w"], photo: Keypoints) -> list[Plane]:
    """Planes that a photo shows mirrored; keypoints do not resemble their mirror images."""
    flip = turning((picture.shape[1], picture.shape[2]), 0, True)
    found = planes(keypoints(picture.flip(2)), photo)
    return [Plane(x.to_photo @ flip, applied(flip, x.middle), x.points) for x in found]


def keypoints(picture: Float[Tensor, "3 h w"], most: int = POINTS) -> Keypoints:
    """The strongest keypoints of a picture in [0, 1]; places are of the picture as it is."""
    height, width = picture.shape[1:]
    factor = min(1.0, (LARGEST / (height * width)) ** 0.5)
    grey = picture.detach().float().cpu().mean(0).clamp(0, 1).mul(255).round().byte().numpy()
    size = max(1, round(height * factor)), max(1, round(width * factor))
    if size != (height, width):
        grey = cv2.resize(grey, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    sift = cv2.SIFT.create(nfeatures=most, contrastThreshold=CONTRAST)
    points, descriptors = sift.detectAndCompute(grey, None)
    if not points:
        return Keypoints(
            np.zeros((0, 2), np.float32), torch.zeros(0, 128, dtype=torch.float32, device="cpu")
        )
    found = np.array([(x.pt[1], x.pt[0]) for x in points], np.float64)
    back = resizing(size, (height, width)).numpy()
    place = found * back[[0, 1], [0, 1]] + back[:2, 2]
    root = torch.from_numpy(descriptors).float()
    root = (root / root.sum(1, keepdim=True).clamp(min=1e-9)).sqrt()
    return Keypoints(place.astype(np.float32), root)


def reduced_and_enlarged(photo: Float[Tensor, "3 h w"], scale: int) -> Float[Tensor, "3 _ _"]:
    """A photo reduced and enlarged again, so that its keypoints are those of a small image.

    Twice as many then follow a plane as of the photo as it is.
    """
    return enlarged(down(crop_to_multiple(photo, scale), scale), scale)


def enlarged(small: Float[Tensor, "3 h w"], scale: int) -> Float[Tensor, "3 _ _"]:
    """A small image as large as a photo, rounded once.

    Grey is rounded to 8 bits before keypoints are looked for, and half way between two levels,
    where enlarged pixels often lie, the last bit decides.
    """
    return torch.stack([up(wide(plane), scale).to(plane) for plane in small])


def planes(query: Keypoints, photo: Keypoints, most: int = 4) -> list[Plane]:
    """Planes of an enlarged small image that a photo shows too, the largest first.

    Args:
        query: keypoints of the enlarged small image.
        photo: keypoints of the photo.
        most: how many to look for.
    """
    if min(len(query.place), len(photo.place)) < LEAST:
        return []
    ours, theirs = matched(query, photo)
    found: list[Plane] = []
    while len(ours) >= LEAST and len(found) < most:
        # From the photo to the image, so that the tolerance is in pixels of the result.
        back, inlier = cv2.findHomography(
            theirs[:, ::-1].copy(),
            ours[:, ::-1].copy(),
            cv2.USAC_MAGSAC,
            TOLERANCE,
            maxIters=10000,
            confidence=0.9999,
        )
        kept = np.zeros(len(ours), bool) if inlier is None else inlier[:, 0].astype(bool)
        if back is None or kept.sum() < LEAST:
            break
        places = torch.from_numpy(ours[kept]).double()
        to = _inverse(back)
        fault = _along_a_line(ours[kept])
        if fault is None:
            fault = "not invertible" if to is None else fault_of(to, places)
        if fault is None and to is not None:
            found.append(Plane(to, places.median(0).values, int(kept.sum())))
        else:
            log.debug("plane of %d keypoints refused: %s", kept.sum(), fault)
        ours, theirs = ours[~kept], theirs[~kept]
    return found


def matched(query: Keypoints, photo: Keypoints) -> tuple[np.ndarray, np.ndarray]:
    """Places of the keypoints of both that resemble each other and hardly any other."""
    ours, theirs = [], []
    for start in range(0, len(query.place), CHUNK):
        cosine = query.descriptor[start : start + CHUNK] @ photo.descriptor.T
        score, index = cosine.topk(2, dim=1)
        best, second = score.unbind(1)
        near, far = ((2 - 2 * x).clamp(min=0).sqrt() for x in (best, second))
        sure = (near < RATIO * far).numpy()
        ours.append(query.place[start : start + CHUNK][sure])
        theirs.append(photo.place[index[:, 0].numpy()[sure]])
    return np.concatenate(ours), np.concatenate(theirs)


def _along_a_line(place: np.ndarray) -> str | None:
    """Whether places lie along a line, so that they determine no plane."""
    across = np.sqrt(np.linalg.eigvalsh(np.cov(place.T.astype(np.float64)))[0])
    return f"within {across:.1f} pixels of a line" if across < SPREAD else None


def _inverse(back: np.ndarray) -> Map | None:
    """A homography of OpenCV, columns first, inverted; None if it can not be."""
    swapped = back[[1, 0, 2]][:, [1, 0, 2]]
    if not np.isfinite(swapped).all() or abs(np.linalg.det(swapped)) < 1e-12:
        return None
    to = np.linalg.inv(swapped)
    return torch.from_numpy(to / to[2, 2]) if abs(to[2, 2]) > 1e-12 else None
