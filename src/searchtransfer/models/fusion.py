# SPDX-License-Identifier: Apache-2.0
"""The learned model: FusionNet on what search and blend have found; also without a reference."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import OptionError
from ..images.resize import down, up
from ..networks.fusion_net import Evidence, FusionNet
from ..operators.agreement import AROUND, shown
from ..progress import Progress, silent
from ..reference import Reference
from ..weights import build, read_weights
from .model import Upscaled
from .pieces import TILE, Area, in_pieces
from .transfer import Piece, TransferModel

GREY = 64.0
"""Grey levels that count as 1 in the evidence, after the square root."""

AGREEMENT = 6
"""Which of the maps of the evidence the agreement of neighbours is."""


@dataclass(frozen=True)
class FusionModel:
    """Sub-cell search and blended detail as in the transfer model, then FusionNet.

    Without a reference it is a single-image network.
    """

    network: FusionNet
    transfer: TransferModel = field(default_factory=TransferModel)
    consistency_rounds: int = 2
    """Rounds of back-projection at the end; 2 by held-out crops, see `docs/design/fusion.md`."""
    symmetries: int = 8
    """Of the square, 1 to 8, that the image is shown in; the results are averaged (geometric
    self-ensemble; Timofte et al., "Seven ways to improve example-based single image super
    resolution", 2016)."""
    name: str = "fusion"
    needs_reference: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not 1 <= self.symmetries <= len(_SYMMETRIES):
            raise OptionError(f"symmetries must be from 1 to 8, got {self.symmetries}")
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
        if reference is None:
            return self._alone(colour, tile, progress)
        wide = self.transfer.widened(colour, reference)
        found = self.transfer.find(colour, wide.reference, progress)

        def make(area: Area) -> Tensor:
            piece = self.transfer.piece(colour, found, wide.reference, area)
            return self._sharp(colour[(slice(None), *area)], evidence_of(piece))

        sharp = in_pieces(colour, make, self.scale, tile, self._halo, progress)
        return Upscaled(sharp, found.score, *wide.locate(found.view, found.index))

    def _alone(self, colour: Tensor, tile: int, progress: Progress) -> Upscaled:
        def make(area: Area) -> Tensor:
            return self._sharp(colour[(slice(None), *area)], None)

        sharp = in_pieces(colour, make, self.scale, tile, self._halo, progress)
        none = torch.full(colour.shape[1:], -1, device=colour.device)
        score = colour.new_zeros(colour.shape[1:])
        return Upscaled(sharp, score, none, torch.stack([none, none], -1))

    def _sharp(self, colour: Tensor, evidence: Evidence | None) -> Float[Tensor, "3 hs ws"]:
        sharp = averaged(self.network, colour[None], evidence, self.symmetries)[0]
        for _ in range(self.consistency_rounds):
            sharp = sharp + up(colour - down(sharp, self.scale), self.scale)
        return sharp

    @property
    def _halo(self) -> int:
        evidence = max(self.transfer.halo, AROUND + 1)
        return evidence + self.network.reach + 4 * self.consistency_rounds


_SYMMETRIES = tuple((turns, flip) for flip in (False, True) for turns in (0, 2, 1, 3))
"""Quarter turns and mirror images of a square; the first is the image itself."""


def averaged(
    network: FusionNet, low: Float[Tensor, "b 3 h w"], evidence: Evidence | None, symmetries: int
) -> Float[Tensor, "b 3 hs ws"]:
    """The mean of what the network makes of an image turned and mirrored, turned back."""
    sharp = low.new_zeros(())
    for turns, flip in _SYMMETRIES[:symmetries]:
        seen = None if evidence is None else Evidence(*(_moved(x, turns, flip) for x in evidence))
        result = network(_moved(low, turns, flip), seen)
        back = torch.rot90(result.flip(-1) if flip else result, -turns, (-2, -1))
        sharp = sharp + back / symmetries
    return sharp


def _moved(x: Tensor, turns: int, flip: bool) -> Tensor:
    x = torch.rot90(x, turns, (-2, -1))
    return x.flip(-1) if flip else x


def load_network(path: str | Path) -> FusionNet:
    """Build FusionNet as its file describes it.

    Raises:
        WeightsError: the file is damaged, has no description, or holds another network.
    """
    file = read_weights(path)
    config = {} if file.description is None else dict(file.description.config)
    if file.description is not None:
        file.description.require(FusionNet.architecture, FusionNet.scale, file.path)
    return build(FusionNet, config, file).eval()


def evidence_of(piece: Piece) -> Evidence:
    """What the network is told about a piece: a batch of one."""
    return faded(raw_evidence(piece), shown(piece.agreement))


def faded(evidence: Evidence, surely: Float[Tensor, "h w"]) -> Evidence:
    """The evidence where the reference shows the same things, nothing elsewhere.

    So an unrelated reference changes nothing, and a partial one only what it shows.
    """
    scale = FusionNet.scale
    textures = surely.repeat_interleave(scale, 0).repeat_interleave(scale, 1)
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
