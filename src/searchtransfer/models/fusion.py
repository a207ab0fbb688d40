# SPDX-License-Identifier: Apache-2.0
"""The learned model: FusionNet on what search and blend have found; also without a reference."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ..errors import OptionError, WeightsError
from ..foreign import shown as shown_text
from ..images.reduction import BICUBIC, Reduction
from ..images.resize import up
from ..networks.fusion_net import Evidence, FusionNet
from ..operators.agreement import AROUND, shown
from ..operators.precision import in_own_precision
from ..process.budget import side_of_piece
from ..process.progress import Progress, silent
from ..references import Reference
from ..references.matches import no_matches
from ..wear import wear_of
from ..weights import build, read_weights
from .evidence import texture_of, told, trusted
from .expected import announce
from .model import Model, Upscaled
from .pieces import TILE, Area, in_pieces, spread_over
from .symmetries import SYMMETRIES, Learned, averaged, in_one_way
from .transfer import Compared, TransferModel

FEATURES = 600
"""Bytes of a cell of a piece beside what the transfer model takes: evidence and features."""

NEAR = 2
"""Cells on either side that say whether an image shows anything."""

KNOWN = 0.5
"""Of what a reference may show of a cell: from here on nothing of it is invented."""

LARGE = 100_000
"""Cells of an image from which on it is shown to the network in one way only: the mean of two is
0.06 dB better and takes twice as long."""

TEXTURE = 0.5
"""Part that the model without learning has in the result of a clean image where it is trusted: the
two err in other ways, see `docs/design/fusion.md`."""


@dataclass(frozen=True)
class FusionModel(Model):
    """Sub-cell search and blended detail as in the transfer model, then FusionNet.

    Without a reference it is a single-image network.
    """

    network: FusionNet
    transfer: TransferModel = field(default_factory=TransferModel)
    worn: FusionNet | None = None
    """For images that are noisy, compressed, or not reduced by bicubic; None: the same network."""
    vivid: FusionNet | None = None
    """Paints what no reference shows so that it looks sharp, though it may not be true; None: what
    is painted is as near the truth as can be."""
    consistency_rounds: int = 2
    """Rounds of back-projection at the end; 2 by held-out crops, see `docs/design/fusion.md`."""
    symmetries: int | None = None
    """Of the square, 1 to 8, that the image is shown in; the results are averaged (geometric
    self-ensemble; Timofte et al., "Seven ways to improve example-based single image super
    resolution", 2016). None: two, and one for a large image."""
    texture: float = 0.0
    """Part that the textures themselves have in the result of a worn image, beside the network's,
    where they are found well; in films, whose photos show the same."""
    name: str = "fusion"
    needs_reference: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.symmetries is not None and not 1 <= self.symmetries <= len(SYMMETRIES):
            raise OptionError(f"symmetries must be from 1 to 8, got {self.symmetries}")
        networks = (self.network, self.worn, self.vivid)
        scales = sorted({x.scale for x in networks if x is not None})
        if len(scales) > 1:
            named = " and ".join(map(str, scales))
            raise OptionError(f"model 'fusion': its networks have the scales {named}")
        if self.transfer.scale != self.network.scale:
            raise OptionError(
                f"model 'fusion' has scale {self.network.scale}, got {self.transfer.scale}"
            )

    @classmethod
    def load(
        cls,
        path: str | Path,
        transfer: TransferModel | None = None,
        worn: str | Path | None = None,
    ) -> "FusionModel":
        """Build the model from a weights file, and one for worn images if there is one.

        `transfer` says how it searches.

        Raises:
            WeightsError: the file is damaged, or holds another network or one of another scale.
        """
        network = load_network(path)
        other = None if worn is None else load_network(worn)
        transfer = transfer or TransferModel(network.scale)
        if transfer.scale != network.scale:
            raise WeightsError(
                f"weights {shown_text(path)}: are of fusion x{network.scale}, asked for is scale "
                f"{transfer.scale}; give theirs (scale={network.scale}, or -s {network.scale})"
            )
        return cls(network, transfer, other)

    @property
    def scale(self) -> int:
        """How many times larger the result is."""
        return self.network.scale

    def tile_for(self, height: int, width: int) -> int:
        """Cells on a side of the pieces when the choice is ours: the same for any size."""
        halo = AROUND + 1 + self.network.reach
        return min(
            TILE, side_of_piece(self.transfer.memory, self.transfer.bytes_a_cell + FEATURES, halo)
        )

    def _prepare(self, reference: Reference) -> None:
        self.transfer.prepare(reference)

    def _with(
        self,
        colour: Float[Tensor, "3 h w"],
        reference: Reference,
        tile: int,
        progress: Progress,
    ) -> Upscaled:
        announce(colour, self.scale, reference)
        seen = self.transfer.find(colour, reference, progress)
        return self.sharpened(colour, seen, tile=tile, progress=progress)

    @torch.no_grad()
    @in_own_precision
    def sharpened(
        self,
        colour: Float[Tensor, "3 h w"],
        seen: Compared,
        *,
        tile: int = 0,
        progress: Progress = silent,
    ) -> Upscaled:
        """Upscale an image whose matches are known, from `transfer.find`."""
        is_worn = seen.found.noise > 0 or seen.found.reduction != BICUBIC
        faithful = self._shown_to(self._network(is_worn), colour)
        vivid = None if self.vivid is None else in_one_way(self.vivid)
        part = self.texture if is_worn else TEXTURE

        def make(area: Area) -> Tensor:
            found = self.transfer.piece(colour, seen, area)
            texture = None
            if part:
                texture = texture_of(found, self.scale) if is_worn else trusted(found)
            piece = told(found)
            del found
            sharp = self._sharp(*piece, seen.found.reduction, faithful)
            if texture is not None:
                sharp = texture.mixed_into(sharp, part)
            surely = shown(seen.found.agreement[area])
            if vivid is None or surely.min() >= KNOWN:
                return sharp
            other = self._sharp(*piece, seen.found.reduction, vivid)
            return torch.lerp(sharp, other, invented(surely, self.scale))

        evidence = max(self.transfer.halo(seen.found), AROUND + 1, NEAR)
        halo = self._halo(seen.found.reduction, evidence)
        sharp = in_pieces(colour, make, self.scale, tile, halo, progress)
        return Upscaled(sharp, seen.score, seen.found.matches, seen.wear)

    def _alone(self, colour: Float[Tensor, "3 h w"], tile: int, progress: Progress) -> Upscaled:
        announce(colour, self.scale, None)
        wear = self.transfer.wear or wear_of(colour, self.scale)
        level = wear.level(colour)
        reduction = wear.supposed(self.scale)
        faithful = self._shown_to(self._network(level > 0 or reduction != BICUBIC), colour)
        learned = faithful if self.vivid is None else in_one_way(self.vivid)

        def make(area: Area) -> Tensor:
            low = colour[(slice(None), *area)]
            return self._sharp(low, torch.full_like(low[0], level), None, reduction, learned)

        sharp = in_pieces(colour, make, self.scale, tile, self._halo(reduction), progress)
        size = colour.shape[1], colour.shape[2]
        return Upscaled(sharp, colour.new_zeros(size), no_matches(size, self.scale, colour), wear)

    def _network(self, is_worn: bool) -> FusionNet:
        return self.worn if is_worn and self.worn is not None else self.network

    def _shown_to(self, network: FusionNet, colour: Float[Tensor, "3 h w"]) -> Learned:
        """The network, shown pieces of an image in as many ways as the whole has time for."""
        ways = self.symmetries or (1 if colour[0].numel() >= LARGE else 2)
        return partial(averaged, network, symmetries=ways)

    def _sharp(
        self,
        colour: Tensor,
        noise: Tensor,
        evidence: Evidence | None,
        reduction: Reduction,
        learned: Learned,
    ) -> Float[Tensor, "3 hs ws"]:
        bicubic = up(colour, self.scale)
        detail = learned(colour[None], evidence, noise[None, None])[0] - bicubic
        sharp = bicubic + detail * spread_over(visible(colour), self.scale)
        for _ in range(0 if noise.any() else self.consistency_rounds):
            sharp = sharp + up(colour - reduction.down(sharp, self.scale), self.scale)
        return sharp

    def _halo(self, reduction: Reduction, evidence: int = NEAR) -> int:
        """Cells around a tile that can change a pixel inside it, by so many in the evidence."""
        round_trip = reduction.reach(self.scale) + 2
        return evidence + self.network.reach + round_trip * self.consistency_rounds


def visible(colour: Float[Tensor, "3 h w"]) -> Float[Tensor, "h w"]:
    """Where an image shows anything that could be made sharp: 0 where what is around differs by
    less than a level of 8 bits, 1 from three levels on.

    Flat areas and slow ramps then stay what they are, to the last of 16 bits.
    """
    around = 2 * NEAR + 1
    padded = F.pad(colour[None], (NEAR,) * 4, mode="replicate")
    span = F.max_pool2d(padded, around, 1) + F.max_pool2d(-padded, around, 1)
    return (255 * span[0].amax(0) - 1).div(2).clamp(0, 1)


def invented(surely: Float[Tensor, "h w"], scale: int) -> Float[Tensor, "hs ws"]:
    """How much of each pixel may be invented: nothing where the reference shows it."""
    unknown = (1 - surely / KNOWN).clamp(0, 1)[None, None]
    smooth = F.interpolate(unknown, scale_factor=scale, mode="bilinear", align_corners=False)
    return smooth[0, 0]


def load_network(path: str | Path) -> FusionNet:
    """Build FusionNet as its file describes it.

    Raises:
        WeightsError: the file is damaged, has no description, or holds another network.
    """
    file = read_weights(path)
    config = {} if file.description is None else dict(file.description.config)
    if file.description is not None:
        scale = config.get("scale", 4)  # files of version 0.1 do not say it twice
        file.description.require(FusionNet.architecture, scale, file.path)
    return build(FusionNet, config, file).eval()
