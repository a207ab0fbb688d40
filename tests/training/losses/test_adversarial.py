# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from torch import nn

from searchtransfer.networks import Discriminator
from searchtransfer.training.losses import critic_loss, generator_loss, gradient_penalty


class Plane(nn.Module):
    """A critic `<slope, image>`: its gradient is the slope everywhere."""

    def __init__(self, slope):
        super().__init__()
        self.slope = nn.Parameter(slope)

    def forward(self, image):
        return (image * self.slope).sum((1, 2, 3))[:, None]


class Bowl(nn.Module):
    """A critic `|image|^2 / 2`: its gradient is the image itself."""

    def forward(self, image):
        return image.square().sum((1, 2, 3))[:, None] / 2


def test_value_by_hand():
    critic = Plane(torch.tensor([3.0, 4.0]).reshape(1, 1, 2))  # norm 5
    real = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).reshape(2, 1, 1, 2)  # numbers 3 and 4
    fake = torch.tensor([[1.0, 1.0], [0.0, 2.0]]).reshape(2, 1, 1, 2)  # numbers 7 and 8
    assert gradient_penalty(critic, real, fake).item() == pytest.approx(16)
    assert critic_loss(critic, real, fake).item() == pytest.approx(4 + 10 * 16)
    assert critic_loss(critic, real, fake, penalty=0.0).item() == pytest.approx(4)
    assert generator_loss(critic, fake).item() == pytest.approx(-7.5)


def test_penalty_is_taken_between_the_images_with_one_share_each():
    real, fake = torch.full((3, 1, 2, 2), 2.0), torch.zeros(3, 1, 2, 2)
    shares = torch.tensor([0.0, 0.3, 1.0])
    expected = ((4 * shares - 1) ** 2).mean()  # the norm of four pixels of 2 * share
    penalty = gradient_penalty(Bowl(), real, fake, shares)
    torch.testing.assert_close(penalty, expected)
    torch.manual_seed(0)
    expected = ((4 * torch.rand(3) - 1) ** 2).mean()
    torch.manual_seed(0)
    torch.testing.assert_close(gradient_penalty(Bowl(), real, fake), expected)


def test_the_critic_learns_to_tell_them_apart():
    torch.manual_seed(0)
    critic = Plane(torch.zeros(1, 2, 2) + 1e-3)
    real, fake = torch.ones(4, 1, 2, 2), -torch.ones(4, 1, 2, 2)
    critic_loss(critic, real, fake).backward()
    assert (critic.slope.grad < 0).all()  # a step down raises the number of photos


def test_the_generator_is_drawn_to_what_the_critic_likes():
    slope = torch.tensor([1.0, -2.0]).reshape(1, 1, 2)
    fake = torch.zeros(1, 1, 1, 2, requires_grad=True)
    generator_loss(Plane(slope), fake).backward()
    torch.testing.assert_close(fake.grad[0], -slope)


def test_penalty_trains_the_critic_and_no_image():
    critic = Discriminator(16, features=2, hidden=4)
    real = torch.rand(2, 3, 16, 16, requires_grad=True)
    fake = torch.rand(2, 3, 16, 16, requires_grad=True)
    critic_loss(critic, real, fake).backward()
    assert fake.grad is None
    penalty = gradient_penalty(critic, real, fake)
    (gradient,) = torch.autograd.grad(penalty, critic.convolutions[0].weight)
    assert gradient.abs().sum() > 0


def test_penalty_pulls_the_slope_to_one():
    for length, sign in ((0.5, -1), (2.0, 1)):
        critic = Plane(torch.tensor([length]).reshape(1, 1, 1))
        gradient_penalty(critic, torch.ones(1, 1, 1, 1), torch.zeros(1, 1, 1, 1)).backward()
        assert critic.slope.grad.item() * sign > 0
