# SPDX-License-Identifier: Apache-2.0
"""What the two patches of a match have in common."""

import pytest
import torch
from pictures import texture
from torch import Tensor

from searchtransfer import Reference, comparison
from searchtransfer.comparison import compare
from searchtransfer.images import down
from searchtransfer.matching import match
from searchtransfer.operators.descriptors import coefficients


def moved_pair(dy: int, dx: int) -> tuple[Tensor, Reference]:
    """A small image, and a photo that shows the same and more."""
    photo = texture(120, 136)
    return down(photo[:, dy : dy + 80, dx : dx + 88].contiguous(), 4), Reference.build([photo])


def test_is_the_correlation_of_the_two_patches() -> None:
    small, reference = moved_pair(13, 30)
    found = match(small, reference)
    seen = compare(small, reference, found.view, found.index)
    view = reference.views[int(found.view[9, 8])]
    columns = view.low.shape[2]
    row, column = divmod(int(found.index[9, 8]), columns)
    ours, theirs = coefficients(small)[:, 9, 8], coefficients(view.low)[:, row, column]
    torch.testing.assert_close(seen.contrast[9, 8], ours.norm())
    torch.testing.assert_close(seen.key_contrast[9, 8], theirs.norm())
    cosine = torch.nn.functional.cosine_similarity(ours, theirs, dim=0)
    torch.testing.assert_close(seen.score[9, 8], cosine)


def test_rows_at_a_time_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    small, reference = moved_pair(5, 6)
    found = match(small, reference, "refine")
    whole = compare(small, reference, found.view, found.index)
    monkeypatch.setattr(comparison, "ROWS", 7)
    strips = compare(small, reference, found.view, found.index)
    for ours, theirs in zip(strips, whole, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_flat_patches_have_no_score() -> None:
    _, reference = moved_pair(0, 0)
    none = torch.zeros(5, 5, dtype=torch.int64)
    seen = compare(torch.full((3, 5, 5), 0.4), reference, none, none)
    assert seen.score.eq(0).all()
    assert seen.contrast.eq(0).all()
