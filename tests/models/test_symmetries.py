# SPDX-License-Identifier: Apache-2.0
import torch

from searchtransfer.models.symmetries import SYMMETRIES, mean_over


def test_a_mean_over_all_symmetries_turns_with_the_image():
    slope = torch.linspace(0, 1, 12)
    image = torch.rand(3, 12, 12, generator=torch.Generator().manual_seed(0))

    def uneven(x):
        return x * slope + x.roll(1, -2)

    whole = mean_over(8, uneven, image)
    assert not torch.allclose(whole, uneven(image), atol=1e-3)
    for turns, flip in SYMMETRIES:
        turned = image.rot90(turns, (1, 2))
        turned = turned.flip(-1) if flip else turned
        back = mean_over(8, uneven, turned)
        back = (back.flip(-1) if flip else back).rot90(-turns, (1, 2))
        torch.testing.assert_close(back, whole, atol=1e-6, rtol=0)


def test_images_are_turned_alike_and_one_way_is_as_it_is():
    one, other = torch.rand(2, 3, 5, 7, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(mean_over(8, torch.add, one, other), one + other)
    assert torch.equal(mean_over(1, torch.sub, one, other), one - other)
