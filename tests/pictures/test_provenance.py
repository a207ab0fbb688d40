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
    Quadrilateral,
    View,
    provenance,
)
from searchtransfer.references.matches import Matches, whole_cells


def cut(colour: Tensor, part: Quadrilateral) -> Tensor:
    """The pixels of an upright part."""
    (top, left), (bottom, right) = (
        (round(y + 0.5), round(x + 0.5)) for y, x in (part.corners[0], part.corners[2])
    )
    return colour[:, top:bottom, left:right]


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
    matches = whole_cells(index[0] * 0, pixel, scale)
    large = torch.zeros(3, height * scale, width * scale)
    none = torch.zeros(height, width)
    photos = (Photo("value", value[0]),)
    picture = shown(large, photos, none, matches)
    expected = transfer(value, index, key_size=key, scale=scale)
    torch.testing.assert_close(texture_of(picture), expected[0], rtol=0, atol=1e-4)


def test_a_search_is_traced_to_its_place():
    small, photo = found_in_place()
    result = Upscaler.from_pretrained("transfer").upscale(small, photo)
    traced = provenance(inspect_result(result, small, photo), 22, 25)
    assert traced.cell == (5, 6)
    assert traced.match.middle == pytest.approx((29.5, 37.5), abs=0.1)
    for frame, half in ((traced.match, 2), (traced.block, 6)):
        assert far(frame.corners, square((29.5, 37.5), half)) < 0.2
    assert traced.photo == 0
    assert traced.view._replace(larger=1.0) == View(1.0, 0, mirrored=False, tilted=False)
    assert traced.view.larger == pytest.approx(1, abs=0.03)
    assert traced.score > 0.99
    for one in traced.contributors:
        assert far(one.source.corners, traced.match.corners) < 0.3
    assert [one.cell for one in traced.contributors][::4] == [(4, 5), (5, 6), (6, 7)]


def square(middle, half, way=((1, 0), (0, 1))):
    """Corners of a square of the result, as a map shows it."""
    (a, b), (c, d) = way
    around = ((-half, -half), (-half, half), (half, half), (half, -half))
    return [(middle[0] + a * y + b * x, middle[1] + c * y + d * x) for y, x in around]


def far(ones, others):
    """The largest distance, in rows or columns."""
    return (torch.tensor(ones) - torch.tensor(others)).abs().max().item()


SCENE = texture(160, 208)
PHOTOS = {
    "turned to the left": (SCENE.rot90(1, (1, 2)), View(1.0, 90, False, False)),
    "turned to the right": (SCENE.rot90(-1, (1, 2)), View(1.0, -90, False, False)),
    "upside down": (SCENE.rot90(2, (1, 2)), View(1.0, 180, False, False)),
    "mirrored": (SCENE.flip(2), View(1.0, 0, True, False)),
    "mirrored and turned": (SCENE.flip(2).rot90(1, (1, 2)), View(1.0, 90, True, False)),
    "twice as large": (up(SCENE, 2).clamp(0, 1), View(2.0, 0, False, False)),
}


@pytest.mark.parametrize("name", PHOTOS)
def test_photos_turned_mirrored_or_larger_are_traced_to_their_pixels(name):
    """What the frame holds, put upright and reduced, is the scene itself."""
    photo, view = PHOTOS[name]
    small = degrade(SCENE[:, 16:144, 24:184], 4)
    result = Upscaler.from_pretrained("transfer").upscale(small, photo)
    picture = inspect_result(result, small, photo)
    inner = [provenance(picture, row, column) for row in (40, 61, 90) for column in (33, 80, 130)]
    for traced in inner:
        assert traced.view.larger == pytest.approx(view.larger, rel=0.03)
        assert abs(traced.view.turned - view.turned) % 360 <= 2
        assert traced.view.mirrored == view.mirrored
        assert not traced.view.tilted
        row, column = 16 + 4 * traced.cell[0], 24 + 4 * traced.cell[1]
        truth = SCENE[:, row : row + 4, column : column + 4]
        assert (seen(photo, traced.match, 4) - truth).abs().mean() < 0.015
        other = traced.match._replace(corners=traced.match.corners[1:] + traced.match.corners[:1])
        assert (seen(photo, other, 4) - truth).abs().mean() > 0.03


def seen(photo, part, side):
    """The pixels of a part of a photo, laid upright: `[3, side, side]`."""
    corners = torch.tensor(part.corners)
    step = (torch.arange(side) + 0.5) / side
    down, across = corners[3] - corners[0], corners[1] - corners[0]
    place = corners[0] + step[:, None, None] * down + step[:, None] * across
    height, width = photo.shape[1:]
    grid = torch.stack([2 * place[..., 1] / (width - 1), 2 * place[..., 0] / (height - 1)], -1) - 1
    return F.grid_sample(photo[None], grid[None], mode="bilinear", align_corners=True)[0]


