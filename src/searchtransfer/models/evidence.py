# SPDX-License-Identifier: Apache-2.0
"""What is made of a piece whose texture was found: evidence for a network, or a picture."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ..images.resize import up
from ..networks.fusion_net import Evidence
from ..operators.agreement import shown
from .pieces import spread_over
from .transfer import Piece

GREY = 64.0
"""Grey levels that count as 1 in the evidence, after the square root."""

AGREEMENT = 6
"""Which of the maps of the evidence the agreement of neighbours is."""


def told(piece: Piece) -> tuple[Tensor, Tensor, Evidence]:
    """The image, its noise and the evidence of a piece, whose other pictures are not kept."""
    return piece.low, piece.noise, evidence_of(piece)


def evidence_of(piece: Piece) -> Evidence:
    """What the network is told about a piece: a batch of one."""
    return faded(raw_evidence(piece), shown(piece.agreement))


def faded(evidence: Evidence, surely: Float[Tensor, "h w"]) -> Evidence:
    """The evidence where the reference shows the same things, nothing elsewhere.

    So an unrelated reference changes nothing, and a partial one only what it shows.
    """
    textures = spread_over(surely, evidence.detail.shape[-1] // surely.shape[-1])
    return Evidence(
        evidence.detail * textures, evidence.transferred * textures, evidence.maps * surely
    )


def raw_evidence(piece: Piece) -> Evidence:
    """What search and blend found of a piece, whether it can be believed or not."""
    mixed = piece.blend
    maps = [
        piece.score,
        mixed.confidence,
        piece.trust,
        255 / GREY * mixed.energy.clamp(min=0).sqrt(),
        255 / GREY * mixed.spread.sqrt(),
        piece.difference.sqrt() / GREY,
        piece.agreement,
    ]
    return Evidence(
        mixed.detail[None], (piece.sharp - piece.bicubic)[None], torch.stack(maps)[None]
    )


class Texture(NamedTuple):
    """What the photos say of a piece without the network."""

    colour: Float[Tensor, "3 hs ws"]
    confidence: Float[Tensor, "h w"]

    def mixed_into(self, sharp: Float[Tensor, "3 hs ws"], part: float) -> Float[Tensor, "3 hs ws"]:
        """A picture, and up to some part of it this."""
        scale = sharp.shape[1] // self.confidence.shape[0]
        return torch.lerp(sharp, self.colour, part * spread_over(self.confidence, scale))


def trusted(piece: Piece) -> Texture:
    """The result of the model without learning, as far as it can be trusted."""
    return Texture(piece.sharp, piece.trust * shown(piece.agreement))


def texture_of(piece: Piece, scale: int) -> Texture:
    """The mean of two ways to use the photos: their detail on the image, and they themselves."""
    photos = up(piece.blend.known, scale) + piece.blend.detail
    return Texture((piece.sharp + photos) / 2, piece.blend.confidence)
