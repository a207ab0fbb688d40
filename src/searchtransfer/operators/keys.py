# SPDX-License-Identifier: Apache-2.0
"""Keys: the searched side of a search, with everything that does not depend on the query."""

from collections.abc import Sequence
from functools import cached_property

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ..errors import DTypeError, ShapeError
from ..given import check_flag, check_list
from .backends import native
from .checks import check_features, check_odd
from .faint import Faint
from .features import faint_blocks, survey, to_moderate
from .numbering import firsts


class Keys:
    """One or several views, checked once and ready for any number of searches.

    What is searched is what the views held when the `Keys` were made; what a backend needs beyond
    that is computed when it is first asked for.

    Args:
        views: each `[C, Hr, Wr]`, of any sizes, in any of the dtypes that a search takes; cells are
            numbered through all of them, in order. They are copied.
        patch_size: side of a block in cells, odd.
        copy: False leaves the copy out, for views that nobody will write to any more.

    Raises:
        ShapeError: there is no view, or one that is not `[C, Hr, Wr]`, empty, or with other
            channels than the first.
        DTypeError: a view is not floating point, or differs from the first in dtype or device.
        NonFiniteError: a view holds NaN or infinity.
        OptionError: patch_size is not a positive odd number.

    Examples:
        >>> keys = Keys([torch.eye(6).reshape(6, 2, 3)], patch_size=1)  # once
        >>> query = torch.eye(6)[[4, 1]].T.reshape(1, 6, 1, 2)
        >>> search_views(query, keys, patch_size=1).index  # as often as you like
        tensor([[[4, 1]]])
    """

    def __init__(
        self, views: Sequence[Float[Tensor, "c _ _"]], patch_size: int = 3, *, copy: bool = True
    ) -> None:
        check_odd("Keys", patch_size)
        check_flag("Keys: copy", copy)
        _check(views)
        self.patch_size = patch_size
        self.dtype = torch.float64 if views[0].dtype == torch.float64 else torch.float32
        self.views: list[Float[Tensor, "c _ _"]] = []
        self.faint: list[Faint] = []
        for view in views:
            own = view.detach().to(self.dtype, copy=copy).resolve_neg()
            seen = survey("key", own)
            self.faint.append(faint_blocks(own, seen, patch_size))
            # Each view has a factor of its own: relevance does not see it.
            self.views.append(to_moderate(own, seen.largest))
        self.counts = [view.shape[1] * view.shape[2] for view in self.views]

    @cached_property
    def doubled(self) -> "Keys":
        """The same in float64."""
        return Keys([view.double() for view in self.views], self.patch_size, copy=False)

    @cached_property
    def prepared(self) -> native.NativeKeys:
        """What the compiled backend computes once."""
        return native.prepare(self.views, self.patch_size, self.faint)

    def view_and_index(
        self, position: Int64[Tensor, "*b"]
    ) -> tuple[Int64[Tensor, "*b"], Int64[Tensor, "*b"]]:
        """Split a position through all views into the view and the cell inside it."""
        first = torch.tensor(firsts(self.counts), dtype=torch.int64, device=position.device)
        view = torch.bucketize(position, first, right=True) - 1
        return view, position - first[view]


def _check(views: Sequence[Tensor]) -> None:
    check_list("Keys: views", views, "tensors")
    if not len(views):
        raise ShapeError("Keys: there must be at least one view, got none")
    for number, view in enumerate(views):
        name = f"Keys: view {number}"
        check_features(name, view, "[C, Hr, Wr]")
        if view.numel() == 0:
            raise ShapeError(
                f"{name} must have at least one channel and one cell, got {list(view.shape)}"
            )
        for what, own, first in (
            ("dtype", view.dtype, views[0].dtype),
            ("device", view.device, views[0].device),
        ):
            if own != first:
                raise DTypeError(f"{name} must have the {what} of the first, {first}, got {own}")
        if view.shape[0] != views[0].shape[0]:
            raise ShapeError(
                f"{name} must have as many channels as the first, {views[0].shape[0]}, "
                f"got {view.shape[0]}"
            )
