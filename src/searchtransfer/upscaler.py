# SPDX-License-Identifier: Apache-2.0
"""Upscaler: the main job. A small image and reference photos in, a sharp image out."""

import logging
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .errors import OptionError
from .given import check_kind, check_number, check_size
from .images.alpha import enlarge_alpha, with_hidden_filled
from .images.grey import is_grey, with_colours_of
from .images.kinds import as_image, returns_as
from .images.presentation import Presentable
from .images.sizes import SizeWish, check_within, reduced_to
from .models import Model
from .models.pieces import TILE as TILE
from .models.pretrained import DEFAULT_MODEL as DEFAULT_MODEL
from .models.pretrained import FROM_WEIGHTS as FROM_WEIGHTS
from .models.pretrained import MODELS as MODELS
from .models.pretrained import Look, load_model, networks_of, next_scale
from .process.budget import MEMORY
from .process.devices import usable_device
from .process.memory import with_smaller_tiles
from .process.progress import Progress, callback
from .references import Reference
from .references.matches import Matches as Matches
from .references.plan import SearchMode
from .references.usefulness import WeakReferenceWarning as WeakReferenceWarning
from .references.usefulness import complaint, usefulness
from .wear import CLEAN, Wear
from .weights.publishing import Published

log = logging.getLogger(__name__)


@dataclass(frozen=True, repr=False)
class Result(Presentable):
    """A sharp picture, and where its texture comes from."""

    image: Any
    """Of the kind and dtype that was given: Image (also for a path), Pillow, NumPy or tensor."""
    score: Float[Tensor, "h w"]
    """How well each cell was found in the references, a cosine from -1 to 1."""
    matches: Matches
    """Where in the references, to a fraction of a pixel, turned and zoomed."""
    wear: Wear = CLEAN
    """What the image was seen to have been through."""
    reduced_from: Any = None
    """The picture at the scale of the model, where `image` is smaller."""

    @property
    def whole(self) -> Any:
        """The picture at the scale of the model, that of the matches."""
        return self.image if self.reduced_from is None else self.reduced_from

    @property
    def verdict(self) -> str:
        """How useful the references were, and what the image has been through, in sentences."""
        return " ".join(filter(None, (usefulness(self.score, self.matches), self.condition)))

    @property
    def condition(self) -> str:
        """What the image has been through, in sentences; empty for one that is surely clean."""
        clean, doubt = str(self.wear) == str(CLEAN), self.wear.doubt
        worn = "" if clean else f"The image looks worn: {self.wear}."
        unsure = f"Taken for clean, though not sure: {doubt}." if doubt else ""
        return " ".join(filter(None, (worn, unsure)))


