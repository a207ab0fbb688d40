# SPDX-License-Identifier: Apache-2.0
"""The learned model: FusionNet on what search and blend have found; also without a reference."""

from dataclasses import dataclass, field
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import OptionError
from ..images.resize import down, up
from ..networks.fusion_net import Evidence, FusionNet
from ..progress import Progress, silent
from ..reference import Reference
from ..weights import load_state, read_weights
from .model import Upscaled
from .pieces import TILE, Area, in_pieces
from .transfer import Piece, TransferModel

GREY = 64.0
"""Grey levels that count as 1 in the evidence, after the square root."""


@dataclass(frozen=True)
class FusionModel:
    """Sub-cell search and blended detail as in the transfer model, then FusionNet.

    Without a reference it is a single-image network.
    """

    network: FusionNet
    transfer: TransferModel = field(default_factory=TransferModel)
    consistency_rounds: int = 2
    """Rounds of back-projection at the end; 2 by held-out crops, see `docs/design/fusion.md`."""
    name: str = "fusion"

    def __post_init__(self) -> None:
        if self.transfer.scale != self.network.scale:
            raise OptionError(
                f"model 'fusion' has scale {self.network.scale}, got {self.transfer.scale}"
            )

    @classmethod
    def load(cls, path: str | Path, transfer: TransferModel | None = None) -> "FusionModel":
        """Build the model from a weights file; `transfer` says how it searches.

        Raises:
            OptionError: the scale is not that of the network.
            WeightsError: the file is damaged or holds another network.
        """
        return cls(load_network(path), transfer or TransferModel())

    @property
    def scale(self) -> int:
        """How many times larger the result is."""
        return self.network.scale

    def tile_for(self, height: int, width: int) -> int:
        """Cells on a side of the pieces when the choice is ours: the same for any size."""
        return TILE

    @torch.no_grad()
    def upscale(
        self,
        colour: Float[Tensor, "3 h w"],
        reference: Reference | None,
        *,
        tile: int = 0,
        progress: Progress = silent,
    ) -> Upscaled:
        """Upscale one image.

        Args:
            colour: `[3, H, W]` in [0, 1].
            reference: built for the same scale; None: the image alone. Then score is 0 and photo
                and pixel are -1.
            tile: cells on a side of the pieces that the picture is put together from, 0 for one
                piece. Bounds the memory; the result is the same up to rounding.
            progress: called with "search" and "transfer".

        Raises:
            OptionError: the reference was built for another scale.
        """
        self.network.to(colour.device).eval()
        found = None if reference is None else self.transfer.find(colour, reference, progress)

        def make(area: Area) -> Tensor:
            part = colour[(slice(None), *area)]
            if found is None or reference is None:
                return self._sharp(part, None)
            piece = self.transfer.piece(colour, found, reference, area)
            return self._sharp(part, evidence_of(piece))

        sharp = in_pieces(colour, make, self.scale, tile, self._halo, progress)
        if found is None or reference is None:
            none = torch.full(colour.shape[1:], -1, device=colour.device)
            score = colour.new_zeros(colour.shape[1:])
            return Upscaled(sharp, score, none, torch.stack([none, none], -1))
        photo, pixel = reference.locate(found.view, found.index)
        return Upscaled(sharp, found.score, photo, pixel)

    def _sharp(self, colour: Tensor, evidence: Evidence | None) -> Float[Tensor, "3 hs ws"]:
        sharp: Tensor = self.network(colour[None], evidence)[0]
        for _ in range(self.consistency_rounds):
            sharp = sharp + up(colour - down(sharp, self.scale), self.scale)
        return sharp

    @property
    def _halo(self) -> int:
        return self.transfer.halo + self.network.reach + 4 * self.consistency_rounds


def load_network(path: str | Path) -> FusionNet:
    """Build FusionNet as its file describes it.

    Raises:
        WeightsError: the file is damaged, has no description, or holds another network.
    """
    file = read_weights(path)
    config = {} if file.description is None else dict(file.description.config)
    if file.description is not None:
        file.description.require(FusionNet.architecture, FusionNet.scale, file.path)
    network = FusionNet(**config)
    load_state(network, file)
    return network.eval()


def evidence_of(piece: Piece) -> Evidence:
    """What the network is told about a piece: a batch of one."""
    mixed = piece.blend
    maps = [
        piece.score,
        mixed.confidence,
        piece.trust,
        255 / GREY * mixed.energy.clamp(min=0).sqrt(),
        255 / GREY * mixed.spread.sqrt(),
        piece.difference.sqrt() / GREY,
    ]
    return Evidence(
        mixed.detail[None], (piece.sharp - piece.bicubic)[None], torch.stack(maps)[None]
    )
