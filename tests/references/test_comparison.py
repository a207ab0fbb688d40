# SPDX-License-Identifier: Apache-2.0
"""What the two patches of a match have in common."""

import pytest
import torch
from references.views import at_places, low_of, smooth

from searchtransfer.operators.descriptors import coefficients
from searchtransfer.references import comparison
from searchtransfer.references.comparison import compare
from searchtransfer.references.copy import upright


def test_is_the_correlation_of_the_two_patches() -> None:
    photo = smooth(120, 136)
    copy, small = upright(photo, 0, 4), low_of(photo[:, 12:92, 28:116])
    field = at_places(0, torch.full((20, 22, 2), 40.0) + 1.5)
    seen = compare(small, [copy], field)
    ours, theirs = coefficients(small)[:, 9, 8], coefficients(copy.blurred[:, ::4, ::4])[:, 10, 10]
    torch.testing.assert_close(seen.contrast[9, 8], ours.norm())
    torch.testing.assert_close(seen.key_contrast[9, 8], theirs.norm(), atol=1e-5, rtol=1e-4)
    cosine = torch.nn.functional.cosine_similarity(ours, theirs, dim=0)
    torch.testing.assert_close(seen.score[9, 8], cosine, atol=1e-4, rtol=0)


def test_cells_at_a_time_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    photo = smooth(100, 100)
    small, copy = low_of(photo[:, :60, :60]), upright(photo, 0, 4)
    field = at_places(0, 20 + 50 * torch.rand(15, 15, 2))
    whole = compare(small, [copy], field)
    monkeypatch.setattr(comparison, "CELLS", 7)
    for ours, theirs in zip(compare(small, [copy], field), whole, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_flat_patches_have_no_score() -> None:
    copy = upright(smooth(60, 60), 0, 4)
    field = at_places(0, torch.full((5, 5, 2), 30.0))
    seen = compare(torch.full((3, 5, 5), 0.4), [copy], field)
    assert seen.score.eq(0).all()
    assert seen.contrast.eq(0).all()
