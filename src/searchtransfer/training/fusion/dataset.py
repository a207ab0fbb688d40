# SPDX-License-Identifier: Apache-2.0
"""Windows of stored crops by draw; the same for any number of workers."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import Dataset

from ...errors import DataError
from .crops import Batch, Crop, batch, crop_file, read_crop, turned

_MAX_TRIES = 10


class Draw(NamedTuple):
    """One window."""

    crop: Crop
    luck: float
    """Uniform in [0, 1); a phase hides the evidence of those below a bound."""
    skipped: tuple[str, ...]
    """Why crops could not be used before this one; each begins with the name."""


class Windows(NamedTuple):
    """Windows to train on."""

    windows: Batch
    luck: Float[Tensor, " b"]
    skipped: tuple[str, ...]


class CropDataset(Dataset[Draw]):
    """Random square windows of crops, in one of the eight symmetries of a square.

    Args:
        folder: holds the crops 0 to `crops` - 1 by the time that samples are drawn.
        crops: how many.
        side: of a window, in cells.
        seed: of all randomness.
    """

    def __init__(self, folder: Path, crops: int, side: int, seed: int) -> None:
        self.folder, self.crops, self.side, self.seed = folder, crops, side, seed

    def __len__(self) -> int:
        return self.crops

    def __getitem__(self, draw: int) -> Draw:
        """The sample of `draw`, a number of at least 0.

        Raises:
            DataError: ten crops in a row could not be used; the first five are named.
        """
        epoch, index = divmod(draw, self.crops)
        skipped: list[str] = []
        for attempt in range(min(_MAX_TRIES, self.crops)):
            rng = np.random.default_rng([self.seed, epoch, index, attempt])
            path = crop_file(self.folder, (index + attempt) % self.crops)
            try:
                crop = turned(read_crop(path, self.side, rng), rng)
            except DataError as error:
                skipped.append(str(error))
                continue
            return Draw(crop, float(rng.random()), tuple(skipped))
        raise DataError(
            f"{len(skipped)} crops in a row could not be used: {'; '.join(skipped[:5])}"
        )


def collate(draws: Sequence[Draw]) -> Windows:
    """Put windows into one batch; what they skipped is joined."""
    return Windows(
        batch([draw.crop for draw in draws]),
        torch.tensor([draw.luck for draw in draws], dtype=torch.float32, device="cpu"),
        tuple(reason for draw in draws for reason in draw.skipped),
    )
