# SPDX-License-Identifier: Apache-2.0
"""Keys: the searched side of a search, with everything that does not depend on the query."""

from collections.abc import Sequence
from functools import cached_property

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from .backends import native
from .copies import first_copies, same_blocks
from .features import cell_magnitude, is_spread, to_moderate


class Keys:
    """One or several views, checked once and ready for any number of searches.

    What a backend or a tie needs beyond the features is computed when it is first asked for.

    Args:
        views: each `[C, Hr, Wr]`, of any sizes; cells are numbered through all of them, in order.
        patch_size: side of a block in cells, odd.

    Raises:
        NonFiniteError: a view holds NaN or infinity.
    """

    def __init__(self, views: Sequence[Float[Tensor, "c _ _"]], patch_size: int = 3) -> None:
        dtype = torch.float64 if views[0].dtype == torch.float64 else torch.float32
        magnitudes = [cell_magnitude("key", view) for view in views]
        largest = max(x.amax().item() for x in magnitudes)
        self.patch_size = patch_size
        self.is_spread = any(is_spread(x) for x in magnitudes)
        self.views = [to_moderate(view.to(dtype), largest) for view in views]
        self.counts = [view.shape[1] * view.shape[2] for view in self.views]

    @cached_property
    def doubled(self) -> list[Float[Tensor, "c _ _"]]:
        """The views in float64."""
        return [view.double() for view in self.views]

    @cached_property
    def prepared(self) -> native.NativeKeys:
        """What the compiled backend computes once."""
        return native.prepare(self.views, self.patch_size)

    @cached_property
    def _first_copies(self) -> Int64[Tensor, " n"]:
        return first_copies(self.views, self.patch_size)

    def lowest_copy(self, position: Int64[Tensor, "h w"]) -> Int64[Tensor, "h w"]:
        """Replace each chosen block by the first one that is equal to it in every bit.

        A fast product may round equal blocks differently, depending on where they stand; this makes
        ties between exact copies go to the lowest position, whatever the backend and its tiles.
        """
        candidate = self._first_copies[position]
        changed = candidate != position
        if not bool(changed.any()):
            return position
        same = same_blocks(position[changed], candidate[changed], self.views, self.patch_size)
        result = position.clone()
        result[changed] = torch.where(same, candidate[changed], position[changed])
        return result

    def view_and_index(
        self, position: Int64[Tensor, "*b"]
    ) -> tuple[Int64[Tensor, "*b"], Int64[Tensor, "*b"]]:
        """Split a position through all views into the view and the cell inside it."""
        ends = torch.tensor(self.counts, device=position.device).cumsum(0)
        view = torch.bucketize(position, ends, right=True)
        starts = ends - torch.tensor(self.counts, device=position.device)
        return view, position - starts[view]
