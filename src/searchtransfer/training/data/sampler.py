# SPDX-License-Identifier: Apache-2.0
"""The order of samples: shuffled anew in each epoch, and resumable at any position."""

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler

from ...errors import OptionError


class DrawSampler(Sampler[int]):
    """Draws `epoch * length + index`, epoch after epoch, from any position to a last one.

    Args:
        length: of the data set.
        stop: how many draws there are over all epochs.
        start: how many of them have been taken already; the rest is as it would have been.
        seed: of the order.

    Raises:
        OptionError: length is below 1, or start is not between 0 and stop.
    """

    def __init__(self, length: int, stop: int, start: int = 0, seed: int = 0) -> None:
        if length < 1 or not 0 <= start <= stop:
            raise OptionError(
                "DrawSampler: length must be at least 1 and start between 0 and stop, "
                f"got length={length}, start={start}, stop={stop}"
            )
        self.length = length
        self.start = start
        self.stop = stop
        self.seed = seed

    def __len__(self) -> int:
        return self.stop - self.start

    def __iter__(self) -> Iterator[int]:
        position = self.start
        while position < self.stop:
            epoch, offset = divmod(position, self.length)
            order = np.random.default_rng([self.seed, epoch]).permutation(self.length)
            for index in order[offset : offset + self.stop - position]:
                yield epoch * self.length + int(index)
                position += 1
