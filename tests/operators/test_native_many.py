# SPDX-License-Identifier: Apache-2.0
"""The compiled search over thousands of small shapes and hard contents; its gradient."""

import random

import pytest
import torch
from article import search as article_search
from oracle import assert_best, relevances
from torch import Tensor

from searchtransfer import search
from searchtransfer.operators.backends import native
from searchtransfer.operators.backends.native import Options, best_match

if not native.instruction_sets():
    pytest.skip("the compiled kernel is not built", allow_module_level=True)

KERNELS = native.instruction_sets()
SHAPES = 800
"""For each instruction set and kind of content: small ones are quick."""


def noise(channels: int, height: int, width: int) -> Tensor:
    return torch.randn(channels, height, width)


def constant(channels: int, height: int, width: int) -> Tensor:
    return torch.randn(channels, 1, 1).expand(channels, height, width).contiguous()


def periodic(channels: int, height: int, width: int) -> Tensor:
    tile = torch.randint(-2, 3, (channels, 2, 3)).float()
    return tile.repeat(1, height // 2 + 1, width // 3 + 1)[:, :height, :width].contiguous()


def near_ties(channels: int, height: int, width: int) -> Tensor:
    torch.manual_seed(channels)  # query and keys alike
    row = torch.randn(channels, 1, 60)[..., :width]
    return row * (1 + torch.randint(-1, 2, (channels, height, width)) * 2.0**-23)


def denormal(channels: int, height: int, width: int) -> Tensor:
    features = torch.randn(channels, height, width)
    features[1::2] *= 1e-40
    return features


def tiny(channels: int, height: int, width: int) -> Tensor:
    return torch.randn(channels, height, width) * 1e-30


def huge(channels: int, height: int, width: int) -> Tensor:
    return torch.randn(channels, height, width) * 1e30


def outlier(channels: int, height: int, width: int) -> Tensor:
    features = torch.randn(channels, height, width)
    features[channels // 2] *= 1e6
    return features


def sparse(channels: int, height: int, width: int) -> Tensor:
    return torch.randn(channels, height, width).relu() * (torch.rand(1, height, width) > 0.6)


MODERATE = [noise, constant, periodic, near_ties, denormal, outlier, sparse]
EVERY_KIND = [*MODERATE, tiny, huge]


def sizes(chance: random.Random) -> tuple[int, int]:
    return chance.randint(1, 6), chance.randint(1, 40 if chance.random() < 0.1 else 7)


@pytest.mark.usefixtures("as_users_run")  # a shape check would cost more than the search
class TestThousandsOfShapes:
    @pytest.mark.parametrize("kernel", KERNELS)
    def test_every_instruction_set(self, kernel: str) -> None:
        chance = random.Random(kernel)
        for number in range(SHAPES):
            kind = MODERATE[number % len(MODERATE)]
            channels = chance.choice([1, 2, 3, 8, 15, 16, 17, 33])
            query = kind(channels, *sizes(chance))
            keys = [kind(channels, *sizes(chance)) for _ in range(chance.randint(1, 2))]
            patch_size = chance.choice([1, 3, 3, 5])
            options = Options(
                kernel=kernel,
                threads=chance.randint(1, 3),
                depth=chance.choice([None, 0, 16]),
                query_block=chance.choice([0, 0, 1, 3]),
                key_block=chance.choice([0, 0, 16, 32]),
            )
            found = best_match(query, keys, patch_size, options)
            try:
                assert_best(*found, relevances(query, keys, patch_size))
            except AssertionError as error:
                sides = [list(x.shape) for x in (query, *keys)]
                raise AssertionError(f"{kind.__name__} {sides} {patch_size} {options}") from error

    @pytest.mark.parametrize("kind", EVERY_KIND)
    def test_every_content(self, kind) -> None:
        chance = random.Random(kind.__name__)
        for number in range(SHAPES // 4):
            channels = chance.choice([1, 3, 16, 40])
            query, key = kind(channels, *sizes(chance)), kind(channels, *sizes(chance))
            match = search(query[None], key[None], backend="native")
            try:
                assert_best(match.score[0], match.index[0], relevances(query, [key], 3))
            except AssertionError as error:
                sides = [list(x.shape) for x in (query, key)]
                raise AssertionError(f"{kind.__name__} {sides} number {number}") from error


@pytest.mark.parametrize("kind", [noise, periodic, near_ties, outlier, sparse])
def test_every_thread_count_gives_the_same_bits(kind) -> None:
    query, key = kind(40, 13, 37), kind(40, 17, 45)
    for depth in (0, 32):
        one = best_match(query, [key], 3, Options(threads=1, depth=depth))
        for threads in range(2, 9):
            more = best_match(query, [key], 3, Options(threads=threads, depth=depth))
            assert torch.equal(one[0], more[0])
            assert torch.equal(one[1], more[1])


class TestGradient:
    def test_equals_the_gradient_of_the_article_in_float64(self) -> None:
        query, key = torch.randn(2, 12, 9, 8), torch.randn(2, 12, 7, 11)
        weight = torch.randn(2, 72, dtype=torch.float64)
        ours = [x.clone().requires_grad_() for x in (query, key)]
        theirs = [x.double().requires_grad_() for x in (query, key)]
        score = search(*ours, backend="native").score
        (score.flatten(1) * weight).sum().backward()
        (article_search(*theirs)[0] * weight).sum().backward()
        for a, b in zip(ours, theirs, strict=True):
            torch.testing.assert_close(a.grad.double(), b.grad, rtol=1e-5, atol=1e-5)

    def test_zero_blocks_have_no_gradient(self) -> None:
        query = torch.zeros(1, 2, 3, 3, requires_grad=True)
        key = torch.zeros(1, 2, 3, 3, requires_grad=True)
        search(query, key, backend="native").score.sum().backward()
        assert query.grad.eq(0).all()
        assert key.grad.eq(0).all()