class Upscaler(Published):
    """Makes small images sharp with reference photos.

    Args:
        model: see `searchtransfer.models`.
        device: where to compute; None for the CPU.
        factor: how many times larger results are, if less than the model makes them.

    Examples:
        >>> from searchtransfer.images import degrade
        >>> photo = torch.rand(3, 64, 80)
        >>> small = degrade(photo[:, 8:56, 12:72], 4)
        >>> upscaler = Upscaler.from_pretrained("transfer", scale=4)
        >>> reference = upscaler.prepare([photo])  # once
        >>> result = upscaler.upscale(small, reference)  # as often as you like
        >>> list(small.shape), list(result.image.shape), list(result.score.shape)
        ([3, 12, 15], [3, 48, 60], [12, 15])
        >>> result.matches.pixel[5, 5]  # the cell covers rows 20 to 23 of a crop from row 8 on
        tensor([28, 32])
    """

    def __init__(
        self,
        model: Model,
        device: torch.device | str | None = None,
        factor: int | float | None = None,
    ) -> None:
        check_kind("Upscaler: model", model, Model, "as Upscaler.from_pretrained makes them")
        if factor is not None:
            check_number("Upscaler: factor", factor, 0, model.scale)
        self.model = model
        self.factor = float(model.scale if factor is None else factor)
        self.device = usable_device(device)

    def __repr__(self) -> str:
        return f"Upscaler({self.model.name!r}, scale={self.scale}, device={str(self.device)!r})"

    @classmethod
    def from_pretrained(
        cls,
        source: str | Path | None = None,
        *,
        scale: int | float = 4,
        search: SearchMode = "auto",
        weights: str | Path | None = None,
        wear: str | Wear = "auto",
        memory: int = MEMORY,
        look: Look = "faithful",
        device: torch.device | str | None = None,
        revision: str | None = None,
    ) -> "Upscaler":
        """Make an upscaler by the name of its model, or from weights.

        Args:
            source: name of a model: "fusion" (x4) is learned, its weights come with the package;
                "transfer" needs none; "ttsr" (x4) needs a file of them. Or a file of weights, a
                folder with one, or "owner/name" on the Hugging Face hub. None: the best for the
                scale.
            scale: how many times larger the result is, above 1, up to 8. The model works at 2, 3,
                4 or 8, the next that is as large; its result is then reduced.
            search: where refinement of the matches begins. "exact": every pixel of the small image
                is compared with every place of the references; "refine": some pixels, with cells
                of the reduced references; "auto": every pixel, or some of large pictures. See
                `searchtransfer.references.plan`; "ttsr" is always exact.
            weights: file of weights for a model that is named.
            wear: what the images have been through besides: "auto", estimated from each; "clean";
                or what `searchtransfer.wear.parse_wear` reads, as "area,jpeg:60".
            memory: bytes that an image may take beyond itself, the references and the result,
                1.5 GiB if nothing is said. Fewer copies of the references are searched, and smaller
                tiles made, to keep within; "ttsr" has bounds of its own.
            look: how "fusion" paints what no reference shows: "faithful", as near the truth as can
                be; or "vivid", so that it looks sharp, though it may not be true (at scale 4).
            device: where to compute; None for the CPU.
            revision: branch, tag or commit, of a repository on the hub. What was downloaded before
                serves where there is no network.

        Raises:
            OptionError: no such model, scale, search or look; weights are missing, or not wanted; a
                revision of what is no repository.
            WeightsError: the weights cannot be read, or are of another model or scale.
            MissingExtraError: the hub is asked for and its library is not installed.
        """
        whole = next_scale(scale)
        model = load_model(source, whole, search, weights, wear, memory, look, revision)
        return cls(model, device, scale)

    def _networks(self) -> dict[str, nn.Module]:
        """The model's networks by the names of their files.

        Raises:
            OptionError: it has none.
        """
        return networks_of(self.model)

    @property
    def scale(self) -> int:
        """How many times larger the result is."""
        return self.model.scale

    def prepare(self, references: object, *, copy: bool = True) -> Reference:
        """Do all that can be done with the references alone, once.

        Args:
            references: one picture or several, of any sizes: path of a file, Image, Pillow, NumPy
                or tensor.
            copy: False where nobody will change them, and memory matters.

        Raises:
            SearchTransferError: whatever `Reference.build` and the conversions in `images` raise.
        """
        pictures = references if isinstance(references, (list, tuple)) else [references]
        photos = [
            with_hidden_filled(as_image(x, f"reference {i}")).colour for i, x in enumerate(pictures)
        ]
        there = [photo.to(self.device) for photo in photos]
        reference = Reference.build(there, self.scale, copy=copy)
        self.model.prepare(reference)
        return reference

    def _prepared(self, reference: object) -> Reference:
        if isinstance(reference, Reference):
            return reference.to(self.device)
        return self.prepare(reference)

    def upscale(
        self,
        lr: object,
        reference: object | None = None,
        *,
        tile: int | Literal["auto"] = "auto",
        size: tuple[int, int] | None = None,
        on_progress: Progress | None = None,
    ) -> Result:
        """Make one picture sharp.

        Alpha is enlarged bicubically; colours that nobody sees count nowhere. Bit depth, grey and
        metadata stay those of `lr`.

        Args:
            lr: the small picture, of any size: path of a file, Image, Pillow, NumPy or tensor.
            reference: from `prepare`, or what `prepare` takes. None: upscale the picture alone,
                if the model can; the scores are then 0 and the matches -1.
            tile: pixels of `lr` on a side of the tiles that the result is put together from, 0 for
                one piece, "auto" for tiles where the picture is large. The result is the same.
                Where memory lacks, smaller ones are tried.
            size: `(H, W)` of the result, at most `scale` times larger than `lr`: what the model
                makes is reduced to it. None: that of the scale that was asked for.
            on_progress: called as `on_progress(stage, done)`, done from 0 to 1. An exception
                raised in it stops the work.

        Warns:
            WeakReferenceWarning: the references hardly show the same things, or are no finer than
                the image.

        Raises:
            OptionError: tile is negative, the size is too large, the reference was prepared for
                another scale, or there is none and the model needs one.
            OutOfMemoryError: there is not enough memory, even for small tiles.
            SearchTransferError: whatever `prepare` raises.
        """
        if not (isinstance(tile, str) and tile == "auto") and (
            isinstance(tile, bool) or not isinstance(tile, int) or tile < 0
        ):
            raise OptionError(f"tile must be 'auto', 0 or a positive whole number, got {tile!r}")
        if size is not None:
            check_size("size", size)
        image = as_image(lr, "lr")
        wanted = size or SizeWish(self.factor).of(image.size) or image.size
        check_within(wanted, image.size, self.scale)
        prepared = None if reference is None else self._prepared(reference)
        cells = self.model.tile_for(*image.size) if tile == "auto" else tile
        colour = with_hidden_filled(image).colour.to(self.device, torch.float32)
        progress = callback(on_progress)
        sharp = with_smaller_tiles(
            lambda side: self.model.upscale(colour, prepared, tile=side, progress=progress),
            cells,
            image.size,
        )
        if is_grey(colour):  # whatever colours references have
            sharp = replace(sharp, colour=with_colours_of(colour, sharp.colour, self.scale))
        said = None if prepared is None else complaint(sharp.score, sharp.matches)
        if said is not None:
            warnings.warn(said, WeakReferenceWarning, stacklevel=2)
        whole = enlarge_alpha(image, sharp.colour, self.scale)
        log.info("the image looks: %s", sharp.wear.described)
        back = returns_as(lr)
        found = sharp.score, sharp.matches, sharp.wear
        if wanted in (None, whole.size):
            return Result(back(whole), *found)
        return Result(back(reduced_to(whole, wanted)), *found, back(whole))
