# SPDX-License-Identifier: Apache-2.0
"""How useful a reference was to an image, judged by its matches."""

import math

from jaxtyping import Bool, Float
from torch import Tensor

from ..operators.agreement import APART, beside
from .matches import Matches

WEAK_COHERENCE = 0.04
"""References that show other things reach less; see `coherence`."""

NO_FINER = 1.4
"""Pixels of a photo, on a side, for one of the image; with fewer it shows hardly anything finer."""


class WeakReferenceWarning(UserWarning):
    """The references show other things than the image, or nothing finer, so they hardly helped."""


def coherence(score: Float[Tensor, "h w"], matches: Matches) -> float:
    """The share of cells that were found side by side with the next two.

    The next two are two cells to the right and two below; side by side is where the Jacobian of a
    match says that they must be, within about a pixel (see `operators.agreement`). What tells a
    reference of the same things from another: small patches of any photo are found in any other
    with high scores, but scattered. Cells of score 0 are flat and do not count. An image of flat
    cells only has coherence 0; one of at most two rows or columns 1, since nothing contradicts it.
    """
    corner = _corners(score)
    if not bool(corner.any()):
        return float((score != 0).any())
    return int(_together(score, matches).sum()) / int(corner.sum())


def _corners(score: Float[Tensor, "h w"]) -> Bool[Tensor, "h2 w2"]:
    """The cells that count: neither they nor the next two are flat."""
    found = score != 0
    return found[:-APART, :-APART] & found[APART:, :-APART] & found[:-APART, APART:]


def _together(score: Float[Tensor, "h w"], matches: Matches) -> Bool[Tensor, "h2 w2"]:
    """Those of them that were found side by side with the next two."""
    place = matches.photo, matches.position, matches.jacobian, matches.scale
    below, right = beside(*place, (APART, 0)), beside(*place, (0, APART))
    return _corners(score) & below[:, :-APART] & right[:-APART]


def fineness(score: Float[Tensor, "h w"], matches: Matches) -> float:
    """Pixels of the photos, on a side, for one of the image: the median of what was found there.

    Found are the cells that lie side by side with the next two; infinite where there are none.
    """
    zoom = matches.zoom[:-APART, :-APART][_together(score, matches)]
    return matches.scale / float(zoom.median()) if zoom.numel() else math.inf


def complaint(score: Float[Tensor, "h w"], matches: Matches) -> str | None:
    """What `WeakReferenceWarning` says of references that were used; None where they served."""
    share = coherence(score, matches)
    if share < WEAK_COHERENCE:
        return (
            f"the reference hardly shows the same things (mean score {score.mean().item():.2f}, "
            f"{share:.0%} of pixels found beside their neighbours), so that it could not help much"
        )
    if fineness(score, matches) < NO_FINER:
        return f"the reference shows the same things, but {_no_finer(score, matches)}"
    return None


def _no_finer(score: Float[Tensor, "h w"], matches: Matches) -> str:
    return (
        f"it is no finer than the image, with {fineness(score, matches):.1f} pixels on a side for "
        "each of the image's, so that it could not help much; give a larger photo"
    )


def usefulness(score: Float[Tensor, "h w"], matches: Matches) -> str:
    """How useful the references were, in plain sentences.

    Judged by `coherence`, for scores alone say little. Where it is low the wording is that of
    `WeakReferenceWarning`; above, it states the share and claims no gain in quality, and says where
    the photos are no finer than the image; see `NO_FINER`.
    """
    if bool((matches.photo < 0).all()):
        return (
            "No reference was used: the model made this picture from the small image alone, so "
            "there is nothing to trace."
        )
    if not bool((score != 0).any()):
        return "The image is flat everywhere, so there was nothing to look for in the reference."
    if min(score.shape) <= APART:
        return (
            "An image of one or two rows or columns is too narrow to tell how useful the reference "
            f"was; the mean score is {score.mean().item():.2f}."
        )
    share = coherence(score, matches)
    found = f"{share:.0%} of the cells were found there side by side with their neighbours"
    if share < WEAK_COHERENCE:
        return (
            f"The reference was of little use, for it hardly shows the same things: only {found}. "
            "The result is close to what there would be without it."
        )
    fine = fineness(score, matches) >= NO_FINER
    remark = "" if fine else f" But {_no_finer(score, matches)}."
    if share < 0.5:
        return (
            f"The reference was useful in parts: {found}. Elsewhere, the texture at most "
            f"resembles what was there.{remark}"
        )
    return f"The reference shows the same things in most of the picture: {found}.{remark}"
