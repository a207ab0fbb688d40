# SPDX-License-Identifier: Apache-2.0
"""How useful a reference was to an image, judged by its matches."""

from jaxtyping import Float
from torch import Tensor

from ..operators.agreement import beside
from .matches import Matches

WEAK_COHERENCE = 0.1
"""References that show other things reach less; see `coherence`."""

NO_FINER = 0.7
"""Zoom of a photo from which on it shows nothing finer than the image: the result shows its things
`1 / NO_FINER` times larger at least."""


class WeakReferenceWarning(UserWarning):
    """The references show other things than the image, so they could not help much."""


def coherence(score: Float[Tensor, "h w"], matches: Matches) -> float:
    """The share of cells that were found side by side with the next two.

    The next two are the one to the right and the one below; side by side is where the Jacobian of a
    match says that they must be, within a pixel (see `operators.agreement`). What tells a reference
    of the same things from another: small patches of any photo are found in any other with high
    scores, but scattered. Cells of score 0 are flat and do not count; an image of flat cells only
    has coherence 0, a single row or column 1, since nothing contradicts it.
    """
    found = score != 0
    corner = found[:-1, :-1] & found[1:, :-1] & found[:-1, 1:]
    if not bool(corner.any()):
        return float(found.any())
    place = matches.photo, matches.position, matches.jacobian, matches.scale
    below, right = beside(*place, (1, 0)), beside(*place, (0, 1))
    together = corner & below[:, :-1] & right[:-1]
    return int(together.sum()) / int(corner.sum())


def usefulness(score: Float[Tensor, "h w"], matches: Matches) -> str:
    """How useful the references were, in plain sentences.

    Judged by `coherence`, for scores alone say little. Where it is low the wording is that of
    `WeakReferenceWarning`; above, it states the share and claims no gain in quality.
    """
    if bool((matches.photo < 0).all()):
        return (
            "No reference was used: the model made this picture from the small image alone, so "
            "there is nothing to trace."
        )
    if not bool((score != 0).any()):
        return "The image is flat everywhere, so there was nothing to look for in the reference."
    if min(score.shape) == 1:
        return (
            "An image of a single row or column is too narrow to tell how useful the reference "
            f"was; the mean score is {score.mean().item():.2f}."
        )
    share = coherence(score, matches)
    found = f"{share:.0%} of the cells were found there side by side with their neighbours"
    if share < WEAK_COHERENCE:
        return (
            f"The reference was of little use, for it hardly shows the same things: only {found}. "
            "The result is close to what there would be without it."
        )
    if share < 0.5:
        return (
            f"The reference was useful in parts: {found}. Elsewhere, the texture at most "
            "resembles what was there."
        )
    return f"The reference shows the same things in most of the picture: {found}."
