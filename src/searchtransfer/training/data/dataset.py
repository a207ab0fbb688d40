# SPDX-License-Identifier: Apache-2.0
"""Samples from pairs: read, crop, vary, degrade; the same for any number of workers."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import Dataset

from ...errors import DataError, ImageFileError, OptionError
from ...images.pairs import Pair
from .augment import crop, random_corner, turn_and_flip
from .cache import PhotoCache
from .locate import locate
from .pixels import SCALE, Pixels, Sample, make_sample, pad_to
from .synthesis import made_reference
from .views import NEAR, Views, wide_pair


class Batch(NamedTuple):
    """Samples side by side; fields as in `Sample`."""

    hr: Float[Tensor, "b 3 h w"]
    lr: Float[Tensor, "b 3 h/4 w/4"]
    lr_up: Float[Tensor, "b 3 h w"]
    ref: Float[Tensor, "b 3 hr wr"]
    ref_down_up: Float[Tensor, "b 3 hr wr"]
    skipped: tuple[str, ...]


class PairDataset(Dataset[Sample]):
    """Square patches of targets, each with a patch of a reference.

    All randomness of a sample follows from `(seed, epoch, index)`, so neither the number of workers
    nor a resumption changes it. The epoch is part of the number that is asked for: `draw` is
    `epoch * len(dataset) + index`, see `DrawSampler`.

    A pair that cannot be used (damaged file, target smaller than the patch) is replaced by the next
    one, and the reason goes into the sample.

    Args:
        pairs: see `pairs`; several layouts may be joined with `+`.
        patch: side of target and reference patch in pixels, a multiple of 4.
        seed: of all randomness.
        augment: turn and flip target and reference, independently of each other.
        max_tries: pairs tried in a row for one sample.
        cache: bytes of decoded photos to keep, in each process that reads.
        views: how far off references that are made of the photo may be.

    Raises:
        DataError: there are no pairs.
        OptionError: patch is no positive multiple of 4, or max_tries is below 1.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
        patch: int = 160,
        seed: int = 0,
        augment: bool = True,
        max_tries: int = 10,
        cache: int = 0,
        views: Views = NEAR,
    ) -> None:
        if not pairs:
            raise DataError("PairDataset: there are no pairs to train on")
        if patch < SCALE or patch % SCALE:
            raise OptionError(f"PairDataset: patch must be a multiple of {SCALE}, got {patch}")
        if max_tries < 1:
            raise OptionError(f"PairDataset: max_tries must be at least 1, got {max_tries}")
        self.pairs = list(pairs)
        self.patch = patch
        self.seed = seed
        self.augment = augment
        self.max_tries = max_tries
        self.photos = PhotoCache(cache)
        self.views = views

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, draw: int) -> Sample:
        """The sample of `draw`, a number of at least 0.

        Raises:
            DataError: `max_tries` pairs in a row could not be used; the first five are named.
        """
        if draw < 0:
            raise IndexError(f"PairDataset: draw must be at least 0, got {draw}")
        epoch, index = divmod(draw, len(self))
        skipped: list[str] = []
        for attempt in range(min(self.max_tries, len(self))):
            pair = self.pairs[(index + attempt) % len(self)]
            rng = np.random.default_rng([self.seed, epoch, index, attempt])
            try:
                target, reference = self._patches(pair, rng)
            except ImageFileError as error:
                skipped.append(str(error))
                continue
            return make_sample(target, reference, tuple(skipped))
        raise DataError(
            f"{len(skipped)} pairs in a row could not be used: {'; '.join(skipped[:5])}"
        )

    def _patches(self, pair: Pair, rng: np.random.Generator) -> tuple[Pixels, Pixels]:
        size = self.patch
        photo = self.photos.read(pair.target)
        if min(photo.shape[:2]) < size:
            raise ImageFileError(
                f"{pair.target}: is {photo.shape[1]} x {photo.shape[0]} pixels, "
                f"smaller than the patch of {size}"
            )
        if not pair.references and self.views.chance and rng.random() < self.views.chance:
            target, reference = wide_pair(photo, (size, size), SCALE, rng, self.views)
            return self._varied(target, reference, rng)
        corner = random_corner(photo, size, rng)
        target = crop(photo, corner, size)
        if pair.references:
            chosen = pair.references[int(rng.integers(len(pair.references)))]
            whole = pad_to(self.photos.read(chosen), size)
            reference = crop(whole, locate(target, whole), size)
        else:
            reference = made_reference(photo, corner, size, rng, strength=rng.uniform())
        return self._varied(target, reference, rng)

    def _varied(
        self, target: Pixels, reference: Pixels, rng: np.random.Generator
    ) -> tuple[Pixels, Pixels]:
        if self.augment:
            return turn_and_flip(target, rng), turn_and_flip(reference, rng)
        return target, reference


def collate(samples: Sequence[Sample]) -> Batch:
    """Put samples into one batch; what they skipped is joined."""
    return Batch(
        hr=torch.stack([sample.hr for sample in samples]),
        lr=torch.stack([sample.lr for sample in samples]),
        lr_up=torch.stack([sample.lr_up for sample in samples]),
        ref=torch.stack([sample.ref for sample in samples]),
        ref_down_up=torch.stack([sample.ref_down_up for sample in samples]),
        skipped=tuple(reason for sample in samples for reason in sample.skipped),
    )
