# SPDX-License-Identifier: Apache-2.0
"""Texture at continuous matches; on whole pixels it is the plain formula."""

import pytest
import torch
from pictures import texture
from references.views import at_places
from torch import Tensor

from searchtransfer.images import up
from searchtransfer.operators.detail import blend
from searchtransfer.references import texture as module
from searchtransfer.references.copy import upright
from searchtransfer.references.field import Field
from searchtransfer.references.texture import blocks_of


def matches(copy_size: tuple[int, int], cells: tuple[int, int], scale: int) -> tuple[Tensor, Field]:
    """Random first pixels, and the matches there."""
    generator = torch.Generator().manual_seed(3)
    pixel = torch.stack(
        [torch.randint(n - scale + 1, cells, generator=generator) for n in copy_size], -1
    )
    return pixel, at_places(0, pixel + (scale - 1) / 2)


def literal(photo: Tensor, pixel: Tensor, scale: int, weight: Tensor, gain: Tensor) -> Tensor:
    """Gather, enlarge the view that begins at the match, subtract, add up, divide."""
    copy = upright(photo, 0, scale)
    rows, columns = pixel.shape[:2]
    total = torch.zeros(3, rows * scale, columns * scale)
    weights = torch.zeros(rows, columns)
    for y in range(rows):
        for x in range(columns):
            top, left = pixel[y, x].tolist()
            view = copy.blurred[:, top % scale :: scale, left % scale :: scale]
            residual = photo[:, top % scale :, left % scale :]
            residual = residual[:, : view.shape[1] * scale, : view.shape[2] * scale]
            residual = residual - up(view, scale)
            row, column = top // scale, left // scale
            for dy in (-1, 0, 1):
                for dx in (-1, 0, 1):
                    q = (y + dy, x + dx)
                    r = (row + dy, column + dx)
                    if not (0 <= q[0] < rows and 0 <= q[1] < columns):
                        continue
                    if not (0 <= r[0] < view.shape[1] and 0 <= r[1] < view.shape[2]):
                        continue
                    cell = residual[
                        :, r[0] * scale : (r[0] + 1) * scale, r[1] * scale : (r[1] + 1) * scale
                    ]
                    here = (
                        slice(q[0] * scale, (q[0] + 1) * scale),
                        slice(q[1] * scale, (q[1] + 1) * scale),
                    )
                    total[(slice(None), *here)] += weight[y, x] * gain[y, x] * cell
                    weights[q] += weight[y, x]
    share = weights.repeat_interleave(scale, 0).repeat_interleave(scale, 1)
    return total / share


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_whole_pixels_are_the_plain_formula(scale: int) -> None:
    photo = texture(20 * scale, 22 * scale)
    # Away from the border, where enlarging a view and sampling it repeat different cells.
    pixel, field = matches((10 * scale, 12 * scale), (6, 7), scale)
    pixel, field = pixel + 5 * scale, field._replace(centre=field.centre + 5 * scale)
    generator = torch.Generator().manual_seed(4)
    weight, gain = 0.1 + torch.rand(2, 6, 7, generator=generator)
    found = blend(
        blocks_of([upright(photo, 0, scale)], field, 3),
        weight,
        gain,
        weight,
        torch.zeros(3, 6, 7),
        scale,
    )
    expected = literal(photo, pixel, scale, weight, gain)
    torch.testing.assert_close(found.detail, expected, atol=2e-5, rtol=0)


def test_cells_beyond_the_border_do_not_count() -> None:
    photo = texture(40, 40)
    field = at_places(0, torch.tensor([[[1.5, 1.5], [1.5, 37.5]]]))
    (part,) = blocks_of([upright(photo, 0, 4)], field, 3)
    assert part.inside[0, 0].view(3, 3).tolist() == [[0, 0, 0], [0, 1, 1], [0, 1, 1]]
    assert part.inside[0, 1].view(3, 3).tolist() == [[0, 0, 0], [1, 1, 0], [1, 1, 0]]


def test_rows_at_a_time_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    copy = upright(texture(60, 60), 0, 4)
    _, field = matches((60, 60), (9, 8), 4)
    ones = torch.ones(9, 8)
    whole = blend(blocks_of([copy], field, 3), ones, ones, ones, torch.zeros(3, 9, 8), 4)
    monkeypatch.setattr(module, "CELLS", 17)
    strips = blend(blocks_of([copy], field, 3), ones, ones, ones, torch.zeros(3, 9, 8), 4)
    for ours, theirs in zip(strips, whole, strict=True):
        torch.testing.assert_close(ours, theirs)


def block_of(detail: Tensor) -> Tensor:
    """The nine cells of the only match, side by side."""
    cells = detail[0, 0].view(3, 3, 3, 4, 4)
    return cells.permute(0, 1, 3, 2, 4).reshape(3, 12, 12)


def test_a_turned_match_brings_turned_pixels() -> None:
    photo = texture(60, 60)
    centre = torch.full((1, 1, 2), 29.5)
    field = at_places(0, centre)
    quarter = torch.tensor([[[[0.0, -1.0], [1.0, 0.0]]]])
    upright_part, turned_part = (
        next(iter(blocks_of([upright(photo, 0, 4)], x, 3)))
        for x in (field, field._replace(jacobian=quarter))
    )
    block, turned = (block_of(x.detail) for x in (upright_part, turned_part))
    # A step down in the result is a step right in the photo, a step right a step up.
    torch.testing.assert_close(turned, torch.rot90(block, -1, (1, 2)), atol=1e-4, rtol=0)