def test_offers_follow_the_jacobian_of_the_one_who_offers():
    """All cells of a piece found turned and twice as large offer the same for each of them."""
    rows, columns = torch.meshgrid(torch.arange(4.0), torch.arange(4.0), indexing="ij")
    way = torch.tensor([[0.0, -2.0], [2.0, 0.0]])
    position = 4 * torch.stack([rows, columns], -1) @ way.T + torch.tensor([40.0, 30.0])
    matches = Matches(rows.long() * 0, position, way.expand(4, 4, 2, 2), 4)
    large, score = torch.zeros(3, 16, 16), torch.ones(4, 4)
    traced = provenance(shown(large, (Photo("a", torch.rand(3, 90, 90)),), score, matches), 6, 6)
    assert traced.match.middle == (32, 38)
    assert list(traced.match.corners) == square((32, 38), 2, way.tolist())
    assert list(traced.block.corners) == square((32, 38), 6, way.tolist())
    assert traced.view == View(2.0, 90, mirrored=False, tilted=False)
    assert {one.source for one in traced.contributors} == {traced.match}


@pytest.mark.parametrize(
    ("way", "view"),
    [
        ([[1, 0], [0, 1]], View(1.0, 0, False, False)),
        ([[0, -1.5], [1.5, 0]], View(1.5, 90, False, False)),
        ([[0, 1.5], [-1.5, 0]], View(1.5, -90, False, False)),
        ([[-0.5, 0], [0, -0.5]], View(0.5, 180, False, False)),
        ([[1, 0], [0, -1]], View(1.0, 0, True, False)),
        ([[-1, 0], [0, 1]], View(1.0, 180, True, False)),
        ([[0, 1], [1, 0]], View(1.0, 90, True, False)),
        ([[0.866, -0.5], [0.5, 0.866]], View(1.0, 30, False, False)),
        ([[2, 0], [0, 1]], View(1.41, 0, False, True)),
        ([[1, 0], [0, 1.1]], View(1.05, 0, False, False)),
    ],
)
def test_how_it_is_shown(way, view):
    matches = Matches(
        torch.zeros(1, 1).long(), torch.full((1, 1, 2), 9.0), torch.tensor([[way]]).float(), 4
    )
    large = torch.zeros(3, 4, 4)
    picture = shown(large, (Photo("a", torch.rand(3, 20, 20)),), torch.ones(1, 1), matches)
    assert provenance(picture, 0, 0).view == view


def shown(large: Tensor, photos: tuple[Photo, ...], score: Tensor, matches: Matches):
    return InspectorInput(
        name="",
        result=large,
        bicubic=large,
        photos=photos,
        scale=matches.scale,
        score=score,
        photo=matches.photo,
        position=matches.position,
        jacobian=matches.jacobian,
    )


def test_every_pixel_of_a_cell_has_one_provenance():
    picture = inspected()
    one, other = provenance(picture, 4, 8), provenance(picture, 7, 11)
    assert one._replace(row=7, column=11) == other


def test_places_are_known_to_a_sixteenth_of_a_pixel():
    picture = inspected(turned=True)
    for row in range(6):
        for column in range(8):
            y, x = provenance(picture, 4 * row, 4 * column).match.middle
            assert (16 * y, 16 * x) == (round(16 * y), round(16 * x))
            there = torch.tensor([y, x]) - picture.position[row, column]
            assert there.abs().max() <= 1 / 32


def test_states_of_contributors():
    score = torch.full((2, 2), 0.5)
    photo = torch.tensor([[0, -1], [0, 0]])
    pixel = torch.tensor([[[0, 0], [-1, -1]], [[0, 0], [4, 4]]])
    large = torch.zeros(3, 8, 8)
    photos = (Photo("a", torch.rand(3, 8, 8)),)
    picture = shown(large, photos, score, whole_cells(photo, pixel, 4))
    states = [one.state for one in provenance(picture, 0, 0).contributors]
    none, gives = "no neighbour", "gives"
    assert states[:4] == [none] * 4
    assert states[4:] == [gives, "no match", none, "beyond the reference", gives]
    traced = provenance(picture, 0, 4)
    assert (traced.photo, traced.view, traced.match, traced.block) == (None,) * 4
    assert traced.contributors[4].state == "no match"


def test_the_own_match_gives_even_where_it_sticks_out():
    matches = Matches(torch.zeros(1, 1).long(), torch.zeros(1, 1, 2), torch.eye(2)[None, None], 4)
    picture = shown(
        torch.zeros(3, 4, 4), (Photo("a", torch.rand(3, 8, 8)),), torch.ones(1, 1), matches
    )
    traced = provenance(picture, 0, 0)
    assert traced.contributors[4].source == traced.match
    assert traced.match.corners[0] == (-2, -2)


def test_alone_nothing_is_traced():
    traced = provenance(inspected(photos=()), 23, 31)
    assert traced.photo is None
    assert {one.state for one in traced.contributors} == {"no match", "no neighbour"}


@pytest.mark.parametrize(("row", "column"), [(-1, 0), (0, -1), (24, 0), (0, 32)])
def test_outside_of_the_result(row, column):
    message = f"row {row}, column {column} is outside of the result of 32 x 24 pixels"
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
