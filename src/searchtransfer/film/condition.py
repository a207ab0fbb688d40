# SPDX-License-Identifier: Apache-2.0
"""What a film has been through, told once: frame by frame the estimate would flicker.

What a codec took is how far the photos, reduced, are from a frame that they show. How the film was
reduced is not asked where it took much: what is coded looks softer than it was made.
"""

import logging
import math
from dataclasses import replace

from jaxtyping import Float
from torch import Tensor

from ..images.reduction import BICUBIC
from ..models.transfer import Compared, TransferModel, squared_difference
from ..operators.agreement import shown
from ..references import Reference
from ..references.comparison import compare
from ..wear import Wear, wear_of

log = logging.getLogger(__name__)

LEAST = 2.0
"""Grey levels from which on a codec took much."""

LATER = 1.5
"""How many times that is what frames have lost that are coded as differences from others: the
first is coded by itself, and better."""

ENOUGH = 0.3
"""Part of a frame that photos must show before they tell anything."""

CODED = Wear(coded=6.0, reduction=BICUBIC)
"""What a film that a codec took much of is supposed to have been through until photos tell: about
what H.264 of a usual quality leaves."""


def condition_of(
    colour: Float[Tensor, "3 h w"], reference: Reference, transfer: TransferModel, *, lossy: bool
) -> tuple[Wear, Compared, bool]:
    """What a frame has been through, its matches, and whether that is sure for the whole film.

    Args:
        colour: the small frame, in [0, 1].
        reference: photos.
        transfer: how to search; what it knows of wear is believed.
        lossy: the film was coded with loss.
    """
    if transfer.wear is not None:
        seen = transfer.find(colour, reference)
        return _with_reduction(transfer.wear, seen), seen, True
    wear = wear_of(colour)
    if not lossy:
        seen = transfer.find(colour, reference, wear=wear)
        surely = shown(seen.found.agreement)
        sure = surely.mean().item() > ENOUGH
        rest = _rest(wear, colour)
        if sure and rest > 0 and _left(colour, seen, surely) < LEAST:
            # The photos, reduced, are what it shows: its signs of wear are those of the scene.
            rest, wear = 0.0, Wear(wear.noise)
            seen = transfer.find(colour, reference, wear=wear)
        settled = Wear(wear.noise, coded=rest)
        return _with_reduction(settled, seen), seen, sure
    coded = replace(CODED, noise=wear.noise)
    seen = transfer.find(colour, reference, wear=coded)
    surely = shown(seen.found.agreement)
    if surely.mean() <= ENOUGH:
        return coded, seen, False
    level = _left(colour, seen, surely)
    log.info("the frame is %.1f grey levels from the photos", level)
    if level >= LEAST:
        rest = math.sqrt(max(0.0, level**2 - wear.noise**2))
        wear = replace(coded, coded=round(LATER * rest, 1))
        return wear, replace(seen, wear=wear), True
    wear = Wear(wear.noise)
    seen = transfer.find(colour, reference, wear=wear)
    return _with_reduction(wear, seen), seen, True


def _with_reduction(wear: Wear, seen: Compared) -> Wear:
    return wear.reduced_by(seen.found.reduction)


def _rest(wear: Wear, colour: Float[Tensor, "3 h w"]) -> float:
    """What compression has done, of either kind: one number for all frames."""
    return math.sqrt(max(0.0, wear.level(colour) ** 2 - wear.noise**2))


def _left(colour: Float[Tensor, "3 h w"], seen: Compared, surely: Float[Tensor, "h w"]) -> float:
    """What differs between a frame and the photos, root mean square in grey levels.

    The comparison that was made leaves out what it takes for noise; here all counts.
    """
    found = seen.found
    plain = tuple(copy.seen_as(copy.reduction, 0.0) for copy in found.copies)
    score, contrast, key_contrast = compare(colour, plain, found.field)
    ratio = (score * contrast / key_contrast.clamp(min=1e-3)).clamp(0.5, 1.5)
    squares = squared_difference(score, contrast, ratio * key_contrast)
    return float(((squares * surely).sum() / surely.sum().clamp(min=1e-6)).sqrt())
