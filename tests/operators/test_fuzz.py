# SPDX-License-Identifier: Apache-2.0
"""Arguments that nobody would choose: every call answers, or refuses in words of ours.

`make sanitize` runs this with the kernel under sanitizers. `SEARCHTRANSFER_FUZZ` is the number of
calls, 400 where it is not set.
"""

import os
import random

import pytest
import torch
from torch import Tensor

from searchtransfer import search, transfer
from searchtransfer.errors import SearchTransferError
from searchtransfer.operators import Keys, search_views
from searchtransfer.operators.backends import native_sampling
from searchtransfer.operators.backends.native import Options, instruction_sets
from searchtransfer.references.likeness import patch_described

CALLS = int(os.environ.get("SEARCHTRANSFER_FUZZ", "400"))

DTYPES = [torch.float32] * 12 + [torch.float16, torch.bfloat16, torch.float64, torch.int32]
SIDES = [0, 1, 1, 2, 3, 5, 8, 15, 16, 17, 31, 33, 64]
PATCHES = [1, 3, 3, 3, 3, 5, 7, 31, 33, 2, 0, -1, 3.0, "3", None]
VALUES = [0.0, -0.0, 1e-45, 1e-38, 1e-20, 1.0, 1e20, 3e38, float("inf"), float("nan")]


class Chance(random.Random):
    def features(self, dimensions: int, channels: int, batch: int = 1) -> Tensor:
        size = [batch, channels, self.choice(SIDES), self.choice(SIDES)][4 - dimensions :]
        x = torch.randn(size) * 10.0 ** self.choice([0, 0, 0, -30, 30])
        if x.numel():
            kind = self.random()
            if kind < 0.2:
                x.view(-1)[:: self.randint(1, 9)] = self.choice(VALUES)
            elif kind < 0.3:
                x[..., : self.randint(1, 9)] *= 1e-25
            elif kind < 0.4:
                x = x.round()
        x = x.to(self.choice(DTYPES))
        layout = self.random()
        if layout < 0.1:
            x = x.transpose(-1, -2)
        elif layout < 0.2:
            x = x.flip(-1)[..., ::2]
        elif layout < 0.25:
            x = x[..., :1].expand_as(x)
        return x

    def channels(self) -> int:
        return self.choice([1, 2, 3, 15, 16, 17, 40, 0])

    def search(self) -> None:
        channels, batch = self.channels(), self.choice([1, 1, 1, 2, 0])
        query = self.features(4, channels, batch)
        key = self.features(4, channels if self.random() < 0.95 else 4, batch)
        backend = self.choice(["auto", "native", "native", "tiled", "literal", "none"])
        match = search(query, key, self.choice(PATCHES), backend)
        self.sound(match.score, match.index, key.shape[2] * key.shape[3])

    def views(self) -> None:
        channels = self.channels()
        views = [self.features(3, channels) for _ in range(self.randint(0, 3))]
        patch_size = self.choice(PATCHES)
        keys = Keys(views, patch_size)
        for _ in range(2):
            match = search_views(self.features(4, channels), keys, patch_size)
            self.sound(match.score, match.index, max(keys.counts))
            assert ((match.view >= 0) & (match.view < len(views))).all()

    def transfer(self) -> None:
        key_size = (self.choice(SIDES), self.choice(SIDES))
        scale = self.choice([1, 2, 3, 4, 8, 0, 9, -1, 2.0])
        sides = [int(n * scale) for n in key_size] if isinstance(scale, int) else [4, 4]
        value = torch.randn(1, 2, *(max(0, n) for n in sides)).to(self.choice(DTYPES))
        most = max(1, key_size[0] * key_size[1])
        index = torch.randint(most, (1, self.choice(SIDES), self.choice(SIDES)))
        if index.numel() and self.random() < 0.2:
            index.view(-1)[0] = self.choice([-1, most, 2**40, -(2**62)])
        overlap = self.choice(["mean", "constant", "sum"])
        texture = transfer(value, index, key_size, scale, overlap, self.choice(PATCHES))
        assert torch.isfinite(texture).all()

    def sampling(self) -> None:
        """Sampled, compared and moved around places that may be anywhere, or nowhere."""
        count, sides = self.choice([0, 1, 7, 40]), [self.choice(SIDES[1:]) for _ in range(2)]
        picture = torch.rand(3, *sides)
        if self.random() < 0.2:
            picture = picture.permute(1, 2, 0).contiguous().permute(2, 0, 1)
        centre = torch.rand(count, 2) * torch.tensor(sides) * self.choice([1, 1, 1.2, 1e6])
        jacobian = torch.eye(2) * self.choice([1, 1, 0, 1e-30, 1e30]) + torch.randn(count, 2, 2)
        for x in (centre, jacobian):
            if x.numel() and self.random() < 0.3:
                x.view(-1)[:: self.randint(1, 9)] = self.choice([*VALUES, -3e38])
        to = torch.eye(3) + self.choice([0, 0, 0.1, 10]) * torch.randn(3, 3)
        options = Options(self.choice([None, *instruction_sets()]), self.randint(1, 3))
        steps = self.choice([0.0, 1.0, 1e9]) * torch.randn(self.choice([1, 25, 26, 49]), 2)
        cubic = self.random() < 0.5
        values = native_sampling.sample(picture, centre, jacobian, steps, to, cubic, options)
        assert values.shape == (count, 3, len(steps)) and torch.isfinite(values).all()
        described = patch_described(self.choice([1, 2, 8]), self.choice([0.0, 9.0]), picture)
        query = torch.nn.functional.normalize(torch.randn(count, 42))
        shown = torch.rand(sides) < 0.7 if self.random() < 0.5 else None
        matched = native_sampling.Matched(picture, centre, jacobian, query, shown)
        score = native_sampling.compare(matched, described, options)
        assert ((score >= -1) & (score <= 1)).all()
        moved, better = native_sampling.shift(
            matched,
            described,
            score,
            torch.randn(3, *sides),
            1.5,
            0.05,
            self.randint(0, 3),
            options,
        )
        assert (better >= score).all()
        assert torch.equal(moved.isnan(), centre.isnan())

    @staticmethod
    def sound(score: Tensor, index: Tensor, cells: int) -> None:
        assert ((score >= -1) & (score <= 1)).all()
        assert ((index >= 0) & (index < cells)).all()


@pytest.mark.usefixtures("as_users_run")
@pytest.mark.parametrize("what", ["search", "views", "transfer", "sampling"])
def test_every_call_answers_or_refuses(what: str) -> None:
    if what == "sampling" and not instruction_sets():
        pytest.skip("the compiled kernel is not built")
    answered = 0
    for seed in range(CALLS):
        torch.manual_seed(seed)
        try:
            getattr(Chance(seed), what)()
            answered += 1
        except SearchTransferError:
            continue
        except Exception as error:
            raise AssertionError(f"call {seed} of {what}") from error
    assert answered > CALLS // 20
