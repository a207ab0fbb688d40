# SPDX-License-Identifier: Apache-2.0
"""What the inspector frames is what the operators gather, pixel by pixel."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from inspections import found_in_place, inspected
from pictures import texture
from torch import Tensor

from searchtransfer import Upscaler, transfer
from searchtransfer.errors import OptionError
from searchtransfer.images import degrade, up
from searchtransfer.inspection import inspect_result
from searchtransfer.pictures.inspector import (
    InspectorInput,
    Photo,
    Provenance,
    Rectangle,
    provenance,
)


def cut(colour: Tensor, box: Rectangle) -> Tensor:
    return colour[:, box.row : box.row + box.height, box.column : box.column + box.width]


def offered(picture: InspectorInput, traced: Provenance) -> Tensor:
    """The mean of what the contributors offer for a cell."""
    parts = [
        cut(picture.photos[one.photo].colour, one.source)
        for one in traced.contributors
        if one.photo is not None and one.source is not None
    ]
    return torch.stack(parts).mean(0)


def texture_of(picture: InspectorInput) -> Tensor:
    """The whole texture, put together from what the inspector says of each cell."""
    scale, whole = picture.scale, torch.zeros_like(picture.result)
    for row in range(picture.score.shape[0]):
        for column in range(picture.score.shape[1]):
            traced = provenance(picture, row * scale, column * scale)
            rows, columns = (slice(x * scale, (x + 1) * scale) for x in (row, column))
            whole[:, rows, columns] = offered(picture, traced)
    return whole


@given(st.integers(1, 5), st.integers(1, 5), st.sampled_from([1, 2, 4]), st.integers(0, 9))
def test_the_operator_transfers_what_is_framed(height, width, scale, seed):
    """Values are whole numbers, so the sums are exact."""
    key = 3, 4
    generator = torch.Generator().manual_seed(seed)
    index = torch.randint(12, (1, height, width), generator=generator)
    value = torch.randint(256, (1, 3, 3 * scale, 4 * scale), generator=generator).float()
    pixel = torch.stack([index[0] // 4 * scale, index[0] % 4 * scale], dim=-1)
    large = torch.zeros(3, height * scale, width * scale)
    none = torch.zeros(height, width)
    photos = (Photo("value", value[0]),)
    picture = InspectorInput("", large, large, photos, scale, none, none.long(), pixel)
    expected = transfer(value, index, key_size=key, scale=scale)
    torch.testing.assert_close(texture_of(picture), expected[0], rtol=0, atol=1e-4)


def test_a_search_is_traced_to_its_place():
    small, photo = found_in_place()
    result = Upscaler.from_pretrained("transfer").upscale(small, photo)
    traced = provenance(inspect_result(result, small, photo), 22, 25)
    assert traced.cell == (5, 6)
    assert traced.match == Rectangle(28, 36, 4, 4)
    assert traced.block == Rectangle(24, 32, 12, 12)
    assert traced.photo == 0
    assert traced.score > 0.99
    assert {one.source for one in traced.contributors} == {traced.match}
    assert [one.cell for one in traced.contributors][::4] == [(4, 5), (5, 6), (6, 7)]


@pytest.mark.parametrize("zoom", [0.8, 1.25])
def test_zoomed_copies_are_traced_to_the_photo(zoom):
    """The photo is the scene at another size; what is framed has the colours of the small image."""
    scene = up(texture(60, 80), 4)
    photo = F.interpolate(scene[None], scale_factor=1 / zoom, mode="bicubic", antialias=True)[0]
    small = degrade(scene[:, 40:200, 60:260], 4)
    result = Upscaler.from_pretrained("transfer").upscale(small, photo.clamp(0, 1))
    picture = inspect_result(result, small, photo.clamp(0, 1))
    assert "up to a pixel" in picture.notes[-1]
    distances = []
    for row in range(8, 32):
        for column in range(8, 42):
            traced = provenance(picture, 4 * row, 4 * column)
            if traced.zoom == pytest.approx(zoom, rel=0.05):
                assert {traced.match.height, traced.match.width} == {round(4 / zoom)}
                centre = traced.match.row + traced.match.height / 2
                middle = traced.match.column + traced.match.width / 2
                distances.append(
                    max(
                        abs(centre * zoom - (40 + 4 * row + 2)),
                        abs(middle * zoom - (60 + 4 * column + 2)),
                    )
                )
    assert len(distances) > 24 * 34 / 2
    assert sorted(distances)[len(distances) * 3 // 4] <= 1.5


def test_contributors_of_a_zoomed_copy_lie_side_by_side_in_it():
    """Neighbours that agree in a copy of zoom 0.8 are five pixels apart in the photo."""
    rows, columns = torch.meshgrid(torch.arange(4), torch.arange(4), indexing="ij")
    pixel = torch.stack([rows, columns], dim=-1) * 5 + 10
    large, score = torch.zeros(3, 16, 16), torch.ones(4, 4)
    photos = (Photo("a", torch.rand(3, 60, 60)),)
    zoom = torch.full((4, 4), 0.8)
    picture = InspectorInput("", large, large, photos, 4, score, score.long() * 0, pixel, zoom)
    traced = provenance(picture, 6, 6)
    assert traced.match == Rectangle(15, 15, 5, 5)
    assert traced.block == Rectangle(10, 10, 15, 15)
    assert {one.source for one in traced.contributors} == {traced.match}


def test_every_pixel_of_a_cell_has_one_provenance():
    picture = inspected()
    one, other = provenance(picture, 4, 8), provenance(picture, 7, 11)
    assert one._replace(row=7, column=11) == other


@pytest.mark.parametrize("scale", [2, 4])
def test_blocks_end_where_the_reference_ends(scale):
    picture = inspected((4, 5), ((scale, scale), (3 * scale + 1, 4 * scale + 1)), scale, seed=3)
    for row in range(4):
        for column in range(5):
            traced = provenance(picture, row * scale, column * scale)
            height, width = picture.photos[traced.photo].size
            block, match = traced.block, traced.match
            assert block.row == max(0, match.row - scale)
            assert block.row + block.height == min(height, match.row + 2 * scale)
            assert block.column == max(0, match.column - scale)
            assert block.column + block.width == min(width, match.column + 2 * scale)


def test_states_of_contributors():
    score = torch.full((2, 2), 0.5)
    photo = torch.tensor([[0, -1], [0, 0]])
    pixel = torch.tensor([[[0, 0], [-1, -1]], [[0, 0], [4, 4]]])
    large = torch.zeros(3, 8, 8)
    picture = InspectorInput(
        "", large, large, (Photo("a", torch.rand(3, 8, 8)),), 4, score, photo, pixel
    )
    states = [one.state for one in provenance(picture, 0, 0).contributors]
    none, gives = "no neighbour", "gives"
    assert states[:4] == [none] * 4
    assert states[4:] == [gives, "no match", none, "beyond the reference", gives]
    traced = provenance(picture, 0, 4)
    assert (traced.photo, traced.match, traced.block) == (None, None, None)
    assert traced.contributors[4].state == "no match"


def test_alone_nothing_is_traced():
    traced = provenance(inspected(photos=()), 23, 31)
    assert traced.photo is None
    assert {one.state for one in traced.contributors} == {"no match", "no neighbour"}


@pytest.mark.parametrize(("row", "column"), [(-1, 0), (0, -1), (24, 0), (0, 32)])
def test_outside_of_the_result(row, column):
    message = f"row {row}, column {column} is outside of the result of 24 x 32 pixels"
    with pytest.raises(OptionError, match=message):
        provenance(inspected(), row, column)


def test_scores_are_those_of_the_result():
    picture = inspected()
    traced = provenance(picture, 9, 9)
    assert traced.score == picture.score[2, 2].item()
    assert [one.score for one in traced.contributors] == picture.score[1:4, 1:4].flatten().tolist()


def test_texture_helper_is_not_blind():
    """The comparison above sees real pictures, not constants."""
    assert texture(24, 32).std() > 0.1
