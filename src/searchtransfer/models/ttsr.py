# SPDX-License-Identifier: Apache-2.0
"""TTSR on images of any size, with any number of references of any sizes."""

from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import OptionError
from ..images.tiles import Tile, plan_tiles
from ..networks.texture_extractor import REACH
from ..networks.ttsr import TTSR
from ..networks.ttsr_file import load_ttsr
from ..networks.ttsr_inputs import enlarged
from ..operators import ViewMatch, search_views
from ..process.progress import Progress
from ..references import Reference
from ..references.matches import whole_cells
from ..references.plan import SearchMode
from .kept import KeptByOwner, fingerprint
from .model import Model, Upscaled
from .pieces import Area, in_pieces, times
from .ttsr_reference import SIDE, Textures, describe_references, levels_of

MEMORY = 2 * 2**30
"""Bytes that the features of a piece may take, when the choice is ours."""

FULL_SIZE_MAPS = 9
"""Feature maps at four times the size that the main network holds at once, about."""

SMALLEST = 64
"""Cells on a side of a piece at least: less is nearly all halo."""


@dataclass(frozen=True, eq=False)
class TTSRModel(Model):
    """Search with the learned extractor, transfer at three levels, then the main network.

    The search compares every cell with every cell of all references, whatever the tiles; only
    extractor and main network work piece by piece. Their inputs are as published, on eight bits.
    """

    network: TTSR
    backend: str = "auto"
    """That of the search; see `searchtransfer.search`."""
    name: str = "ttsr"
    needs_reference: ClassVar[bool] = True
    _kept: KeptByOwner[Textures] = field(default_factory=KeptByOwner, init=False, repr=False)

    @classmethod
    def load(cls, path: str | Path, scale: int = 4, search: SearchMode = "auto") -> "TTSRModel":
        """Build the model from weights.

        Args:
            path: safetensors of this package, or a released checkpoint.
            scale: must be that of the weights.
            search: "auto" or "exact", which are the same here.

        Raises:
            OptionError: another scale or way to search is asked for.
            WeightsError: the file cannot be read safely, or is not of TTSR.
        """
        if scale != TTSR.scale:
            raise OptionError(f"model 'ttsr' has scale {TTSR.scale}, got {scale}")
        if search not in ("auto", "exact"):
            raise OptionError(f"model 'ttsr' searches exactly (auto, exact), got {search!r}")
        return cls(load_ttsr(path))

    @property
    def scale(self) -> int:
        """How many times larger the result is."""
        return self.network.scale

    def tile_for(self, height: int, width: int) -> int:
        """Cells on a side of the pieces when the choice is ours: 0, one piece, up to 2 GiB."""
        features = int(self.network.config["features"])
        cells = MEMORY // (FULL_SIZE_MAPS * self.scale**2 * 4 * features)
        if height * width <= cells:
            return 0
        return max(SMALLEST, int(cells**0.5) - 2 * self._halo)

    def _prepare(self, reference: Reference) -> None:
        self._textures(reference)

    def _with(
        self,
        colour: Float[Tensor, "3 h w"],
        reference: Reference,
        tile: int,
        progress: Progress,
    ) -> Upscaled:
        network = _for_use(self.network, colour.device)
        progress("search", 0.0)
        textures = self._textures(reference)
        lr, lr_up = colour * 2 - 1, enlarged(colour)
        found = self._found(network, lr_up, textures, progress)
        place = textures.place(found.view, found.index)

        def make(area: Area) -> Tensor:
            t1, t2, t3 = textures.gathered(place[area], network.SearchTransfer.overlap)
            cells, pixels = (slice(None), *area), (slice(None), *times(area, self.scale))
            score = found.score[area][None, None]
            sr = network.restore(lr[cells][None], lr_up[pixels][None], score, t3, t2, t1)
            return (sr[0] + 1) / 2

        sharp = in_pieces(colour, make, self.scale, tile, self._halo, progress)
        columns = textures.columns[found.view]
        pixel = torch.stack(
            [torch.div(found.index, columns, rounding_mode="floor"), found.index % columns], -1
        )
        matches = whole_cells(found.view, pixel * self.scale, self.scale)
        return Upscaled(sharp, found.score, matches)

    def _textures(self, reference: Reference) -> Textures:
        extractor = _for_use(self.network, reference.photos[0].device).LTE
        return self._kept.get(
            reference,
            fingerprint(extractor),
            lambda: describe_references(extractor, reference.photos),
        )

    def _found(
        self,
        network: TTSR,
        lr_up: Float[Tensor, "3 _ _"],
        textures: Textures,
        progress: Progress,
    ) -> ViewMatch:
        """The best match of each cell among all references, each map `[H, W]`."""
        size = lr_up.shape[1] // self.scale, lr_up.shape[2] // self.scale
        score = lr_up.new_empty(size)
        index, view = (torch.empty_like(score, dtype=torch.int64) for _ in range(2))
        # A block sees one cell around its own, and each of those REACH more.
        blocks, seen = (plan_tiles(size, SIDE, halo) for halo in (1, 1 + REACH))
        for number, (block, wide) in enumerate(zip(blocks, seen, strict=True)):
            progress("search", number / len(blocks))
            query = levels_of(network.LTE, lr_up, Tile(block.padded, wide.padded)).level3
            match = search_views(query.contiguous(), textures.keys, backend=self.backend)
            for whole, part in zip((score, index, view), match, strict=True):
                whole[block.core] = part[0][block.inner]
        progress("search", 1.0)
        return ViewMatch(score, index, view)

    @property
    def _halo(self) -> int:
        """The main network's reach. Textures are wrong in the outermost cell of a piece only, and
        enter behind the shallow features, which see two cells at least.
        """
        return self.network.MainNet.reach


def _for_use(network: TTSR, device: torch.device) -> TTSR:
    """The network in float32, ready to restore; a copy where it is not, for it is the caller's."""
    as_needed = all(
        x.device == device and (x.dtype == torch.float32 or not x.is_floating_point())
        for x in network.state_dict().values()
    )
    if as_needed and not any(module.training for module in network.modules()):
        return network
    return deepcopy(network).to(device).float().eval()
