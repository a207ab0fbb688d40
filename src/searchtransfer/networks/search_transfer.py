# SPDX-License-Identifier: Apache-2.0
"""The SearchTransfer operator as a module, with the article's signature and order."""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from ..errors import BackendError, ShapeError
from ..given import check_word
from ..operators import search, transfer
from ..operators.backends import check_backend
from ..operators.checks import check_features
from ..operators.transfer import Overlap


class Textures(NamedTuple):
    """What SearchTransfer returns: soft attention and the texture of each level."""

    score: Float[Tensor, "b 1 h w"]
    t1: Float[Tensor, "b c1 h4 w4"]
    t2: Float[Tensor, "b c2 h2 w2"]
    t3: Float[Tensor, "b c3 h w"]


class SearchTransfer(nn.Module):
    """Search the reference for every query block and transfer its texture at three levels.

    No parameters and no buffers. The article's module, exact for any size of either image.

    Args:
        overlap: `"mean"` (the article) or `"constant"` (TTSR's released code, needed for its
            weights); see `searchtransfer.transfer`.
        backend: that of the search; see `searchtransfer.search`.

    Examples:
        >>> query, key = torch.rand(1, 16, 10, 12), torch.rand(1, 16, 8, 9)
        >>> lv1, lv2, lv3 = (torch.rand(1, 4, 8 * s, 9 * s) for s in (4, 2, 1))
        >>> score, t1, t2, t3 = SearchTransfer()(query, key, lv1, lv2, lv3)
        >>> list(score.shape), list(t1.shape), list(t2.shape), list(t3.shape)
        ([1, 1, 10, 12], [1, 4, 40, 48], [1, 4, 20, 24], [1, 4, 10, 12])
    """

    def __init__(self, overlap: Overlap = "mean", backend: str = "auto") -> None:
        super().__init__()
        check_word("SearchTransfer: overlap", overlap, ("mean", "constant"))
        check_backend(backend)
        self.overlap: Overlap = overlap
        self.backend = backend

    def forward(
        self,
        lrsr_lv3: Float[Tensor, "b c h w"],
        refsr_lv3: Float[Tensor, "b c hr wr"],
        ref_lv1: Float[Tensor, "b c1 hr4 wr4"],
        ref_lv2: Float[Tensor, "b c2 hr2 wr2"] | None = None,
        ref_lv3: Float[Tensor, "b c3 hr wr"] | None = None,
    ) -> Textures:
        """Three classic levels.

        Args:
            lrsr_lv3: query, `[B, C, H, W]`.
            refsr_lv3: key, `[B, C, Hr, Wr]`.
            ref_lv1: value at four times the key grid, `[B, C1, 4 Hr, 4 Wr]`.
            ref_lv2: value at twice the key grid, `[B, C2, 2 Hr, 2 Wr]`.
            ref_lv3: value on the key grid, `[B, C3, Hr, Wr]`.

        Returns:
            `(score, t1, t2, t3)`: score `[B, 1, H, W]` in the dtype of the query, textures at 4, 2
            and 1 times `[H, W]`.

        Raises:
            ShapeError: there are fewer than three values; `levels` takes any number.
            SearchTransferError: whatever `search` and `transfer` raise.
        """
        if ref_lv2 is None or ref_lv3 is None:
            raise ShapeError(
                "SearchTransfer: a call takes three values (ref_lv1, ref_lv2, ref_lv3), got "
                f"{1 + (ref_lv2 is not None)}; for any number use "
                "score, textures = module.levels(query, key, [value, ...])"
            )
        score, (t1, t2, t3) = self.levels(lrsr_lv3, refsr_lv3, [ref_lv1, ref_lv2, ref_lv3])
        return Textures(score, t1, t2, t3)

    def levels(
        self,
        query: Float[Tensor, "b c h w"],
        key: Float[Tensor, "b c hr wr"],
        values: list[Float[Tensor, "b _ _ _"]],
    ) -> tuple[Float[Tensor, "b 1 h w"], list[Float[Tensor, "b _ _ _"]]]:
        """Any number of levels; the scale of each is its size over that of the key (1 to 8).

        Raises:
            ShapeError: a value is not a whole multiple of the key.
            SearchTransferError: whatever `search` and `transfer` raise.
        """
        for number, value in enumerate(values, 1):
            check_features(f"SearchTransfer: value {number}", value, "[B, C, H, W]")
        match = search(query, key, backend=self.backend)
        key_size = (key.shape[2], key.shape[3])
        textures = [
            transfer(value, match.index, key_size, _scale(value, key_size), self.overlap)
            for value in values
        ]
        return match.score[:, None].to(query.dtype), textures

    def __prepare_scriptable__(self) -> nn.Module:
        raise BackendError(
            "SearchTransfer cannot be compiled by torch.jit.script; "
            "use torch.export.export or torch.compile"
        )

    def extra_repr(self) -> str:
        """Options, as printed by `print(module)`."""
        return f"overlap={self.overlap!r}, backend={self.backend!r}"


def _scale(value: Tensor, key_size: tuple[int, int]) -> int:
    scale = value.shape[2] // key_size[0]
    if tuple(value.shape[2:]) != (scale * key_size[0], scale * key_size[1]):
        raise ShapeError(
            f"SearchTransfer: a value must be a whole multiple of the key, {key_size[0]} x "
            f"{key_size[1]} cells, got {value.shape[2]} x {value.shape[3]}"
        )
    return scale
